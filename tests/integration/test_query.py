"""The query of every endpoint of both services: what it does not declare, or cannot read, is refused, never ignored."""

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from stringx_dataops.contract.messages.pages import Pages
from tests.support.apps import DELIVERIES, SCOPES, Apps
from tests.support.apps import made as apps_of
from tests.support.databases import Admin

GATE, REQUESTS = "/api/v1/gates/shop/public.orders", "/api/v1/requests"
CONFIGURATION = "/api/v1/configuration"
VERSIONS = "/api/v1/tables/shop/public.orders/versions"
TARGET = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "127.0.0.1", "dbname": "a", "user": "b"}
TABLE = {"apiVersion": "stringx/v1", "target": "shop", "table": "public.orders"}


@pytest.fixture(scope="module")
def apps(admin: Admin, internal_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apps]:
    with apps_of(admin, internal_template, tmp_path_factory.mktemp("home")) as made:
        assert made.ask("/api/v1/targets/shop", "PUT", json=TARGET).status_code == 201
        for number in range(7):
            stored = made.ask("/api/v1/tables/shop/public.orders", "PUT", json=TABLE | {"description": str(number)})
            assert stored.status_code in (200, 201)
        yield made


def pointers(answer: TestResponse) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    problem = answer.get_json()
    assert "\n" not in problem["detail"]
    return {error["pointer"]: error["message"] for error in problem["errors"]}


def test_every_endpoint_refuses_an_unknown_parameter_after_the_key_and_before_what_is_not_there(apps: Apps) -> None:
    tried = 0
    for method, path, operation in apps.endpoints():
        unknown = f"{path}?nonsense=1"
        found = pointers(apps.ask(unknown, method))
        assert found.keys() == {"/query/nonsense"}, (method, path)
        assert "is no parameter of this endpoint" in found["/query/nonsense"]
        assert apps.ask(unknown, method, scopes=None).status_code == 401, (method, path)
        narrow = tuple(scope for scope in SCOPES if scope != operation.scope)
        assert apps.ask(unknown, method, scopes=narrow).status_code == 403, (method, path)
        tried += 1
    assert tried >= 25


def test_every_parameter_is_refused_empty_twice_and_malformed(apps: Apps) -> None:
    seen = set()
    for method, path, operation in apps.endpoints():
        for parameter in operation.query:
            name = parameter.name
            for query, words in (
                (f"{name}=", "is empty"),
                (name, "is empty"),
                (f"{name}=1&{name}=2", "given 2 times"),
                (f"{name}=%00", "NUL"),
            ):
                found = pointers(apps.ask(f"{path}?{query}", method))
                assert list(found) == [f"/query/{name}"], (method, path, query)
                assert words in found[f"/query/{name}"]
            if name not in ("request_id",):  # any printable text is one
                assert pointers(apps.ask(f"{path}?{name}=%0A%F0%9F%A4%B7", method)).keys() == {f"/query/{name}"}
            seen.add(name)
    assert seen >= {
        "wait",
        "not_before",
        "dry_run",
        "limit",
        "cursor",
        "verdict",
        "status",
        "table",
        "dataset",
        "request_id",
        "state",
    }


