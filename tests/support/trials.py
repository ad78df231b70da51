"""Trials on both sides, as their requests bring them there."""

from typing import Any

from api.checks import lifecycle, lookup
from api.checks.lifecycle import Check
from backend.requests import tracking, trials
from backend.requests.tracking import Tracked
from backend.requests.trials import Trial
from database.pool import Database
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.trials import CheckOrder
from tests.support.datasets import CATALOGUE, claimed, end


def tracked(database: Database, document: dict[str, Any], **asked: Any) -> Tracked:
    """A trial that the Backend has, and DataOps not yet."""
    order = trials.read(database, CATALOGUE, Trial(document, **asked))
    return tracking.accept(database, CATALOGUE, order, "http", "s")


def accepted(database: Database, body: dict[str, Any]) -> Check:
    """The check that DataOps makes of a trial's body."""
    order = lookup.read_trial(database, CATALOGUE, parse_model(CheckOrder, body), body["document"])
    return lifecycle.accept(database, CATALOGUE, order, 100).check


def try_now(database: Database, document: dict[str, Any], failures: dict[str, int] | None = None, **asked: Any) -> CheckResult:
    """A trial through both services, to its end."""
    accepted(database, tracked(database, document, **asked).body)
    return end(database, claimed(database), **(failures or {}))
