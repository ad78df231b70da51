"""Groups of a rule on the pages of a request, a table and a rule: how many did not pass, the worst, their keys where shown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.checks import claims, lifecycle
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from stringx_dataops.contract.messages.groups import GroupResult
from tests.support.dashboard import opened, sign_in
from tests.support.datasets import CATALOGUE, apply, claimed, result, table
from tests.support.history import with_rule

RULES = [
    {"id": "a", "type": "not_null", "column": "a", "per": ["shop", "day"]},
    {"id": "plain", "type": "not_null", "column": "b"},
]


@pytest.fixture
def client(shop: Database, internal_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    apply(shop, table("public.a", rules=RULES))
    with opened(shop, internal_url, tmp_path) as client:
        sign_in(client)
        yield client


def grouped(database: Database, groups: list[GroupResult], count: int, failing: int, **asked: Any) -> CheckResult:
    """A check of public.a, or of a dataset with it, whose rule `a` found these groups."""
    request = CheckRequest.model_validate({"target": "shop"} | (asked or {"table": "public.a"}))
    accepted = tracking.accept(database, CATALOGUE, request, "http", "s")
    lifecycle.accept(database, CATALOGUE, CheckRequest.model_validate(accepted.body), 100)
    check = claimed(database)
    found = result(database, check, a=3)
    numbers = {"group_count": count, "groups_failing": failing, "failures": 3, "total": 400}
    changes = {"groups": groups, "status": "fail" if failing else "pass", "verified_by": "scan", "message": "grouped"} | numbers
    if found.tables:
        first = found.tables[0]
        rules = [first.rules[0].model_copy(update=changes), *first.rules[1:]]
        found = found.model_copy(update={"tables": [first.model_copy(update={"rules": rules}), *found.tables[1:]]})
    else:
        plain = found.rules[1]
        found = with_rule(found, **changes)
        found = found.model_copy(update={"rules": [*found.rules, plain]})
    assert claims.finish(database, check, found, "http://backend")
    stored = CheckResult.model_validate(found.as_json())
    tracking.store(database, check.request_id, stored)
    return stored


def group(key: dict[str, str | None] | None, failures: int | None, status: str = "fail", **changes: Any) -> GroupResult:
    named = {"key": key, "failures": failures, "total": 10, "measured": None, "status": status}
    return GroupResult.model_validate(named | changes)


@pytest.mark.parametrize("asked", [{}, {"dataset": "sales"}])
def test_the_worst_groups_stand_below_the_rule(client: FlaskClient, shop: Database, asked: dict[str, str]) -> None:
    found = [group({"shop": "<b>", "day": None}, 3), group({"shop": "x" * 100, "day": "1"}, 0, "pass", change="new")]
    check = grouped(shop, found, 41, 1, **asked)
    for path in (f"/requests/{check.request_id}", "/tables/shop/public.a", "/tables/shop/public.a/rules/a"):
        page = client.get(path).text
        assert "1 of 41 groups did not pass" in page, path
        assert "shop &lt;b&gt;, day NULL" in page, path
        assert "3 of 10 (30%)" in page, path
        assert f'shop {"x" * 59}…, day 1 <span class="badge">new</span>' in page, path
        assert "39 more are not listed" in page, path
        assert page.count('class="groups"') == 1, path
    assert "groups" not in client.get("/tables/shop/public.a/rules/plain").text


def test_a_group_whose_columns_may_not_be_shown_has_numbers_alone(client: FlaskClient, shop: Database) -> None:
    measured = group(None, None, measured=12.5)
    grouped(shop, [measured], 1, 1)
    page = client.get("/tables/shop/public.a").text
    assert "1 of 1 group did not pass" in page
    assert '<span class="none">hidden</span>' in page
    assert '<td class="figure">12.5</td>' in page
    assert "are in <code>key</code> or <code>sample_columns</code>" in page


def test_groups_that_all_pass_are_said_to(client: FlaskClient, shop: Database) -> None:
    grouped(shop, [group({"shop": "a", "day": "1"}, 0, "pass")], 1000, 0)
    assert "1,000 groups, which pass" in client.get("/tables/shop/public.a").text
