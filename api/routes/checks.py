"""Quality checks: ask for one, look at one."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response

from api.checks import batches, lifecycle, lookup
from api.checks.lifecycle import Check
from api.routes.requester import requester
from database.notifications import Listener
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.messages.batches import BatchAnswer, CheckBatch
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.problems import (
    Busy,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
    invalid,
)
from stringx_dataops.contract.settings import Settings
from web import bodies, waiting
from web.bodies import answer, json_body
from web.keys import caller
from web.openapi import Operation, describe
from web.parameters import WAIT, idempotency_key, uuid_of
from web.service import log_ids
from web.waiting import Work

_REFUSALS = (Malformed, Forbidden, NotFound, Conflict, TooLarge, UnsupportedMediaType, Invalid, Busy, Unavailable)


@dataclass(frozen=True)
class Checks:
    """What the routes need."""

    settings: Settings
    database: Database
    catalogue: Catalogue
    listener: Listener


def blueprint(service: Checks) -> Blueprint:
    routes = Blueprint("checks", __name__)

    @routes.post("/api/v1/quality-checks")
    @describe(
        Operation(
            "Check a table or a dataset: sync answers with the result, async with 202",
            scope="trigger",
            targets="body",
            body=CheckOrder,
            example={"target": "nyc", "table": "public.flights", "mode": "sync"},
            answers={200: CheckResult, 202: CheckResult},
            traced=True,
            errors=_REFUSALS,
        )
    )
    def create() -> Response:
        body = json_body()
        document = body.get("document") if isinstance(body, dict) else None
        profile = body.get("profile") if isinstance(body, dict) else None
        if document is not None or (isinstance(profile, dict) and profile.get("sample_columns") is not None):
            caller().require("configure")
        asked = idempotency_key(parse_model(CheckOrder, body))
        _require_callback(asked, service.settings)
        if document is not None:
            asked = lookup.read_trial(service.database, service.catalogue, asked, document)
        accepted = lifecycle.accept(service.database, service.catalogue, asked, service.settings.queue_limit, requester())
        log_ids(request_id=accepted.check.request_id, check_id=accepted.check.check_id)
        is_sync = accepted.check.mode == "sync"
        check = _wait(service, accepted.check, asked.wait_s if is_sync else 0)
        location = f"/api/v1/quality-checks/{check.check_id}"
        response = bodies.accepted(_shown(check), location, has_ended=is_sync and check.terminal, replayed=accepted.replayed)
        response.headers.update(batches.TAKES)
        return response

    @routes.post("/api/v1/quality-checks/batch")
    @describe(
        Operation(
            "The Backend sends several checks that nobody waits for: each is accepted and answered by itself",
            scope="trigger",
            targets="unlimited",
            body=CheckBatch,
            answers={200: BatchAnswer},
            errors=(Malformed, Forbidden, TooLarge, UnsupportedMediaType, Invalid, Unavailable),
        )
    )
    def create_several() -> Response:
        ordered = batches.read(json_body(), caller().name, is_service="results" in caller().scopes)
        answers = batches.accept(service.database, service.catalogue, ordered, service.settings.queue_limit)
        return answer(BatchAnswer(answers=answers).model_dump(mode="json", exclude_none=True), headers=batches.TAKES)

    @routes.get("/api/v1/quality-checks/<check_id>")
    @describe(
        Operation(
            "A check's result, or its state so far",
            scope="read",
            targets="check",
            query=(WAIT,),
            answers={200: CheckResult},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def show(check_id: str) -> Response:
        check = lifecycle.find(service.database, _uuid(check_id))
        return answer(_shown(_wait(service, check, WAIT.value())))

    @routes.post("/api/v1/quality-checks/<check_id>/cancel")
    @describe(
        Operation(
            "Cancel: a waiting check ends at once, a running one when it has been stopped; one that has ended stays as it is",
            scope="trigger",
            targets="check",
            query=(WAIT,),
            answers={200: CheckResult, 202: CheckResult},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def cancel(check_id: str) -> Response:
        canceled = lifecycle.cancel(service.database, _uuid(check_id), service.settings.backend_url, requester())
        check = _wait(service, canceled, WAIT.value())
        return answer(_shown(check), 200 if check.terminal else 202)

    return routes


def _shown(check: Check) -> dict[str, Any]:
    """The check as its caller may see it."""
    return check.as_json(with_samples="samples" in caller().scopes)


def _wait(service: Checks, check: Check, seconds: float) -> Check:
    work = Work(check.check_id, lambda: lifecycle.find(service.database, check.check_id), lambda latest: latest.terminal)
    return waiting.until_ended(service.listener, work, check, seconds)


def _uuid(check_id: str) -> str:
    return uuid_of(check_id, f"there is no check {check_id[:100]!r}; an id looks like 01890000-0000-7000-8000-000000000000")


def _require_callback(asked: CheckRequest, settings: Settings) -> None:
    """Results go to the Backend alone, whatever a request says."""
    if asked.callback_url is None:
        return
    if asked.request_id is None or asked.callback_url != lifecycle.results_url(settings.backend_url, asked.request_id):
        raise invalid([FieldError("/callback_url", "is not where BACKEND_URL takes its result; leave the field out")])
