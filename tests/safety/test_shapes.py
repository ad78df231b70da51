"""Requests of wrong shapes, and of right ones with odd values: none is answered with an error of the service's own, nor with a
status that its OpenAPI document does not declare. 500 generated ones by default, 10,000 with --long."""

import http.client
import json
import secrets
from collections import Counter
from contextlib import closing
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import requests

from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.signatures import sign
from tests.safety.conftest import Services, configure
from tests.safety.generated import Generator, Request

KNOWN = {
    "target": ["shop"],
    "table": ["public.orders", "public.a/versions"],
    "name": ["shop", "orders"],
    "rule": ["a", "id_unique"],
    "request_id": ["r1", "r/1"],
    "check_id": ["01890000-0000-7000-8000-000000000000"],
    "message_id": ["01890000-0000-7000-8000-000000000000"],
    "waiver_id": ["01890000-0000-7000-8000-000000000000"],
    "badge_id": ["01890000-0000-7000-8000-000000000000"],
    "token": ["a" * 32],
    "incident_id": ["01890000-0000-7000-8000-000000000000"],
    "profile_id": ["01890000-0000-7000-8000-000000000000"],
    "notification_id": ["01890000-0000-7000-8000-000000000000"],
}
UNVERSIONED = {
    "/api/v1/keys/{name}",
    "/api/v1/waivers/{waiver_id}",
    "/api/v1/badges/{badge_id}",
    "/api/v1/profiles/{profile_id}",
}  # these take no If-Match


def result(services: Services, **changes: Any) -> dict[str, Any]:
    """A result of a check that nobody has asked this Backend for."""
    now = services.database_now().isoformat()
    one = {"check_id": new_id(), "request_id": f"r{secrets.token_hex(4)}", "target": "shop", "table": "public.orders"}
    ended = {
        "status": "succeeded",
        "verdict": "pass",
        "queued_at": now,
        "started_at": now,
        "finished_at": now,
        "snapshot_at": now,
    }
    return one | ended | {"config_version": 1, "rules_hash": "x", "counts": {"pass": 1}} | changes


def configured(services: Services) -> list[Any]:
    state = services.state()
    return [state[f"stringx.{name}"] for name in ("targets", "table_versions", "dataset_versions")]


def post(services: Services, posted: dict[str, Any]) -> requests.Response:
    body = json.dumps(posted)
    headers = sign([services.signing_secret], "m1", body) | {"Content-Type": "application/json"}
    path = f"/api/v1/requests/{quote(str(posted['request_id']), safe='')}/results"
    return services.call("POST", path, data=body, headers=headers)


def send(services: Services, name: str, made: Request) -> tuple[int, bytes]:
    """Status and body of the answer; 0 where the connection ended without one."""
    headers = {"Connection": "close", **made.headers}
    if made.path.split("?")[0].endswith("/results"):
        headers |= sign([services.signing_secret], "m1", (made.body or b"").decode("utf-8", "replace"))
    in_chunks = made.sent_in_chunks and bool(made.body)
    with closing(http.client.HTTPConnection("127.0.0.1", services.ports[name], timeout=60)) as connection:
        try:
            connection.request(
                made.method, made.path, iter([made.body]) if in_chunks else made.body, headers, encode_chunked=in_chunks
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.RemoteDisconnected:
            return 0, b""


@pytest.mark.parametrize(("name", "share"), [("backend", 0.7), ("api", 0.3)])
def test_generated_requests(services: Services, pytestconfig: pytest.Config, name: str, share: float) -> None:
    number = int(share * (10_000 if pytestconfig.getoption("long") else 500))
    document = requests.get(services.url(name, "/openapi.json"), timeout=60).json()
    target = {"host": "127.0.0.1", "dbname": "a", "user": "b"}
    examples = {
        "/api/v1/requests/{request_id}/results": result(services),
        "/api/v1/quality-checks/batch": {
            "checks": [{"request": {"target": "shop", "table": "public.orders", "request_id": "b1"}}]
        },
        "/api/v1/results": {"results": [{"id": "m1", "result": result(services)}, {"id": "m2", "result": result(services)}]},
        "/api/v1/targets/{name}": target,
        "/api/v1/datasets/{name}": {"target": "shop", "tables": ["public.orders"]},
        "/api/v1/schedules/{name}": {"target": "shop", "table": "public.orders", "cron": "0 6 1 1 *"},
        "/api/v1/channels/{name}": {"type": "webhook", "url_env": "NOTIFY_SHOP", "active": False},
        "/api/v1/routes/{name}": {"channel": "shop"},
    }
    generator = Generator(document, services.key, KNOWN, examples, seed=20)
    statuses: Counter[int] = Counter()
    faults: list[Any] = []
    for turn in range(number):
        method, path, item = generator.operations[turn % len(generator.operations)]
        made = generator.request(method, path, item)
        status, answer = send(services, name, made)
        statuses[status] += 1
        is_declared = status < 500 or (path, status) == ("/readyz", 503)  # no worker runs here
        is_too_long = status == 414 and len(made.path) > 4000  # of any address, by the server itself
        if not is_declared or not (str(status) in item["responses"] or is_too_long):
            faults.append((turn, made.method, made.path, made.headers, (made.body or b"")[:300], status, answer[:300]))
    configure(services)
    assert not faults, "\n".join(map(str, faults[:20]))
    assert {200, 401, 404, 422} <= set(statuses), statuses  # whether one is malformed, too, is chance: test_bodies.py has those


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"-2\r\n{}\r\n0\r\n\r\n", b"\r\n", b"+2\r\n{}\r\n0\r\n\r\n", b"0x2\r\n{}\r\n0\r\n\r\n",
                                    b"f" * 40 + b"\r\n{}", b"2\r\n{}xx0\r\n\r\n", b"2;\x00\r\n{}\r\n0\r\n\r\n", b"9" * 10_000])  # fmt: skip