@pytest.mark.parametrize(
    ("path", "name", "words"),
    [
        (f"{GATE}?requestId=a", "requestId", "did you mean request_id?"),
        (f"{GATE}?REQUEST_ID=a", "REQUEST_ID", "did you mean request_id?"),
        (f"{GATE}?not-before=2099-01-01T00:00:00Z", "not-before", "did you mean not_before?"),
        (f"{GATE}?max_age=1h", "max_age", "it takes request_id, not_before"),
        ("/api/v1/gates/datasets/nowhere?requestId=a", "requestId", "did you mean request_id?"),
        (f"{REQUESTS}?tabel=public.t", "tabel", "did you mean table?"),
        ("/api/v1/targets/shop?version=1", "version", "it takes none"),
        (f"{GATE}?%0Arequest_id=a", "\nrequest_id", "did you mean request_id?"),
        (f"{GATE}?a/b~c=1", "a~1b~0c", "is no parameter"),
        (f"{GATE}?=1", "", "is no parameter"),
        (f"{GATE}?request_id={'x' * 201}", "request_id", "must be 1 to 200 printable characters"),
        (f"{GATE}?request_id=%0A", "request_id", "must be 1 to 200 printable characters"),
        (f"{GATE}?not_before=2099-01-01", "not_before", "is no RFC 3339 time"),
        (f"{GATE}?not_before=2099-01-01T00:00:00", "not_before", "has no offset"),
        (f"{GATE}?not_before=20990101T000000Z", "not_before", "is no RFC 3339 time"),
        (f"{GATE}?not_before=2099-W01-1T00:00:00Z", "not_before", "is no RFC 3339 time"),
        (f"{GATE}?not_before=2099-01-01T00Z", "not_before", "is no RFC 3339 time"),
        (f"{GATE}?not_before=2099-02-30T00:00:00Z", "not_before", "is no moment of the calendar"),
        (f"{GATE}?not_before=2099-01-01T24:00:00Z", "not_before", "is no moment of the calendar"),
        (f"{GATE}?not_before=0001-01-01T00:00:00%2B01:00", "not_before", "is no moment of the calendar"),
        (f"{GATE}?not_before=2099-01-01T12:00:60Z", "not_before", "has second 60"),
        (f"{GATE}?not_before=now", "not_before", "is no RFC 3339 time"),
        (f"{REQUESTS}?verdict=passs", "verdict", "is 'passs'; did you mean pass?"),
        (f"{REQUESTS}?verdict=green", "verdict", "give one of pass, warn, fail, error"),
        (f"{REQUESTS}?status=cancelled", "status", "did you mean canceled?"),
        (f"{REQUESTS}?include=rule", "include", "is 'rule'; did you mean rules?"),
        (f"{REQUESTS}?table=orders", "table", "write schema.table"),
        (f"{REQUESTS}?dataset=Sales", "dataset", "is no name of a dataset"),
        (f"{REQUESTS}?limit=0", "limit", "give a whole number from 1 to 1000"),
        (f"{REQUESTS}?limit=1001", "limit", "give a whole number from 1 to 1000"),
        (f"{REQUESTS}?limit=1.0", "limit", "give a whole number from 1 to 1000"),
        (f"{REQUESTS}?limit=%D9%A1", "limit", "give a whole number from 1 to 1000"),
        (f"{REQUESTS}?cursor=no-such-request", "cursor", "is no cursor of this list"),
        (f"{CONFIGURATION}?cursor=Table/shop/public.a", "cursor", "is no cursor of this list"),
        (f"{DELIVERIES}?cursor=01890000-0000-7000-8000-000000000000", "cursor", "is no cursor of this list"),
        (f"{DELIVERIES}?state=gone", "state", "give one of waiting, delivered, failed"),
        ("/api/v1/requests/r?wait=301", "wait", "give seconds from 0 to 300"),
        ("/api/v1/requests/r?wait=nan", "wait", "give seconds from 0 to 300"),
        ("/api/v1/requests/r?wait=1_0", "wait", "give seconds from 0 to 300"),
        ("/api/v1/requests/r?wait=-1", "wait", "give seconds from 0 to 300"),
        ("/api/v1/quality-checks/x?wait=soon", "wait", "give seconds from 0 to 300"),
    ],
)  # fmt: skip
def test_a_parameter_is_refused_in_words(apps: Apps, path: str, name: str, words: str) -> None:
    found = pointers(apps.ask(path))
    assert list(found) == [f"/query/{name}"]
    assert words in found[f"/query/{name}"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", f"{CONFIGURATION}?dry_run=yes"), ("POST", f"{CONFIGURATION}?dry-run=true"), ("POST", f"{CONFIGURATION}?dryRun=true"),
     ("PUT", "/api/v1/tables/shop/public.new?dry_run=true"), ("DELETE", "/api/v1/tables/shop/public.orders?dry_run=true")],
)  # fmt: skip
def test_what_looks_like_a_dry_run_changes_nothing(apps: Apps, method: str, path: str) -> None:
    before = apps.ask(CONFIGURATION).get_json()
    body = TABLE | {"table": "public.new"}
    assert pointers(apps.ask(path, method, json=body)).keys() <= {"/query/dry_run", "/query/dry-run", "/query/dryRun"}
    assert apps.ask(CONFIGURATION).get_json() == before
    assert apps.ask("/api/v1/tables/shop/public.new").status_code == 404


