"""Keys by the API: made, listed, rotated, revoked; what is refused; and the audit log of it all."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from backend.audit import listing
from backend.dashboard import sessions
from backend.keys import management
from backend.retention import SQL as RETENTION
from database import audit, keys
from database.keys import Caller
from database.pool import Database
from stringx_dataops.contract.keys import SCOPES, SERVICE_SCOPES, hash_key, stored_hash
from stringx_dataops.contract.messages.keys import NewKey
from stringx_dataops.contract.messages.pages import Page
from stringx_dataops.contract.problems import Conflict, DatabaseFault, Forbidden, StringXError, Unauthenticated
from tests.support.apps import Apps
from tests.support.apps import made as apps_of
from tests.support.databases import Admin

KEYS, AUDIT = "/api/v1/keys", "/api/v1/audit"
TARGET = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "127.0.0.1", "dbname": "a", "user": "b"}
TABLE = {"rules": [{"id": "a", "type": "not_null", "column": "a"}, {"id": "b", "type": "not_null", "column": "b"}]}
# As a release before 0023_keys.sql looks a key up.
BEFORE = """select name from stringx.api_keys
where key_hash = %(hash)s and revoked_at is null and (expires_at is null or expires_at > now())"""


@pytest.fixture(scope="module")
def apps(admin: Admin, internal_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apps]:
    with apps_of(admin, internal_template, tmp_path_factory.mktemp("home")) as made:
        assert made.ask("/api/v1/targets/shop", "PUT", json=TARGET).status_code == 201
        assert made.ask("/api/v1/tables/shop/public.orders", "PUT", json=TABLE).status_code == 201
        yield made


def owner(apps: Apps) -> Caller:
    return keys.authenticate(apps.database, apps.keys[SCOPES])


def asked(name: str, *scopes: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "scopes": list(scopes) or ["read"]} | more


def make(apps: Apps, name: str, *scopes: str, **more: Any) -> dict[str, Any]:
    answer = apps.ask(KEYS, "POST", json=asked(name, *scopes, **more))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def with_key(apps: Apps, key: str, path: str = "/api/v1/tables", service: str = "backend", method: str = "GET") -> TestResponse:
    return apps.clients[service].open(path, method=method, headers={"Authorization": f"Bearer {key}"})


def log_of(apps: Apps, **filters: str) -> list[dict[str, Any]]:
    answer = apps.ask(AUDIT, query_string=filters)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["items"]
    return found


def is_valid(apps: Apps, key: str) -> bool:
    """By both services, which must agree."""
    found = {with_key(apps, key).status_code, with_key(apps, key, "/api/v1/queue", "api").status_code}
    assert len(found) == 1
    return found == {200}


def test_a_key_is_shown_once_and_stored_hashed(apps: Apps) -> None:
    made = make(apps, "once", "read", "trigger", targets=["shop"], expires_in="90d")
    assert re.fullmatch(r"sx_[a-z]{8}_[A-Za-z0-9_-]{43}", made["key"])
    assert made["key"].startswith(made["prefix"] + "_")
    (item,) = [item for item in apps.ask(KEYS).get_json()["items"] if item["name"] == "once"]
    assert item == {name: value for name, value in made.items() if name != "key"}
    assert (item["scopes"], item["targets"], item["created_by"]) == (["read", "trigger"], ["shop"], "-".join(SCOPES))
    left = datetime.fromisoformat(item["expires_at"]) - datetime.fromisoformat(item["created_at"])
    assert left == timedelta(days=90)
    with apps.database.transaction() as cursor:
        rows = cursor.all("select row_to_json(k)::text as whole from stringx.api_keys k")
        logged = cursor.all("select row_to_json(a)::text as whole from stringx.audit a")
    secret = made["key"].removeprefix(made["prefix"])
    assert not [row for row in [*rows, *logged] if secret in row["whole"]]
    assert is_valid(apps, made["key"])
    assert apps.ask(KEYS, "POST", json=asked("secret-free")).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        (asked(""), "/name", "is no name of a key"),
        (asked("a b"), "/name", "is no name of a key"),
        (asked("a" * 64), "/name", "is no name of a key"),
        (asked("zoë"), "/name", "is no name of a key"),
        (asked("a\n"), "/name", "is no name of a key"),
        (asked("api-key"), "/name", "which the service itself uses"),
        (asked("kafka"), "/name", "which the service itself uses"),
        (asked("unknown"), "/name", "which the service itself uses"),
        (asked("stringx"), "/name", "which the service itself uses"),
        (asked("upgrade"), "/name", "which the service itself uses"),
        (asked("Service-Key"), "/name", "which the service itself uses"),
        ({"scopes": ["read"]}, "/name", "is missing"),
        ({"name": "x"}, "/scopes", "is missing"),
        ({"name": "x", "scopes": []}, "/scopes", "must not be empty"),
        (asked("x", "reed"), "/scopes/0", "'read', 'samples'"),
        (asked("x", "READ"), "/scopes/0", "read"),
        (asked("x", targets=[]), "/targets", "must not be empty"),
        (asked("x", targets=["shpo"]), "/targets/0", "did you mean shop?"),
        (asked("x", targets=["shop", "zzzzzz"]), "/targets/1", "there is no target zzzzzz"),
        (asked("x", targets=["Shop"]), "/targets/0", "is no name of a target"),
        (asked("x", targets="shop"), "/targets", "list"),
        (asked("x", "admin", targets=["shop"]), "/targets", "every scope but admin"),
        (asked("x", "read", "admin", targets=["shop"]), "/targets", "every scope but admin"),
        (asked("x", targets=["shop"] * 101), "/targets", "100"),
        (asked("x", expires_in="0s"), "/expires_in", "from 1m to 3650d"),
        (asked("x", expires_in="59s"), "/expires_in", "from 1m to 3650d"),
        (asked("x", expires_in="3651d"), "/expires_in", "from 1m to 3650d"),
        (asked("x", expires_in="forever"), "/expires_in", "is no duration"),
        (asked("x", expires_in="-1d"), "/expires_in", "is no duration"),
        (asked("x", expires_in=90), "/expires_in", "text"),
        (asked("x", expires="90d"), "/expires", "did you mean expires_in?"),
        (asked("x", key="sx_mine"), "/key", "unknown"),
    ],
)  # fmt: skip
def test_what_makes_no_key_is_refused_with_its_field(apps: Apps, body: dict[str, Any], pointer: str, words: str) -> None:
    answer = apps.ask(KEYS, "POST", json=body)
    assert answer.status_code == 422, answer.text
    found = {error["pointer"]: error["message"] for error in answer.get_json()["errors"]}
    assert pointer in found, found
    assert words in found[pointer], found
    assert "\n" not in answer.get_json()["detail"]
    assert not [item for item in apps.ask(KEYS).get_json()["items"] if item["name"] == "x"]


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("POST", f"{KEYS}/nobody/rotate", 404, "there is no key nobody"),
        ("DELETE", f"{KEYS}/nobody", 404, "GET /api/v1/keys lists them"),
        ("DELETE", f"{KEYS}/servce-key", 404, "did you mean service-key?"),
        ("POST", f"{KEYS}/x/rotate?overlap=31d", 422, "at most 30d"),
        ("POST", f"{KEYS}/x/rotate?overlap=soon", 422, "is no duration"),
        ("POST", f"{KEYS}/x/rotate?overlap=", 422, "is empty"),
        ("POST", f"{KEYS}/x/rotate?overlp=1h", 422, "did you mean overlap?"),
        ("POST", f"{KEYS}/service-key/rotate", 409, "docs/operations.md"),
        ("DELETE", f"{KEYS}/service-key", 409, "the services' own"),
        ("GET", f"{KEYS}?limit=0", 422, "from 1 to 1000"),
        ("GET", f"{KEYS}?cursor=x", 422, "is no cursor"),
        ("GET", f"{AUDIT}?action=table.create", 422, "did you mean table.created?"),
        ("GET", f"{AUDIT}?action=all", 422, "give one of"),
        ("GET", f"{AUDIT}?subject=flights", 422, "a kind and a name"),
        ("GET", f"{AUDIT}?actor=%0A", 422, "printable"),
        ("GET", f"{AUDIT}?from=today", 422, "is no RFC 3339 time"),
        ("GET", f"{AUDIT}?cursor=x", 422, "is no cursor"),
        ("DELETE", AUDIT, 405, ""),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_words(apps: Apps, method: str, path: str, status: int, words: str) -> None:
    keys.register(apps.database, "service-key", "sx_service", list(SERVICE_SCOPES))
    answer = apps.ask(path, method)
    assert answer.status_code == status, answer.text
    assert words in answer.text


def test_a_name_is_taken_until_its_key_has_ended(apps: Apps) -> None:
    first = make(apps, "reused", "read", "samples")
    answer = apps.ask(KEYS, "POST", json=asked("reused"))
    assert (answer.status_code, "exists" in answer.text) == (409, True)
    assert apps.ask(f"{KEYS}/reused", "DELETE").status_code == 204
    assert apps.ask(f"{KEYS}/reused", "DELETE").status_code == 204, "it is revoked already"
    assert apps.ask(f"{KEYS}/reused/rotate", "POST").status_code == 409
    second = make(apps, "reused")
    assert (second["revoked_at"], second["scopes"]) == (None, ["read"])
    assert (is_valid(apps, first["key"]), is_valid(apps, second["key"])) == (False, True)
    with apps.database.transaction() as cursor:
        cursor.run("update stringx.api_keys set expires_at = now() where name = 'reused'")
    assert not is_valid(apps, second["key"])
    assert "has expired" in apps.ask(f"{KEYS}/reused/rotate", "POST").text
    make(apps, "reused")
    entries = log_of(apps, subject="key:reused")
    assert [entry["action"] for entry in entries] == ["key.created", "key.created", "key.revoked", "key.created"]
    assert entries[2]["details"]["prefix"] == first["prefix"] == entries[3]["details"]["prefix"]


@pytest.mark.parametrize("targets", [None, ["shop"]])
def test_the_secret_before_a_rotation_works_for_a_while(apps: Apps, targets: list[str] | None) -> None:
    name = f"rotated-{bool(targets)}"
    first = make(apps, name, targets=targets) if targets else make(apps, name)
    second = apps.ask(f"{KEYS}/{name}/rotate?overlap=1h", "POST").get_json()
    assert (is_valid(apps, first["key"]), is_valid(apps, second["key"])) == (True, True)
    assert keys.authenticate(apps.database, first["key"]).targets == (frozenset(targets) if targets else None)
    overlap = datetime.fromisoformat(second["previous_until"]) - datetime.fromisoformat(second["rotated_at"])
    assert overlap == timedelta(hours=1)
    third = apps.ask(f"{KEYS}/{name}/rotate", "POST").get_json()
    assert [is_valid(apps, each["key"]) for each in (first, second, third)] == [False, True, True]
    with apps.database.transaction() as cursor:
        cursor.run("update stringx.api_keys set previous_until = now() where name = %(name)s", {"name": name})
    assert [is_valid(apps, each["key"]) for each in (second, third)] == [False, True]
    fourth = apps.ask(f"{KEYS}/{name}/rotate?overlap=0s", "POST").get_json()
    assert [is_valid(apps, each["key"]) for each in (third, fourth)] == [False, True]
    assert fourth["previous_until"] is None
    apps.ask(f"{KEYS}/{name}/rotate?overlap=1h", "POST")
    assert apps.ask(f"{KEYS}/{name}", "DELETE").status_code == 204
    assert not is_valid(apps, fourth["key"]), "revoking ends both secrets"


def test_a_key_gives_no_scope_that_it_lacks(apps: Apps) -> None:
    make(apps, "with-samples", "read", "samples")
    small = make(apps, "small-owner", "admin", "read")["key"]
    headers = {"Authorization": f"Bearer {small}"}
    client = apps.clients["backend"]
    answer = client.post(KEYS, json=asked("more", "read", "samples", "trigger"), headers=headers)
    assert answer.status_code == 403
    assert "lacks the scopes samples, trigger" in answer.text
    assert client.post(KEYS, json=asked("as-much", "read"), headers=headers).status_code == 201
    assert client.post(f"{KEYS}/with-samples/rotate", headers=headers).status_code == 403
    assert client.delete(f"{KEYS}/with-samples", headers=headers).status_code == 204, "to take away needs no scope"


def test_a_limited_key_is_refused_by_a_release_that_knows_no_limits(apps: Apps) -> None:
    limited, whole = make(apps, "limited", targets=["shop"])["key"], make(apps, "whole")["key"]
    with apps.database.transaction() as cursor:
        found = [cursor.one(BEFORE, {"hash": hash_key(key)}) for key in (limited, whole)]
        doubled = stored_hash(limited, is_limited=True)
        assert cursor.one("select name from stringx.api_keys where key_hash = %(hash)s", {"hash": doubled}) == {"name": "limited"}
    assert found == [None, {"name": "whole"}]
    assert with_key(apps, doubled.hex()).status_code == 401


def test_use_is_written_down_once_a_minute(apps: Apps) -> None:
    key = make(apps, "used")["key"]

    def used(earlier: str | None = None) -> datetime:
        with apps.database.transaction() as cursor:
            if earlier is not None:
                cursor.run(f"update stringx.api_keys set last_used_at = last_used_at - interval '{earlier}' where name = 'used'")
            row = cursor.one("select last_used_at from stringx.api_keys where name = 'used'")
        assert row is not None
        found: datetime = row["last_used_at"]
        return found

    assert apps.ask(KEYS, query_string={"limit": 1000}).get_json()["items"][-1]["name"] >= "used"
    with_key(apps, key)
    first = used()
    with_key(apps, key)
    assert used() == first
    long_ago = used("2 minutes")
    with_key(apps, key, "/api/v1/queue", "api")
    assert used() > long_ago


def test_the_last_key_that_administers_for_good_stays(database: Database) -> None:
    keys.register(database, "api-key", "sx_owner", SCOPES)
    me = keys.authenticate(database, "sx_owner")
    with pytest.raises(Conflict, match="nobody could administer for good"):
        management.revoke(database, me, "api-key")
    management.create(database, me, NewKey.model_validate(asked("ends", "admin", expires_in="90d")))
    with pytest.raises(Conflict, match="does not expire"):
        management.revoke(database, me, "api-key")
    management.create(database, me, NewKey.model_validate(asked("second", "admin")))
    management.revoke(database, me, "ends")
    management.revoke(database, me, "api-key")
    with pytest.raises(Unauthenticated):
        keys.authenticate(database, "sx_owner")
    with pytest.raises(Conflict):
        management.revoke(database, me, "second")
    keys.register(database, "api-key", "sx_owner", SCOPES)
    with pytest.raises(Unauthenticated):
        keys.authenticate(database, "sx_owner")  # a start with the same file does not bring it back
    keys.register(database, "api-key", "sx_anew", SCOPES)
    assert keys.authenticate(database, "sx_anew").name == "api-key"


def test_two_who_revoke_each_other_at_once_leave_one(database: Database) -> None:
    for round_ in range(5):
        names = [f"{name}-{round_}" for name in ("a", "b")]
        with database.transaction() as cursor:
            cursor.run("delete from stringx.api_keys")
        for name in names:
            keys.register(database, name, f"sx_{name}", SCOPES)
        callers = [keys.authenticate(database, f"sx_{name}") for name in names]

        def revoke(number: int, callers: list[Caller] = callers, names: list[str] = names) -> bool:
            try:
                management.revoke(database, callers[number], names[1 - number])
            except Conflict:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(revoke, range(2))) == [False, True]


def test_of_many_who_make_a_key_of_one_name_one_does(database: Database) -> None:
    keys.register(database, "api-key", "sx_owner", SCOPES)
    me = keys.authenticate(database, "sx_owner")

    def make_one(_: int) -> bool:
        try:
            management.create(database, me, NewKey.model_validate(asked("one")))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(make_one, range(6))) == 1


def test_a_session_ends_with_its_key(database: Database) -> None:
    keys.register(database, "api-key", "sx_owner", SCOPES)
    me = keys.authenticate(database, "sx_owner")
    with database.transaction() as cursor:
        cursor.run("insert into stringx.targets values ('shop', '{}', 1)")
    key = management.create(database, me, NewKey.model_validate(asked("person", targets=["shop"]))).key
    token, _ = sessions.begin(database, key, "192.0.2.1")
    found = sessions.find(database, token)
    assert found is not None
    assert (found.name, found.targets) == ("person", frozenset({"shop"}))
    anew = management.rotate(database, me, "person", 3600).key
    assert sessions.find(database, token) is not None, "the secret before still works"
    with database.transaction() as cursor:
        cursor.run("update stringx.api_keys set previous_until = now() where name = 'person'")
    assert sessions.find(database, token) is None
    token, _ = sessions.begin(database, anew, "192.0.2.1")
    management.revoke(database, me, "person")
    assert sessions.find(database, token) is None
    management.create(database, me, NewKey.model_validate(asked("person")))
    assert sessions.find(database, token) is None, "another key of this name is another one"


def test_the_service_key_before_works_for_a_day(database: Database) -> None:
    keys.register(database, "service-key", "sx_old", SERVICE_SCOPES, 86400)
    keys.register(database, "service-key", "sx_new", SERVICE_SCOPES, 86400)
    keys.register(database, "service-key", "sx_new", SERVICE_SCOPES, 86400)
    assert {keys.authenticate(database, key).name for key in ("sx_old", "sx_new")} == {"service-key"}
    keys.register(database, "service-key", "sx_newer", SERVICE_SCOPES, 0)
    with pytest.raises(Unauthenticated):
        keys.authenticate(database, "sx_new")


def test_a_key_that_comes_from_a_file_is_in_the_log(database: Database) -> None:
    first, second = (f"sx_{letter * 8}_secret" for letter in "ab")
    for key, scopes in ((first, SERVICE_SCOPES), (first, SERVICE_SCOPES), (second, SERVICE_SCOPES)):
        keys.register(database, "service-key", key, scopes, 60)
    entries = listing.page(database, Caller("me", frozenset(SCOPES)), {})["items"][::-1]
    assert [(entry["actor"], entry["action"], entry["subject"]) for entry in entries] == [
        ("stringx", "key.created", "key:service-key"),
        ("stringx", "key.rotated", "key:service-key"),
    ]
    assert [entry["details"]["prefix"] for entry in entries] == ["sx_aaaaaaaa", "sx_bbbbbbbb"]
    assert [entry["details"]["previous_until"] is not None for entry in entries] == [False, True]
    assert "secret" not in str(entries)


def test_every_change_is_in_the_audit_log_with_ids_and_without_values(apps: Apps) -> None:
    named = {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}
    changed = {"rules": [{"id": "a", "type": "not_null", "column": "zebra"}, {"id": "c", "type": "not_null", "column": "b"}]}
    path = "/api/v1/tables/shop/public.logged"
    again = changed | {"owner": "me"}
    for method, body in (("PUT", TABLE), ("PUT", TABLE), ("PUT", changed), ("PUT", again), ("PUT", TABLE), ("DELETE", None)):
        options = {"json": body} if body is not None else {}
        assert apps.ask(path, method, **named, **options).status_code in (200, 201, 204)
    entries = log_of(apps, subject="table:shop/public.logged")[::-1]
    assert [(entry["action"], entry["details"]) for entry in entries] == [
        ("table.created", {"version": 1, "rules": 2}),
        ("table.updated", {"version": 2, "rules": {"added": ["c"], "removed": ["b"], "changed": ["a"]}}),
        ("table.updated", {"version": 3}),
        ("table.rolled_back", {"version": 4, "rules": {"added": ["b"], "removed": ["c"], "changed": ["a"]}, "to": 1}),
        ("table.deleted", {"version": 5}),
    ]
    assert {(entry["actor"], entry["address"]) for entry in entries} == {("-".join(SCOPES), "192.0.2.7")}
    assert "zebra" not in str(entries)
    rule_set = {"target": "shop", "tables": ["public.none*"]}
    back = {"added": ["b"], "removed": ["c"], "changed": ["a"]}
    for body in (rule_set | TABLE, rule_set | changed, rule_set | TABLE):
        assert apps.ask("/api/v1/rule-sets/logged", "PUT", json=body).status_code in (200, 201)
    assert apps.ask("/api/v1/rule-sets/logged", "DELETE").status_code == 204
    assert [(entry["action"], entry["details"]) for entry in log_of(apps, subject="ruleset:logged")[::-1]] == [
        ("ruleset.created", {"target": "shop", "version": 1, "rules": 2}),
        ("ruleset.updated", {"target": "shop", "version": 2, "rules": {"added": ["c"], "removed": ["b"], "changed": ["a"]}}),
        ("ruleset.rolled_back", {"target": "shop", "version": 3, "rules": back, "to": 1}),
        ("ruleset.deleted", {"target": "shop", "version": 4}),
    ]
    dataset = {"target": "shop", "tables": ["public.orders"]}
    for described in ({}, {"mode": "sync"}, {}):
        assert apps.ask("/api/v1/datasets/logged", "PUT", json=dataset | described).status_code in (200, 201)
    assert apps.ask("/api/v1/datasets/logged", "DELETE").status_code == 204
    assert apps.ask("/api/v1/targets/logged", "PUT", json=TARGET | {"name": "logged"}).status_code == 201
    for port in ({"port": 1}, {}):
        assert apps.ask("/api/v1/targets/logged", "PUT", json=TARGET | {"name": "logged"} | port).status_code == 200
    assert apps.ask("/api/v1/targets/logged", "DELETE").status_code == 204
    found = [(entry["subject"], entry["action"], entry["details"]["version"]) for entry in log_of(apps, limit="8")[::-1]]
    assert found == [
        ("dataset:logged", "dataset.created", 1),
        ("dataset:logged", "dataset.updated", 2),
        ("dataset:logged", "dataset.rolled_back", 3),
        ("dataset:logged", "dataset.deleted", 4),
        ("target:logged", "target.created", 1),
        ("target:logged", "target.updated", 2),
        ("target:logged", "target.rolled_back", 3),
        ("target:logged", "target.deleted", 4),
    ]


def test_what_is_refused_or_only_tried_leaves_no_entry(apps: Apps) -> None:
    before = log_of(apps, limit="1")
    stream = [TARGET | {"name": "dry"}, TABLE | {"apiVersion": "stringx/v1", "target": "dry", "table": "public.dry"}]
    assert apps.ask("/api/v1/configuration?dry_run=true", "POST", json=stream).status_code == 200
    assert apps.ask("/api/v1/configuration", "POST", json=[*stream, {"kind": "Nonsense"}]).status_code == 422
    assert apps.ask("/api/v1/datasets/dry", "PUT", json={"target": "shop", "tables": ["public.none"]}).status_code == 422
    assert apps.ask(KEYS, "POST", json=asked("x", targets=["none"])).status_code == 422
    assert log_of(apps, limit="1") == before
    assert apps.ask("/api/v1/configuration", "POST", json=stream).status_code == 200
    entries = log_of(apps, limit="2")
    assert [entry["subject"] for entry in entries] == ["table:dry/public.dry", "target:dry"]


def test_cancels_trials_and_deliveries_are_in_the_log_once(apps: Apps) -> None:
    asked_for = {"target": "shop", "table": "public.orders", "request_id": "to-cancel"}
    asked_of = apps.ask("/api/v1/quality-checks", "POST", json=asked_for | {"mode": "async"}).get_json()
    for _ in range(2):
        assert apps.ask(f"/api/v1/quality-checks/{asked_of['check_id']}/cancel", "POST").status_code in (200, 202)
    (entry,) = log_of(apps, subject="request:to-cancel")
    assert (entry["action"], entry["details"]) == ("request.canceled", {"target": "shop", "table": "public.orders"})
    document = TABLE | {"apiVersion": "stringx/v1", "target": "shop", "table": "public.orders"}
    for service, path, body in (
        ("backend", "/api/v1/trials?mode=async", document),
        ("api", "/api/v1/quality-checks", {"target": "shop", "table": "public.orders", "mode": "async", "document": document}),
    ):
        before = len(log_of(apps, action="trial.asked"))
        for _ in range(2):  # the same again
            headers = {"Authorization": f"Bearer {apps.keys[SCOPES]}", "Idempotency-Key": f"trial-of-{service}"}
            assert apps.clients[service].post(path, json=body, headers=headers).status_code == 202
        assert len(log_of(apps, action="trial.asked")) == before + 1
    tried = log_of(apps, action="trial.asked", limit="1")[0]
    assert (tried["subject"], tried["details"]) == ("table:shop/public.orders", {"request_id": "trial-of-api"})
    assert apps.ask("/api/v1/requests/trial-of-backend/cancel", "POST").status_code in (200, 202)
    assert [entry["action"] for entry in log_of(apps, subject="request:trial-of-backend")] == ["request.canceled"]
    with apps.database.transaction() as cursor:
        row = cursor.one("select message_id from dataops.outbox limit 1")
    assert row is not None
    assert apps.ask(f"/api/v1/deliveries/{row['message_id']}/redeliver", "POST").status_code == 202
    assert len(log_of(apps, subject=f"delivery:{row['message_id']}")) == 1


def test_what_the_backend_asks_for_another_is_written_down_by_the_backend_alone(apps: Apps) -> None:
    keys.register(apps.database, "service-key", "sx_service", list(SERVICE_SCOPES))
    headers = {"Authorization": "Bearer sx_service", "Requested-By": "somebody"}
    body = {"target": "shop", "table": "public.orders", "request_id": "forwarded", "mode": "async"}
    check = apps.clients["api"].post("/api/v1/quality-checks", json=body, headers=headers).get_json()
    assert apps.clients["api"].post(f"/api/v1/quality-checks/{check['check_id']}/cancel", headers=headers).status_code == 200
    assert log_of(apps, subject="request:forwarded") == []
    body["request_id"] = "with-the-services-key"  # of the Backend itself, for nobody else
    for path, sent in (("/api/v1/requests", body), ("/api/v1/requests/with-the-services-key/cancel", None)):
        assert apps.clients["backend"].post(path, json=sent, headers=headers).status_code in (200, 202)
    assert [entry["actor"] for entry in log_of(apps, subject="request:with-the-services-key")] == ["service-key"]


def test_logins_are_in_the_log_and_failed_ones_are_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    keys.register(database, "reader", "sx_reader", ["read"])
    keys.register(database, "poster", "sx_poster", ["results"])
    token, caller = sessions.begin(database, "sx_reader", "192.0.2.1")
    with keys.asking(caller):
        sessions.finish(database, token)
        sessions.finish(database, token)
    with pytest.raises(Forbidden):
        sessions.begin(database, "sx_poster", "192.0.2.1")
    monkeypatch.setattr(sessions, "_FAILED_PER_HOUR", 4)
    for number in range(9):
        with pytest.raises(StringXError):
            sessions.begin(database, "sx_abcdefgh_wrong", f"192.0.2.{number}")
    with database.transaction() as cursor:
        rows = cursor.all("select * from stringx.audit where action like 'log%%' order by entry_id")
    assert [(row["actor"], row["action"], row["subject"]) for row in rows[:3]] == [
        ("reader", "login.succeeded", "key:reader"),
        ("reader", "logout", "key:reader"),
        ("poster", "login.failed", "key:poster"),
    ]
    failed = [row for row in rows if row["actor"] == "unknown"]
    assert len(failed) == 3
    assert (failed[0]["subject"], failed[0]["address"], failed[0]["details"]) == (
        "login:key",
        "192.0.2.0",
        {"prefix": "sx_abcdefgh"},
    )


def test_the_log_is_read_page_by_page_and_by_filters(database: Database) -> None:
    keys.register(database, "api-key", "sx_owner", SCOPES)
    me = keys.authenticate(database, "sx_owner", "::1")
    entries = [audit.Entry("table.updated", f"table:shop/t{n}", {"version": n}) for n in range(7)]
    with database.transaction() as cursor:
        audit.record_all(cursor, me, entries)
        audit.record(cursor, me, "logout", "key:" + "x" * 1000, {"text": "y" * 100_000})
    first = listing.page(database, me, {"action": "table.updated"}, Page(3))
    assert [item["subject"] for item in first["items"]] == ["table:shop/t6", "table:shop/t5", "table:shop/t4"]
    assert first["next_cursor"] is not None
    after = listing.PAGES.position(first["next_cursor"])
    rest = listing.page(database, me, {"action": "table.updated"}, Page(10, after))
    assert [item["details"]["version"] for item in rest["items"]] == [3, 2, 1, 0]
    long, *_ = listing.page(database, me, {})["items"]
    assert (len(long["subject"]), long["details"]) == (400, {"left_out": "the details are too long"})
    moment = datetime.fromisoformat(long["at"])
    assert len(listing.page(database, me, {"from": moment})["items"]) == 1
    assert len(listing.page(database, me, {"to": moment})["items"]) == 8
    assert len(listing.page(database, me, {"actor": "nobody"})["items"]) == 0
    assert audit.names([str(n) for n in range(103)])[-1] == "and 3 more"
    limited = Caller("x", frozenset(SCOPES), frozenset({"shop"}))
    for caller in (limited, Caller("y", frozenset({"read"}))):
        with pytest.raises(Forbidden):
            listing.page(database, caller, {})
        with pytest.raises(Forbidden):
            management.page(database, caller)


@pytest.mark.parametrize(
    "statement",
    [
        "update stringx.audit set actor = 'somebody else'",
        "delete from stringx.audit",
        "delete from stringx.audit where at < now() - interval '29 days'",
        "truncate stringx.audit",
    ],
)
def test_nobody_changes_the_log(database: Database, statement: str) -> None:
    with database.transaction() as cursor:
        audit.record(cursor, Caller("me", frozenset()), "logout", "key:me")
        cursor.run(
            "insert into stringx.audit (at, actor, action, subject) values (now() - interval '29 days 1 hour', 'a', 'logout', 's')"
        )
    with pytest.raises(DatabaseFault), database.transaction() as cursor:
        cursor.run(statement)


def test_retention_deletes_what_is_old_enough(database: Database) -> None:
    with database.transaction() as cursor:
        for days in (401, 399, 31, 1):
            cursor.run(
                "insert into stringx.audit (at, actor, action, subject)"
                f" values (now() - interval '{days} days', 'a', 'logout', '{days}')"
            )
        assert cursor.run(RETENTION["delete_audit"], {"days": 400, "batch": 10}) == 1
        assert [row["subject"] for row in cursor.all("select subject from stringx.audit order by at desc")] == ["1", "31", "399"]