def test_malformed_chunks_are_refused_everywhere(services: Services, chunks: bytes) -> None:
    before = configured(services)
    for name, method, path, item in [*services.operations(), ("backend", "POST", "/nowhere", {}), ("api", "GET", "/docs", {})]:
        for part, values in KNOWN.items():
            path = path.replace(f"{{{part}}}", values[0])
        head = f"{method} {path} HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked"
        status, answer = services.send(name, head, chunks)
        public = not path.startswith("/api/v1/")
        assert status in ((200, 404, 503, 400) if public else (400, 401)), (method, path, answer)
        assert public or str(status) in item["responses"]
    assert configured(services) == before


@pytest.mark.parametrize("place", [
    "http://[x]/y", "http://[::1", "http://[", "//[/", "http://a:99999999/", "http://[v1.x]:1/", "{backend}/", "{backend}", "{backend}/api/v1/requests/r/results\t",
    "\t{backend}/api/v1/requests/{id}/results", "{tabbed}", "{backend}/api/v1/requests/{id}/results?x", "{backend}/api/v1/requests/other/results",
    "{backend}/api/v1/tables/shop/public.orders", "", "x" * 2001, "{backend}/api/v1/requests/{id}/results/", "{backend}/api/v1/requests/{id}/results#",
])  # fmt: skip
def test_a_callback_is_where_the_backend_takes_the_result_or_refused(services: Services, place: str) -> None:
    request_id, backend = f"c{secrets.token_hex(4)}", services.url("backend", "")
    exact = f"{backend}/api/v1/requests/{request_id}/results"
    url = (
        place.replace("{backend}", backend)
        .replace("{id}", request_id)
        .replace("{tabbed}", exact.replace("requests", "req\tuests"))
    )
    asked = {"target": "shop", "table": "public.orders", "mode": "async", "request_id": request_id}
    refused = services.call("POST", "/api/v1/quality-checks", "api", json=asked | {"callback_url": url})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/callback_url"), refused.text
    nameless = {name: value for name, value in asked.items() if name != "request_id"} | {"callback_url": exact}
    assert services.call("POST", "/api/v1/quality-checks", "api", json=nameless).status_code == 422
    taken = services.call("POST", "/api/v1/quality-checks", "api", json=asked | {"callback_url": exact})
    assert taken.status_code == 202, taken.text


def test_a_result_that_could_not_be_shown_or_would_outrank_all_is_refused(services: Services) -> None:
    before, now = services.state()["stringx.results"], services.database_now()
    twice = {"table": "public.orders", "verdict": "pass", "config_version": 1, "rules_hash": "x"}
    moments = [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00",
        "1999-12-31T00:00:00Z",
    ]
    moments += [(now + timedelta(minutes=minutes)).isoformat() for minutes in (11, 60, 60 * 24 * 365)]
    wrong: list[tuple[str, dict[str, Any]]] = [
        (f"/{field}", {field: moment})
        for field in ("queued_at", "started_at", "finished_at", "snapshot_at")
        for moment in moments
    ]
    wrong += [
        ("/tables/1/table", {"table": None, "dataset": "orders", "tables": [twice, twice]}),
        ("/tables/0/table", {"table": None, "dataset": "orders", "tables": [twice | {"table": "x" * 3000}]}),
        ("/table", {"table": "x" * 3000}),
        ("/target", {"target": "x" * 3000}),
        ("/dataset", {"dataset": "x" * 3000, "table": None}),
        ("/check_id", {"check_id": "x" * 3000}),
        ("/request_id", {"request_id": "x" * 3000}),
        ("/request_id", {"request_id": "a\nb"}),
    ]
    for pointer, changes in wrong:
        answer = post(services, result(services, **changes))
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), (changes, answer.text)
    assert services.state()["stringx.results"] == before
    ahead = (now + timedelta(minutes=5)).isoformat()
    assert post(services, result(services, snapshot_at=ahead)).status_code == 204
    assert services.call("GET", "/api/v1/requests").status_code == 200


