"""Groups of a rule on the pages of a request, a table and a rule: how many did not pass, the worst, their keys where shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from database.pool import Database
from tests.support.dashboard import opened, sign_in
from tests.support.datasets import apply, table
from tests.support.grouped import RULES, group, grouped


@pytest.fixture
def client(shop: Database, internal_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    apply(shop, table("public.a", rules=RULES))
    with opened(shop, internal_url, tmp_path) as client:
        sign_in(client)
        yield client


@pytest.mark.parametrize("asked", [{}, {"dataset": "sales"}])
def test_the_worst_groups_stand_below_the_rule(client: FlaskClient, shop: Database, asked: dict[str, str]) -> None:
    found = [group({"shop": "<b>", "day": None}, 3), group({"shop": "x" * 100, "day": "1"}, 0, "pass", change="new")]
    check = grouped(shop, found, 41, 1, **asked)
    for path in (f"/requests/{check.request_id}", "/tables/shop/public.a", "/tables/shop/public.a/rules/a"):
        page = client.get(path).text
        assert "1 of 41 groups did not pass" in page, path
        assert "shop = &lt;b&gt;, day = NULL" in page, path
        assert "3 of 10 (30%)" in page, path
        assert f'shop = {"x" * 59}…, day = 1 <span class="badge">new</span>' in page, path
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


def test_names_of_groups_are_hidden_from_people_who_may_see_no_rows(shop: Database, internal_url: str, tmp_path: Path) -> None:
    apply(shop, table("public.a", rules=RULES))
    check = grouped(shop, [group({"shop": "s3cret", "day": "1"}, 3)], 41, 1)
    for key, sees in (("sx_blind", False), ("sx_owner", True)):
        with opened(shop, internal_url, tmp_path) as client:
            sign_in(client, key)
            for path in (f"/requests/{check.request_id}", "/tables/shop/public.a", "/tables/shop/public.a/rules/a"):
                page = client.get(path).text
                assert "1 of 41 groups did not pass" in page, path
                assert ("s3cret" in page) is sees, (path, key)