def test_all_faults_of_a_query_are_told_at_once_and_its_bytes_are_utf8(apps: Apps) -> None:
    assert pointers(apps.ask(f"{REQUESTS}?verdict=x&status=y&tabel=z&limit=1")).keys() == {
        "/query/verdict",
        "/query/status",
        "/query/tabel",
    }
    assert pointers(apps.ask(f"{GATE}?request_id=%FF")) == {"/query": "is not UTF-8; escape it as UTF-8"}
    assert "more than 100" in pointers(apps.ask(f"{GATE}?{'&'.join(f'p{n}=1' for n in range(101))}"))["/query"]


@pytest.mark.parametrize(
    "moment",
    ["2013-01-31T06:00:00Z", "2013-01-31t06:00:00z", "2013-01-31T06:00:00.123456789%2B01:00", "2013-01-31T06:00:00+01:00",
     "2016-12-31T23:59:60Z", "2017-01-01T00:59:60%2B01:00", "2013-01-31T06:00:00-00:00"],
)  # fmt: skip
def test_a_moment_of_rfc_3339_is_read(apps: Apps, moment: str) -> None:
    assert apps.ask(f"{GATE}?not_before={moment}").status_code == 200


def test_known_parameters_are_read(apps: Apps) -> None:
    for path in (f"{REQUESTS}?verdict=pass&status=running&table=public.orders&limit=1000", f"{CONFIGURATION}?limit=1", f"{DELIVERIES}?state=waiting",
                 f'{REQUESTS}?table="public"."orders"', "/api/v1/rule-types?limit=3", VERSIONS, f"{GATE}?", "/api/v1/queue"):  # fmt: skip
        assert apps.ask(path).status_code == 200, path


def _all(apps: Apps, path: str, limit: int) -> list[Any]:
    found: list[Any] = []
    cursor = ""
    while True:
        page = apps.ask(f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}").get_json()
        assert page.keys() - {"sources", "hidden"} == {"items", "next_cursor"}
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        assert len(page["items"]) == limit
        cursor = f"&cursor={page['next_cursor']}"


def test_every_list_is_read_page_by_page(apps: Apps) -> None:
    with apps.database.transaction() as cursor:
        cursor.run(
            "insert into stringx.requests (request_id, source, target, table_name, mode, body, body_hash, is_full, status, created_at)"
            " select 'request ' || n, 'http', 'shop', 'public.orders', 'async', '{}', '', true, 'queued', '2026-01-01T00:00:00.123456Z'"
            " from generate_series(1, 60) n"
        )  # of one moment, so that the position needs both of its parts
    whole = apps.ask(f"{REQUESTS}?limit=1000").get_json()["items"]
    first = apps.ask(REQUESTS).get_json()
    assert (len(whole), len(first["items"])) == (60, 50)
    assert apps.ask(f"{REQUESTS}?cursor={first['next_cursor']}").get_json() == {"items": whole[50:], "next_cursor": None}
    for limit in (7, 60):
        assert _all(apps, REQUESTS, limit) == whole
    with apps.database.transaction() as cursor:
        cursor.run("delete from stringx.requests where request_id = %(id)s", {"id": first["items"][-1]["request_id"]})
    again = apps.ask(f"{REQUESTS}?cursor={first['next_cursor']}").get_json()
    assert again["items"] == whole[50:], "a cursor outlives what it stands at"
    for path in (CONFIGURATION, VERSIONS, "/api/v1/rule-types"):
        items = apps.ask(f"{path}?limit=1000").get_json()["items"]
        assert len(items) > 1
        for limit in (1, 3):
            assert _all(apps, path, limit) == items, path
    assert [item["version"] for item in apps.ask(VERSIONS).get_json()["items"]] == [7, 6, 5, 4, 3, 2, 1]


def test_a_cursor_of_another_list_or_a_changed_one_is_refused(apps: Apps) -> None:
    taken = {
        path: apps.ask(f"{path}?limit=1").get_json()["next_cursor"] for path in (CONFIGURATION, VERSIONS, "/api/v1/rule-types")
    }
    for path, cursor in taken.items():
        assert apps.ask(f"{path}?cursor={cursor}").status_code == 200
        for wrong in (
            *(other for other in taken.values() if other != cursor),
            cursor[:-1],
            cursor[1:],
            cursor + "A",
            cursor + "%0A",
            f"{cursor}%3D%3D%3D%3D",
        ):
            assert pointers(apps.ask(f"{path}?cursor={wrong}")).keys() == {"/query/cursor"}, (path, wrong)