def test_a_table_is_reached_whatever_its_name_ends_in(services: Services) -> None:
    names = [
        "public.archive/versions",
        "public.versions",
        "a/b.c//d",
        "public.50%2F",
        "public.%",
        "public.a/history",
        "public.archive",
        "public.ends/",
    ]
    for name in names:
        path = f"/api/v1/tables/shop/{quote(name, safe='')}"
        body = {"rules": [{"id": "a", "type": "not_null", "column": "a"}], "description": name}
        assert services.call("PUT", path, json=body).status_code == 201, name
    for name in names:
        path = f"/api/v1/tables/shop/{quote(name, safe='')}"
        found, versions = services.call("GET", path).json(), services.call("GET", f"{path}/versions").json()
        assert (found["table"], found["description"]) == (name, name)
        assert [item["document"]["table"] for item in versions["items"]] == [name]
        assert services.call("GET", f"/api/v1/gates/shop/{quote(name, safe='')}").json()["gate"] == "closed"
        assert services.call("DELETE", path, headers={"If-Match": '"1"'}).status_code == 204
    asked = {"target": "shop", "table": "public.orders", "mode": "async", "request_id": "r/cancel"}
    assert services.call("POST", "/api/v1/requests", json=asked).status_code == 202
    assert services.call("GET", "/api/v1/requests/r%2Fcancel").json()["request_id"] == "r/cancel"
    assert services.call("GET", "/api/v1/requests/r/cancel").json()["request_id"] == "r/cancel", "as before, unescaped"
    assert services.call("POST", "/api/v1/requests/r%2Fcancel/cancel").status_code in (200, 202)


@pytest.mark.parametrize(
    "name", ["public.line\nbreak", "li\rne.t", "public.tab\tbed", "public.\x7f", "public.\x85", "public.\u2028", '"a.\n"."b"']
)
def test_a_name_with_a_line_break_is_refused_where_it_is_configured(services: Services, name: str) -> None:
    before = configured(services)
    rules = [{"id": "a", "type": "relationship", "column": "a", "arguments": {"to_table": name, "to_column": "a"}}]
    head = {"apiVersion": "stringx/v1", "target": "shop"}
    for pointer, document in (
        ("/0/table", head | {"table": name, "rules": []}),
        ("/0/tables/0", head | {"kind": "Dataset", "name": "d", "tables": [name]}),
        ("/0/rules/0/arguments/to_table", head | {"table": "public.t", "rules": rules}),
    ):
        answer = services.call("POST", "/api/v1/configuration", json=document)
        faults = {error["pointer"]: error["message"] for error in answer.json()["errors"]}
        assert "control character" in faults[pointer], answer.text
        assert "\n" not in answer.json()["detail"]
    assert services.call("PUT", f"/api/v1/tables/shop/{quote(name, safe='')}", json={"rules": []}).status_code == 422
    assert configured(services) == before


def test_the_documentation_is_framed_by_nobody_and_runs_scripts_of_its_own_alone(services: Services) -> None:
    for name in services.ports:
        page = requests.get(services.url(name, "/docs"), timeout=30)
        assert "<script>" not in page.text
        for path in ("/docs", "/docs/js/start.js", "/docs/js/swagger-ui-bundle.js", "/docs/css/swagger-ui.css"):
            headers = requests.get(services.url(name, path), timeout=30).headers
            assert "script-src 'self'" in headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert "unsafe" not in headers["Content-Security-Policy"]
            assert (headers["X-Frame-Options"], headers["X-Content-Type-Options"]) == ("DENY", "nosniff")


def test_every_refusal_is_declared(services: Services) -> None:
    for _, method, path, item in services.operations():
        if not path.startswith("/api/v1/"):
            continue
        assert {"400", "401", "403", "413", "422", "503"} <= set(item["responses"]), (method, path)
        assert ("{" in path) <= ("404" in item["responses"])
        assert (method in ("PUT", "DELETE") and path not in UNVERSIONED) <= ("412" in item["responses"]), (method, path)
        assert ("requestBody" in item) <= ("415" in item["responses"])
