"""Pages of profiles: asked for, measured by real dbt, looked at and compared; suggestions ticked, previewed, applied."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.configuration import editing
from backend.dashboard import accepting, forms, profile_differences, profiles
from backend.profiles import store
from database.pool import Database
from stringx_dataops.contract.messages.pages import Page
from stringx_dataops.contract.messages.profiles import ColumnProfile, Lengths, Profile, TopValue
from stringx_dataops.suggestions import Said, SaidOfProfile, Suggestion
from tests.support.dashboard import opened, sign_in, token
from tests.support.databases import Target
from tests.support.engine import Engine
from tests.support.profiles import Shop, order

ORDERS = """
create table orders (id bigint primary key, code text not null, status text, amount numeric, at timestamptz);
insert into orders select n, 'x' || n, case when n % 3 = 0 then 'paid' else '<b>open</b>' end, n * 1.5, now() - n * interval '1 hour'
from generate_series(1, 60) n;
"""


@pytest.fixture
def shop(database: Database, target: Target, engine: Engine) -> Shop:
    target.execute(ORDERS)
    return Shop(database, target, engine)


@pytest.fixture
def client(shop: Shop, internal_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    with opened(shop.database, internal_url, tmp_path) as found:
        sign_in(found)
        yield found


def post(client: FlaskClient, path: str, page: str = "/profiles", **fields: Any) -> TestResponse:
    return client.post(path, data={"csrf": token(client.get(page))} | fields)


def measured(shop: Shop, table: str = "public.orders", **settings: Any) -> str:
    found = shop.run(order(table, **settings))
    return f"/profiles/{store.of_request(shop.database, found.request_id).profile_id}"


def ids(page: TestResponse, *, ticked: bool = False) -> list[str]:
    boxes = re.findall(r'<input type="checkbox" name="rule" value="([^"]+)"[^>]*?( checked)?(?: aria[^>]*)?>', page.text)
    return [name for name, checked in boxes if checked or not ticked]


def test_from_an_unknown_table_to_rules_that_are_stored(shop: Shop, client: FlaskClient) -> None:
    assert "Profile a table" in client.get("/").text
    path = measured(shop, sample_columns=["status"])
    page = client.get(path)
    assert page.status_code == 200
    assert "Profile of public.orders" in page.text
    assert "&lt;b&gt;open&lt;/b&gt;" in page.text, "values of allowed columns are shown, and are text"
    assert "<b>open</b>" not in page.text
    assert "90.0" not in page.text, "the largest amount is a value of a row, and may not be shown"
    suggested, recommended = ids(page), ids(page, ticked=True)
    assert suggested
    assert recommended
    assert ids(client.get(f"{path}?ticked=all"), ticked=True) == suggested
    assert ids(client.get(f"{path}?ticked=none"), ticked=True) == []

    preview = post(client, f"{path}/preview", path, rule=recommended)
    assert (preview.status_code, "this is its first one" in preview.text) == (200, True)
    assert editing.find_version(shop.database, ("shop", "public.orders")) is None, "nothing is stored by looking"
    applied = post(client, f"{path}/apply", path, rule=recommended, opened="0", action="apply")
    assert (applied.status_code, urlsplit(applied.headers["Location"]).path) == (303, "/tables/shop/public.orders")
    stored = editing.find_version(shop.database, ("shop", "public.orders"))
    assert stored is not None
    assert stored.document is not None
    assert [rule["id"] for rule in stored.document["rules"]] == recommended
    assert stored.changed_by == "owner"
    again = client.get(path)
    assert not set(ids(again)) & set(recommended), "what the document has is not suggested again"
    table = client.get("/tables/shop/public.orders").text
    assert "Profile this table" in table
    assert "/profiles?target=shop&amp;table=public.orders" in table


def test_a_document_that_changed_meanwhile_is_not_overwritten(shop: Shop, client: FlaskClient) -> None:
    path = measured(shop)
    chosen = [name for name in ids(client.get(path), ticked=True) if name != "enough_rows"][:2]  # that one is like `kept`
    assert len(chosen) == 2
    document = {"apiVersion": "stringx/v1", "target": "shop", "table": "public.orders", "owner": "me"}
    shop.apply(document | {"rules": [{"id": "kept", "type": "row_count", "arguments": {"min": 1}}]})
    refused = post(client, f"{path}/apply", path, rule=chosen, opened="0", action="apply")
    assert (refused.status_code, "Nothing was stored: the document has changed" in refused.text) == (412, True)
    assert 'name="opened" value="1"' in refused.text
    applied = post(client, f"{path}/apply", path, rule=[*chosen, "gone"], opened="1", action="apply")
    assert applied.status_code == 303
    stored = editing.find_version(shop.database, ("shop", "public.orders"))
    assert stored is not None
    assert stored.document is not None
    assert (stored.version, [rule["id"] for rule in stored.document["rules"]]) == (2, ["kept", *chosen])
    assert stored.document["owner"] == "me"
    empty = post(client, f"{path}/apply", path, rule=chosen, opened="2", action="apply")
    assert "No rule is ticked" in empty.text, "both are in the document by now"
    for name in chosen:
        assert f"<code>{name}</code>" in empty.text


def test_two_profiles_are_compared_whatever_the_order_they_are_named_in(shop: Shop, client: FlaskClient) -> None:
    first = measured(shop)
    shop.target.execute("update orders set status = null where id <= 30; alter table orders add column note text")
    second = measured(shop)
    request = client.get(f"/requests/{store.find(shop.database, second.rpartition('/')[2]).request_id}").text
    assert "the table was measured" in request
    assert "this is its verdict" not in request
    for path, other in ((second, first), (first, second)):
        page = client.get(f"{path}?compare={other.rpartition('/')[2]}").text
        rows = re.findall(
            r"<tr><th scope=\"row\">(.*?)</th><td[^>]*>(.*?)</td><td>.*?</svg>(\w+)</span></td><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td>",
            page,
        )
        assert ("status", "NULL", "more", "0%", "50%") in rows, rows
        assert ("note", "column", "added", "–", "text") in rows, rows
    shop.target.execute("create table other as select 1 as id")
    stranger = measured(shop, "public.other")
    assert client.get(f"{second}?compare={stranger.rpartition('/')[2]}").status_code == 404
    assert client.get(f"{second}?compare=none").status_code == 404
    assert "All profiles" in client.get("/profiles").text
    assert client.get("/profiles?table=public.other").text.count("data-key") == 1


def test_what_failed_says_why_and_can_be_asked_for_again(shop: Shop, client: FlaskClient) -> None:
    path = measured(shop, "public.nothing")
    page = client.get(path)
    assert (page.status_code, "Nothing was measured" in page.text, "Profile it again" in page.text) == (200, True, True)
    assert post(client, f"{path}/preview", path).status_code == 409
    shop.target.execute("create table empty_one (id int)")
    empty = client.get(measured(shop, "public.empty_one")).text
    assert "The table is empty" in empty or "Preview the rules" in empty
    assert client.get("/profiles/none").status_code == 404


def test_a_form_that_is_refused_comes_back_with_what_was_typed(shop: Shop, client: FlaskClient) -> None:
    for fields, fault in (
        ({"table": "orders"}, 'id="fault-table"'),
        ({"sample_rows": "0"}, 'id="fault-rows"'),
        ({"sample_rows": "many"}, 'id="fault-rows"'),
        ({"sample_columns": "a" * 64}, 'id="fault-columns"'),
    ):
        refused = post(client, "/profiles", **({"target": "shop", "table": "public.orders"} | fields))
        assert (refused.status_code, fault in refused.text) == (422, True), refused.text
        for value in fields.values():
            assert f'value="{value}"' in refused.text
    assert post(client, "/profiles", target="nowhere", table="public.a").status_code in (404, 422)
    assert store.page(shop.database, {}, Page(5))["items"] == []
    large = post(client, "/profiles", target="shop", table="public.orders", show=["c" * 60] * 3000)
    assert large.status_code == 413


def test_a_request_that_runs_shows_how_far_it_is_and_can_be_canceled(shop: Shop, client: FlaskClient) -> None:
    from tests.support.profiles import accepted

    accepted(shop.database, order("public.orders", request_id="p"))
    path = f"/profiles/{store.of_request(shop.database, 'p').profile_id}"
    page = client.get(path)
    assert "a profile of public.orders" in page.text
    assert "/requests/p/cancel" in page.text
    assert '<meta http-equiv="refresh"' in page.text, "without JavaScript it is loaded again"
    request = client.get("/requests/p").text
    assert f'href="{path}"' in request
    assert "A trial" not in request


def test_who_may_not_configure_sees_suggestions_and_applies_none(shop: Shop, client: FlaskClient) -> None:
    path = measured(shop, sample_columns=["status"])
    owned = client.get(path).text
    viewer = client.application.test_client()
    sign_in(viewer, "sx_reader")
    page = viewer.get(path)
    assert (page.status_code, 'name="rule"' in page.text, "Suggested rules" in page.text) == (200, False, True)
    assert "open&lt;/b&gt;" in owned
    assert "open&lt;/b&gt;" not in page.text, "no values without the scope samples"
    for action in ("preview", "apply"):
        assert viewer.post(f"{path}/{action}", data={"csrf": token(viewer.get("/")), "rule": "a"}).status_code == 403
    assert viewer.post("/profiles", data={"csrf": token(viewer.get("/"))}).status_code == 403
    assert client.post(f"{path}/apply", data={"rule": "a"}).status_code == 403, "no CSRF token"
    blind = client.application.test_client()
    sign_in(blind, "sx_blind")
    refused = blind.post(
        "/profiles",
        data={"csrf": token(blind.get("/")), "target": "shop", "table": "public.orders", "sample_columns": "status"},
    )
    assert refused.status_code == 403, "values of columns take the scope configure"


def suggestion(value: float, status: str = "pass", *before: str) -> Suggestion:
    said = [
        SaidOfProfile.model_validate({"status": each, "words": "", "profile_id": "p", "at": "2026-01-01T00:00:00Z"})
        for each in before
    ]
    return Suggestion(
        id="a",
        rule={},
        yaml="",
        reason="",
        value=value,
        on_this=Said.model_validate({"status": status, "words": ""}),
        on_profiles=said,
    )


def test_only_what_would_have_passed_is_recommended() -> None:
    assert accepting.is_recommended(suggestion(0.9, "pass", "pass", "unknown"))
    for other in (
        suggestion(0.69),
        suggestion(0.9, "warn"),
        suggestion(0.9, "unknown"),
        suggestion(0.9, "pass", "pass", "fail"),
        suggestion(0.9, "pass", "warn"),
    ):
        assert not accepting.is_recommended(other)


def test_columns_are_described_in_words() -> None:
    column = ColumnProfile(
        name="code", type="text", family="text", not_null=True, nulls=25, distinct=75, min="a", max="z" * 100, blanks=5, values_hidden=False,
        length=Lengths(min=1, max=9, mean=4.25), formats={"email": 50, "url": 0}, top=[TopValue(value=" ", count=50)] * 20,
    )  # fmt: skip
    profile = Profile.model_validate(
        {
            "target": "t",
            "table": "a.b",
            "relation": "table",
            "snapshot_at": "2026-01-01T00:00:00Z",
            "row_count": 100,
            "columns": [column],
        }
    )
    (row,) = profiles.rows(profile, 0, 10)
    assert (row.nulls, row.distinct, row.marks, len(row.top)) == ("25 (25%)", "75, each once", ["NOT NULL"], profiles.MOST_TOP)
    assert dict(row.facts) == {
        "from, to": f"a … {'z' * 80}…", "length": "1 to 9, mean 4.2", "blank": "5 (5%)", "looks like": "email 50%",
    }  # fmt: skip
    assert (row.top[0].value, row.top[0].words) == ("(blank)", "50 (50%)")
    assert 'width="25.0"' in row.empty
    assert profiles.rows(profile, 1, 10) == []


def test_differences_say_what_grew_and_what_shrank() -> None:
    measures = [
        {"name": "nulls_share", "before": 0.5, "after": 0.25},
        {"name": "quantiles", "before": {"0.5": "1", "0.95": "2"}, "after": {"0.5": "3", "0.95": "2"}},
        {"name": "formats.email_share", "before": None, "after": 1.0},
        {"name": "not_null", "before": False, "after": True},
        {"name": "min", "before": None, "after": "a value that may be shown now"},
    ]
    found = profile_differences.changes([{"column": "a", "change": "changed", "measures": measures}])
    assert [(each.what, each.word, each.before, each.after) for each in found] == [
        ("NULL", "less", "50%", "25%"),
        ("median", "changed", "1", "3"),
        ("looks like email", "changed", "–", "100%"),
        ("NOT NULL", "changed", "no", "yes"),
    ]


def test_the_bound_of_forms_with_names() -> None:
    assert forms._MIDDLE == 128 * 1024