@pytest.mark.parametrize(
    ("path", "pages"),
    [(REQUESTS, Pages("requests", 2)), (CONFIGURATION, Pages("configuration", 2)), (VERSIONS, Pages("versions of a table")),
     (DELIVERIES, Pages("deliveries")), ("/api/v1/rule-types", Pages("rule types"))],
)  # fmt: skip
def test_a_forged_cursor_is_refused_at_the_latest_by_the_list(apps: Apps, path: str, pages: Pages) -> None:
    assert apps.ask(f"{path}?cursor={pages.cursor(('x',) * pages.texts)}").status_code == 422
    assert apps.ask(f"{path}?cursor={pages.cursor(('x',) * (pages.texts + 1))}").status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/gates/shpo/public.orders", None),
        ("GET", "/api/v1/tables/shpo/public.orders", None),
        ("DELETE", "/api/v1/tables/shpo/public.orders", None),
        ("GET", "/api/v1/tables/shpo/public.orders/versions", None),
        ("GET", "/api/v1/targets/shpo", None),
        ("DELETE", "/api/v1/targets/shpo", None),
        ("POST", REQUESTS, {"target": "shpo", "table": "public.orders"}),
        ("POST", REQUESTS, {"target": "shpo", "dataset": "nowhere"}),
        ("POST", "/api/v1/quality-checks", {"target": "shpo", "table": "public.orders"}),
        ("POST", "/api/v1/quality-checks", {"target": "shpo", "dataset": "nowhere"}),
        ("PUT", "/api/v1/tables/shpo/public.orders", {}),
        ("POST", CONFIGURATION, TABLE | {"target": "shpo"}),
        ("PUT", "/api/v1/datasets/all", {"target": "shpo", "tables": ["public.orders"]}),
    ],
)
def test_a_target_that_is_not_there_is_named_before_its_table(apps: Apps, method: str, path: str, body: Any) -> None:
    answer = apps.ask(path, method, **({"json": body} if body is not None else {}))
    is_document = method == "PUT" or path == CONFIGURATION
    assert answer.status_code == (422 if is_document else 404)
    assert "there is no target shpo; did you mean shop?" in answer.get_json()["detail"]


def test_a_table_that_is_not_configured_on_a_target_that_is_there(apps: Apps) -> None:
    for path in (REQUESTS, "/api/v1/quality-checks"):
        answer = apps.ask(path, "POST", json={"target": "shop", "table": "public.order"})
        assert answer.status_code == 404
        assert "no configuration for table public.order of target shop" in answer.get_json()["detail"]


def test_the_document_of_each_service_has_the_parameters_with_their_schemas(apps: Apps) -> None:
    document = apps.clients["backend"].get("/openapi.json").get_json()
    found = {each["name"]: each["schema"] for each in document["paths"][REQUESTS]["get"]["parameters"]}
    assert found["limit"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}
    assert found["verdict"]["enum"] == ["pass", "warn", "fail", "error"]
    assert found["include"]["enum"] == ["rules"]
    answers = document["paths"][REQUESTS]["get"]["responses"]
    assert answers["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/RequestPage"}
    [wait] = [each for each in document["paths"]["/api/v1/requests/{request_id}"]["get"]["parameters"] if each["in"] == "query"]
    assert (wait["name"], wait["schema"]["type"]) == ("wait", "number")


def test_a_stream_of_documents_may_be_larger_than_a_result(apps: Apps) -> None:
    documents = f"# {'x' * 17 * 1024 * 1024}\napiVersion: stringx/v1\ntarget: shop\ntable: public.orders\n".encode()
    answer = apps.ask(f"{CONFIGURATION}?dry_run=true", "POST", data=documents, content_type="application/yaml")
    assert answer.status_code == 200, answer.text
    too_large = documents + b"# " + b"x" * 16 * 1024 * 1024
    assert apps.ask(f"{CONFIGURATION}?dry_run=true", "POST", data=too_large, content_type="application/yaml").status_code == 413
