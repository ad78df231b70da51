"""Keys and the audit log in the dashboard, without JavaScript: made, shown once, rotated, revoked; who may not is told so."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.dashboard import audit_filters
from database.pool import Database
from tests.support.dashboard import opened, sign_in, token
from tests.support.databases import Admin
from tests.support.datasets import TARGET, apply, dataset, table


@pytest.fixture(scope="module")
def client(admin: Admin, internal_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """The owner's."""
    admin.copy(internal_template, "keys_in_dashboard")
    database = Database(admin.url("keys_in_dashboard"), size=2)
    apply(database, TARGET, table("public.a", "a"), table("public.b"), table("public.c"), dataset())
    with opened(database, admin.url("keys_in_dashboard"), tmp_path_factory.mktemp("home")) as found:
        sign_in(found)
        yield found
    database.close()
    admin.run("drop database keys_in_dashboard with (force)")


def send(client: FlaskClient, path: str, **fields: Any) -> TestResponse:
    return client.post(path, data={"csrf": token(client.get("/keys/new")), **fields})


def shown(page: TestResponse) -> str:
    """The key that the page shows."""
    found = re.search(r"<pre [^>]*data-copy[^>]*>(sx_[^<]+)</pre>", page.text)
    assert found, page.text
    return found[1]


def opens(client: FlaskClient, key: str, path: str = "/api/v1/requests") -> int:
    return client.get(path, headers={"Authorization": f"Bearer {key}"}).status_code


def make(client: FlaskClient, name: str, **fields: Any) -> str:
    page = send(client, "/keys", **{"name": name, "scopes": ["read", "trigger"], "limit": "all", "expires_in": "30d"} | fields)
    assert page.status_code == 201, page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "ETag" not in page.headers
    return shown(page)


def row(client: FlaskClient, name: str) -> str:
    found = re.search(rf'<tr data-key="{name}".*?</tr>', client.get("/keys").text, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def test_a_key_is_shown_once_and_works(client: FlaskClient) -> None:
    key = make(client, "airflow")
    assert opens(client, key) == 200
    text = client.get("/keys").text
    assert key not in text
    assert key.rpartition("_")[0][:11] in text
    assert "valid" in row(client, "airflow")
    again = send(client, "/keys", name="airflow", scopes=["read"], limit="all", expires_in="30d")
    assert again.status_code == 409
    assert "a key airflow exists" in again.text


def test_a_key_may_be_limited_to_targets(client: FlaskClient) -> None:
    key = make(client, "of-shop", limit="some", targets=["shop"], expires_in="")
    assert opens(client, key, "/api/v1/audit") == 403
    assert re.search(r"shop .* never", row(client, "of-shop"))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"limit": "some"}, "choose at least one, or all targets"),
        ({"scopes": []}, "choose at least one"),
        ({"name": "a b"}, "is no name of a key"),
        ({"name": "person:anna"}, "is no name of a key"),
        ({"name": ""}, "is no name of a key"),
        ({"name": "kafka"}, "which the service itself uses"),
        ({"scopes": ["read", "everything"]}, "Scopes"),
        ({"limit": "some", "targets": ["nowhere"]}, "there is no target nowhere"),
        ({"limit": "some", "targets": ["shop"], "scopes": ["admin"]}, "go with every scope but admin"),
        ({"expires_in": "9999d"}, "must be from 1m to 3650d"),
    ],
)
def test_a_refused_form_keeps_what_was_typed(client: FlaskClient, fields: dict[str, Any], says: str) -> None:
    given = {"name": "kept-name", "scopes": ["read", "samples"], "limit": "all", "expires_in": "7d"} | fields
    page = send(client, "/keys", **given)
    assert page.status_code == 422
    assert says in page.text.replace("&#39;", "'")
    assert f'value="{given["name"]}"' in page.text
    assert page.text.count('name="scopes"') == 6
    for scope in given["scopes"]:
        if scope != "everything":
            assert f'value="{scope}" checked' in page.text


