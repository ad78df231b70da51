"""Thresholds as written, as defaults fill them in, and as dbt's gate test gets them."""

from typing import Any

import pytest

from api.checks.lookup import Configured, InScope
from api.checks.specification import build
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.documents.targets import stored_target
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.settings import ROOT


@pytest.mark.parametrize(
    ("written", "thresholds"),
    [
        ({}, (None, 0)),
        ({"severity": "error"}, (None, 0)),
        ({"severity": "warn"}, (0, None)),
        ({"warn_above": 3}, (3, None)),
        ({"fail_above": 3}, (None, 3)),
        ({"warn_above": 0, "fail_above": "2%"}, (0, "2%")),
        ({"fail_above": " 1.50 % "}, (None, "1.50%")),
        ({"fail_above": "0%"}, (None, "0%")),
        ({"fail_above": "100%"}, (None, "100%")),
    ],
)
def test_defaults(written: dict[str, Any], thresholds: tuple[int | str | None, int | str | None]) -> None:
    assert Rule.model_validate({"id": "r", "type": "not_null"} | written).thresholds == thresholds


@pytest.mark.parametrize(
    ("written", "given"),
    [
        (None, {"count": 0}),
        (7, {"count": 7}),
        ("1%", {"share": "0.01"}),
        ("0.1%", {"share": "0.001"}),
        ("1.1%", {"share": "0.011"}),
        ("100%", {"share": "1.00"}),
        ("0.000000000001%", {"share": "0.00000000000001"}),
    ],
)
def test_what_dbt_gets(written: int | str | None, given: dict[str, int | str]) -> None:
    rule: dict[str, Any] = {"id": "r", "type": "not_null", "column": "c"} | ({} if written is None else {"fail_above": written})
    document = TableDocument.model_validate(
        {"apiVersion": "stringx/v1", "target": "shop", "table": "public.orders", "rules": [rule]}
    )
    target = stored_target(
        {
            "apiVersion": "stringx/v1",
            "kind": "Target",
            "name": "shop",
            "host": "h",
            "dbname": "d",
            "user": "u",
            "lock_timeout": "250ms",
        }
    )
    request = CheckOrder.model_validate({"target": "shop", "table": "public.orders"})
    tables = [InScope(Configured(document, target, 1, "hash"), document.rules)]
    specification = build(request, target, tables, Catalogue.load(ROOT / "stringx"), timeout_s=1.5)
    assert specification["statement_timeout_ms"] == 1500
    assert specification["lock_timeout_ms"] == 250
    [table] = specification["tables"]
    assert (table["schema"], table["name"]) == ("public", "orders")
    assert table["rules"][0]["fail_above"] == given
    assert table["rules"][0]["warn_above"] is None