def test_a_rotated_key_has_two_secrets_for_a_while(client: FlaskClient) -> None:
    first = make(client, "turning")
    page = client.get("/keys/turning/rotate")
    before = re.search(r'name="before" value="([^"]+)"', page.text)
    assert before
    second = shown(rotated := send(client, "/keys/turning/rotate", before=before[1], overlap="1h"))
    assert rotated.headers["Cache-Control"] == "no-store"
    assert [opens(client, key) for key in (first, second)] == [200, 200]
    assert "the secret before ends in" in row(client, "turning")
    again = send(client, "/keys/turning/rotate", before=before[1], overlap="1h")  # the page was loaded again
    assert (again.status_code, "was rotated meanwhile" in again.text) == (409, True)
    third = shown(send(client, "/keys/turning/rotate", before=second[:11], overlap="0s"))
    assert [opens(client, key) for key in (first, second, third)] == [401, 401, 200]
    assert send(client, "/keys/turning/rotate", before=third[:11], overlap="99d").status_code == 422
    assert client.get("/keys/nothing/rotate").status_code == 404


def test_a_revoked_key_ends_with_the_sessions_of_it(client: FlaskClient) -> None:
    key = make(client, "leaving")
    other = client.application.test_client()
    sign_in(other, key)
    assert other.get("/").status_code == 200
    assert "ends with the next request" in client.get("/keys/leaving/revoke").text
    assert send(client, "/keys/leaving/revoke").location == "/keys"
    assert (opens(client, key), other.get("/").status_code) == (401, 303)
    assert "revoked" in row(client, "leaving")
    assert "has ended already: revoked" in client.get("/keys/leaving/revoke").text
    last = send(client, "/keys/owner/revoke")
    assert (last.status_code, "nobody could administer for good" in last.text) == (409, True)


def test_whoever_does_not_administer_is_told_so(client: FlaskClient) -> None:
    reader = client.application.test_client()
    sign_in(reader, "sx_reader")
    csrf = token(reader.get("/"))
    for path in ("/keys", "/keys/new", "/keys/owner/rotate", "/keys/owner/revoke", "/audit"):
        page = reader.get(path)
        assert page.status_code == 403
        assert "lacks the scope &#39;admin&#39;" in page.text
    for path in ("/keys", "/keys/owner/rotate", "/keys/owner/revoke"):
        assert reader.post(path, data={"csrf": csrf, "name": "mine", "scopes": "read"}).status_code == 403
        assert client.post(path, data={"csrf": csrf, "name": "mine", "scopes": "read"}).status_code == 403  # of another session


def test_the_audit_log_by_filters(client: FlaskClient) -> None:
    make(client, "audited")

    def entries(query: str) -> list[str]:
        page = client.get(f"/audit?{query}")
        assert page.status_code == 200, page.text
        found = re.findall(r"<tbody>.*</tbody>", page.text, re.DOTALL)
        return (
            [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in re.findall(r"<tr>.*?</tr>", found[0], re.DOTALL)]
            if found
            else []
        )

    [made] = entries("subject=key:audited")
    assert "owner key.created key audited" in made
    assert "scopes read, trigger" in made
    assert re.search(r"expires at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", made)
    details = {"rules": {"changed": ["latitude", "b"], "more": 3}, "version": 2, "to": None}
    shown = audit_filters.row({"subject": "table:shop/public.a", "action": "table.updated", "actor": "a", "details": details}, "")
    assert shown.details == [("rules", "changed: latitude, b; more: 3"), ("version", "2")]
    assert all("table.created" in each for each in entries("action=table.created"))
    assert len(entries("action=table.created")) == 3
    assert entries("actor=nobody") == []
    assert entries("actor=owner&from=1h&action=key.created&subject=key:audited") == [made]
    assert entries("to=2020-01-01") == []
    page = client.get("/audit").text
    for link in (
        'href="/tables/shop/public.a"',
        'href="/datasets/sales"',
        'href="/?target=shop"',
        'href="/keys#key-audited"',
        'href="/audit?subject=key%3Aaudited"',
    ):
        assert link in page
    for query in ("from=yesterday-ish", "subject=audited", "action=nothing", "actor=%07"):
        wrong = client.get(f"/audit?{query}")
        assert (wrong.status_code, 'role="alert"' in wrong.text) == (422, True), query
