"""Every endpoint of both services, as their OpenAPI documents list them, with every scope and with a key that is limited to one
target: other targets are answered as if they were not configured. An endpoint that does not declare its scope and how it names
its target fails here, as does one that this module has no example for."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from api.checks import claims, lifecycle
from backend.badges import store as badges
from backend.keys import management
from backend.profiles import store as profiles
from backend.requests import tracking
from backend.waivers import store as waivers
from database.pool import Database
from stringx_dataops.contract.keys import SCOPES
from stringx_dataops.contract.messages.badges import NewBadge
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult, Sample
from stringx_dataops.contract.messages.keys import NewKey
from stringx_dataops.contract.messages.profiles import ProfileSettings
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.messages.waivers import WaiverOrder
from stringx_dataops.contract.problems import Invalid
from tests.support.apps import Apps
from tests.support.apps import made as apps_of
from tests.support.databases import Admin
from tests.support.datasets import CATALOGUE, ME, apply, claimed, result
from tests.support.history import with_rule
from tests.support.trials import accepted as accepted_trial
from tests.support.trials import tracked as tracked_trial

CANARY = "a-value-of-a-row"
OWN, OTHER, UNKNOWN = "shop", "vault", "nothing"  # targets: the key's, another one, and none
WORDS = {OWN: "s", OTHER: "v", UNKNOWN: "n"}  # what names of each end with
LIMITED = tuple(scope for scope in SCOPES if scope != "admin")
# Bodies of endpoints whose body names the target, for a target.
BODIES: dict[str, Any] = {
    "POST /api/v1/quality-checks": lambda target: {"target": target, "table": "public.a", "request_id": f"ask-{target}"},
    "POST /api/v1/requests": lambda target: {"target": target, "table": "public.a", "request_id": f"ask-{target}"},
    "POST /api/v1/trials": lambda target: _table(target),
    "POST /api/v1/profiles": lambda target: {"target": target, "table": "public.a", "request_id": f"profile-{target}"},
    "POST /api/v1/configuration": lambda target: [
        _table(target),
        _dataset(target),
        _rule_set(target),
        _defaults(target),
        _schedule(target),
    ],
    "PUT /api/v1/schedules/{name}": lambda target: _schedule(target),
    "PUT /api/v1/rule-sets/{name}": lambda target: _rule_set(target),
    "PUT /api/v1/datasets/{name}": lambda target: _dataset(target),
    "POST /api/v1/waivers": lambda target: _waiver(target),
    "POST /api/v1/badges": lambda target: {"target": target, "table": "public.a"},
}
# Of each parameter of a list, values that find something of another target if they find anything.
GIVEN: dict[str, tuple[str, ...]] = {
    "target": (OTHER,), "table": ("public.a",), "dataset": ("set-v",), "rule": ("a",), "requested_by": ("asker-vault",), "source": ("http",),
    "q": ("set-v", "a"), "owner": ("o",), "tag": ("t",), "gate": ("open", "closed"), "verdict": ("pass",), "status": ("succeeded", "queued"),
    "trial": ("true", "false"), "include": ("rules",), "limit": ("1000",), "from": ("2020-01-01T00:00:00Z",), "to": ("2100-01-01T00:00:00Z",),
    "state": ("active", "ended", "failed", "delivered", "waiting", "open", "closed"), "cursor": (),
    "assignee": ("ada",), "kind": ("closed",), "acknowledged": ("true", "false"), "mine": ("false",), "by": ("target", "owner"),
    "after": ("01890000-0000-7000-8000-000000000000",), "incident": ("01890000-0000-7000-8000-000000000000",),
}  # fmt: skip
# Bodies of the others that read one.
OTHERS: dict[str, Any] = {
    "PUT /api/v1/tables/{target}/{table}": {"rules": []},
    "POST /api/v1/incidents/{incident_id}/note": {"text": "seen"},
    "POST /api/v1/incidents/{incident_id}/assign": {"assignee": "ada"},
    "POST /api/v1/tables/{target}/{table}/rules/{rule}/points/{check_id}": {"mark": "exclude"},
}


def _table(target: str) -> dict[str, Any]:
    rules = [{"id": "a", "type": "not_null", "column": "a"}]
    return {"apiVersion": "stringx/v1", "target": target, "table": "public.a", "key": ["a"], "rules": rules}


def _dataset(target: str) -> dict[str, Any]:
    named = {"apiVersion": "stringx/v1", "kind": "Dataset", "name": f"set-{WORDS[target]}", "target": target}
    return named | {"tables": ["public.a"]}


def _waiver(target: str) -> dict[str, Any]:
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    return {"target": target, "table": "public.a", "rule": "a", "reason": "known", "until": until}


def _rule_set(target: str) -> dict[str, Any]:
    named = {"apiVersion": "stringx/v1", "kind": "RuleSet", "name": f"set_{WORDS[target]}", "target": target}
    return named | {"tables": ["public.none*"], "rules": [{"id": "a", "type": "not_null", "column": "a"}]}


def _defaults(target: str) -> dict[str, Any]:
    return {"apiVersion": "stringx/v1", "kind": "Defaults", "target": target, "owner": "o"}


def _schedule(target: str) -> dict[str, Any]:
    named = {"apiVersion": "stringx/v1", "kind": "Schedule", "name": f"set-{WORDS[target]}", "target": target}
    return named | {"table": "public.a", "cron": "0 6 1 1 *", "active": False}


def _target(name: str) -> dict[str, Any]:
    return {"apiVersion": "stringx/v1", "kind": "Target", "name": name, "host": "h", "dbname": "d", "user": "u"}


@dataclass(frozen=True)
class Endpoint:
    """As an OpenAPI document lists it."""

    service: str
    method: str
    path: str
    item: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def targets(self) -> str:
        found: str = self.item["x-targets"]
        return found


@dataclass(frozen=True)
class World:
    """Both services with two targets, of each a checked table, a dataset, a trial and a delivery that was given up."""

    apps: Apps
    keys: dict[str, str]
    ids: dict[str, dict[str, str]]  # by target: values of the parameters of paths

    def endpoints(self) -> list[Endpoint]:
        found = []
        for service, client in self.apps.clients.items():
            for path, items in client.get("/openapi.json").get_json()["paths"].items():
                if path.startswith("/api/"):
                    found += [Endpoint(service, method.upper(), path, item) for method, item in items.items()]
        return found

    def call(self, endpoint: Endpoint, target: str, key: str, body_of: str | None = None) -> TestResponse:
        """Ask for something of the target. `body_of`: the target that the body names, if it is another one."""
        path = endpoint.path
        for parameter in endpoint.item["parameters"]:
            if parameter["in"] == "path":
                value = self.ids[target].get(parameter["name"])
                if parameter["name"] == "name":
                    of = f"set-{WORDS[target]}"
                    value = {"dataset": of, "schedule": of, "name": target}.get(endpoint.targets, "some-key")
                    value = f"set-{WORDS[target]}" if "/datasets/" in path or "/schedules/" in path else value
                    value = f"set_{WORDS[target]}" if "/rule-sets/" in path else value
                assert value is not None, f"{endpoint.name}: no example for {{{parameter['name']}}}"
                path = path.replace(f"{{{parameter['name']}}}", quote(value, safe=""))
        headers = {"Authorization": f"Bearer {key}"}
        options: dict[str, Any] = {}
        if "requestBody" in endpoint.item:
            of = BODIES.get(endpoint.name)
            options["json"] = of(body_of or target) if of is not None else OTHERS.get(endpoint.name, {})
        return self.apps.clients[endpoint.service].open(path, method=endpoint.method, headers=headers, **options)


@pytest.fixture(scope="module")
def world(admin: Admin, internal_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with apps_of(admin, internal_template, tmp_path_factory.mktemp("home")) as apps:
        database = apps.database
        for target in (OWN, OTHER):
            apply(
                database,
                _target(target),
                _table(target),
                _dataset(target),
                _rule_set(target),
                _defaults(target),
                _schedule(target),
            )
        keys = {"all": apps.keys[SCOPES]}
        for name, scopes, targets in [
            ("limited", LIMITED, [OWN]),
            ("blind", ("read", "trigger"), [OWN]),
            ("seeing", LIMITED, None),
        ]:
            asked = NewKey.model_validate({"name": name, "scopes": scopes, "targets": targets})
            keys[name] = management.create(database, ME, asked).key
        for scope in LIMITED:
            asked = NewKey.model_validate({"name": f"no-{scope}", "scopes": [x for x in LIMITED if x != scope], "targets": [OWN]})
            keys[f"no-{scope}"] = management.create(database, ME, asked).key
        for scope in SCOPES:
            keys[f"only-{scope}"] = management.create(database, ME, NewKey(name=f"only-{scope}", scopes=[scope])).key
        ids = {target: _past(database, target) for target in (OWN, OTHER)}
        for target in (OWN, OTHER):
            tried = tracked_trial(database, _table(target), request_id=f"trial-{WORDS[target]}")
            accepted_trial(database, tried.body)
        ids[UNKNOWN] = {"target": UNKNOWN, "table": "public.a", "rule": "a", "request_id": "done-n"}
        ids[UNKNOWN] |= {
            f"{name}_id": f"01890000-0000-7000-8000-00000000000{n}"
            for n, name in enumerate(("check", "message", "waiver", "badge", "incident", "notification", "profile"))
        }
        yield World(apps, keys, ids)


def _past(database: Database, target: str) -> dict[str, str]:
    """A finished check with a sample, and its delivery given up; the ids of both."""
    asked = {"target": target, "table": "public.a", "request_id": f"done-{WORDS[target]}"}
    request = tracking.accept(database, CATALOGUE, CheckRequest.model_validate(asked), "http", "s", f"asker-{target}")
    lifecycle.accept(database, CATALOGUE, CheckRequest.model_validate(request.body), 100, f"asker-{target}")
    check = claimed(database)
    assert check.request_id == request.view.request_id
    found = with_rule(result(database, check, a=1), sample=Sample(columns=["a"], rows=[[CANARY]]))
    assert claims.finish(database, check, found, "http://backend")
    tracking.store(database, check.request_id, CheckResult.model_validate(found.as_json()))
    give_up(database)
    with database.transaction() as cursor:
        message = cursor.one("select message_id from dataops.outbox where check_id = %(id)s", {"id": check.check_id})
        incident = cursor.one("select incident_id from stringx.incidents where target = %(target)s", {"target": target})
    assert message is not None
    assert incident is not None
    ids = {"target": target, "table": "public.a", "rule": "a", "request_id": check.request_id}
    badge = badges.create(database, ME, NewBadge(target=target, table="public.a"), None)
    waiver = waivers.create(database, CATALOGUE, ME, WaiverOrder.model_validate(_waiver(target)))
    return (
        ids
        | {"check_id": check.check_id, "message_id": str(message["message_id"]), "waiver_id": waiver.id}
        | {"badge_id": badge.id}
        | {"incident_id": str(incident["incident_id"])}
        | {"profile_id": _profiled(database, target)}
        | {"notification_id": "01890000-0000-7000-8000-000000000000"}  # messages belong to no target
    )


def _profiled(database: Database, target: str) -> str:
    """The id of a profile that was asked for."""
    asked = CheckOrder(target=target, table="public.a", request_id=f"measured-{WORDS[target]}", profile=ProfileSettings())
    tracking.accept(database, CATALOGUE, asked, "http", "s", f"asker-{target}")
    return profiles.of_request(database, f"measured-{WORDS[target]}").profile_id


def give_up(database: Database) -> None:
    """Every delivery, as if it had been tried for three days."""
    with database.transaction() as cursor:
        cursor.run("update dataops.outbox set given_up_at = now(), delivered_at = null")


def renamed(answer: TestResponse, ids: dict[str, str], target: str) -> tuple[int, str]:
    """What is answered, with the names of the unknown target in place of this one's."""
    text = answer.text
    for name, value in [
        *ids.items(),
        ("set", f"set-{WORDS[target]}"),
        ("rules", f"set_{WORDS[target]}"),
        ("ask", f"ask-{target}"),
        ("profile", f"profile-{target}"),
    ]:
        if name not in ("table", "rule"):
            text = text.replace(value, f"<{name}>")
    return answer.status_code, text


def test_every_endpoint_declares_its_scope_and_how_it_names_its_target(world: World) -> None:
    endpoints = world.endpoints()
    assert len(endpoints) >= 38
    for endpoint in endpoints:
        assert endpoint.item.get("x-scope") in SCOPES, f"{endpoint.name} declares no scope"
        assert endpoint.item.get("x-targets"), f"{endpoint.name} does not declare how it names its target (Operation.targets)"
        if "requestBody" in endpoint.item and endpoint.targets == "body":
            assert endpoint.name in BODIES, f"{endpoint.name}: add an example of its body to BODIES"


def test_every_endpoint_refuses_a_key_without_its_scope_or_without_any(world: World) -> None:
    for endpoint in world.endpoints():
        scope = endpoint.item["x-scope"]
        lacking = world.apps.keys[tuple(other for other in SCOPES if other != scope)]
        assert world.call(endpoint, OWN, lacking).status_code == 403, endpoint.name
        limited = world.keys["limited" if scope == "admin" else f"no-{scope}"]
        assert world.call(endpoint, OWN, limited).status_code == 403, endpoint.name
        assert world.call(endpoint, OWN, "sx_nonsense").status_code == 401, endpoint.name


def test_the_scope_of_an_endpoint_suffices(world: World) -> None:
    for endpoint in world.endpoints():
        of = OWN if endpoint.method == "GET" else UNKNOWN  # so that nothing changes
        answer = world.call(endpoint, of, world.keys[f"only-{endpoint.item['x-scope']}"])
        if endpoint.name in ("POST /api/v1/requests/{request_id}/results", "POST /api/v1/results"):
            assert (answer.status_code, "signature" in answer.text) == (401, True), answer.text
        else:
            assert answer.status_code not in (401, 403), (endpoint.name, answer.text)


def test_what_belongs_to_no_target_needs_a_key_without_limits(world: World) -> None:
    found = [endpoint.name for endpoint in world.endpoints() if endpoint.targets == "unlimited"]
    assert "GET /api/v1/keys" in found
    assert "GET /api/v1/audit" in found
    for endpoint in world.endpoints():
        if endpoint.targets == "unlimited":
            answer = world.call(endpoint, OWN, world.keys["limited"])
            assert answer.status_code == 403, endpoint.name


def test_another_target_is_answered_as_one_that_is_not_there(world: World) -> None:
    tried = 0
    for endpoint in world.endpoints():
        if endpoint.targets in ("list", "none", "unlimited") or endpoint.item["x-scope"] == "admin":
            continue
        other = renamed(world.call(endpoint, OTHER, world.keys["limited"]), world.ids[OTHER], OTHER)
        if endpoint.name in (f"PUT /api/v1/{kind}/{{name}}" for kind in ("datasets", "rule-sets", "schedules")):
            assert other[0] == 409, other  # names of these are shared, and this one is not free
            other = renamed(world.call(endpoint, UNKNOWN, world.keys["limited"], OTHER), world.ids[OTHER], OTHER)
            assert other[0] == 422
            tried += 1
            continue
        unknown = renamed(world.call(endpoint, UNKNOWN, world.keys["limited"]), world.ids[UNKNOWN], UNKNOWN)
        assert other == unknown, endpoint.name
        assert other[0] in ((404, 422) if endpoint.targets == "body" else (404,)), (endpoint.name, other)
        own = world.call(endpoint, OWN, world.keys["limited"]) if endpoint.method == "GET" else None
        assert own is None or own.status_code == 200, (endpoint.name, own.text)
        tried += 1
    assert tried >= 22


def test_lists_hold_nothing_of_other_targets_and_count_none_of_it(world: World) -> None:
    give_up(world.apps.database)
    for endpoint in world.endpoints():
        if endpoint.targets not in ("list", "none"):
            continue
        method, key = endpoint.method, world.keys["limited"]
        answer = world.call(endpoint, OWN, key)
        assert answer.status_code in (200, 202), (endpoint.name, answer.text)
        for word in (OTHER, "-v", *(world.ids[OTHER][name] for name in ("check_id", "message_id"))):
            assert word not in answer.text, (endpoint.name, answer.text)
        if method == "GET" and endpoint.targets == "list":
            whole = world.call(endpoint, OWN, world.keys["all"])
            assert OTHER in whole.text or "-v" in whole.text or world.ids[OTHER]["check_id"] in whole.text, endpoint.name


def test_no_filter_of_a_list_finds_anything_of_another_target(world: World) -> None:
    asked = 0
    for endpoint in world.endpoints():
        parameters = endpoint.item["parameters"] if endpoint.targets == "list" and endpoint.method == "GET" else []
        for name in (parameter["name"] for parameter in parameters):
            assert name in GIVEN, f"{endpoint.name}: add values of {name} to GIVEN"
            for value in GIVEN[name]:
                headers = {"Authorization": f"Bearer {world.keys['limited']}"}
                answer = world.apps.clients[endpoint.service].get(endpoint.path, query_string={name: value}, headers=headers)
                assert answer.status_code in (200, 422), answer.text  # states differ from list to list
                for word in () if answer.status_code == 422 else ("set-v", "set_v", "trial-v", *world.ids[OTHER].values()):
                    assert word in ("public.a", "a") or word not in answer.text, (endpoint.name, name, answer.text)
                asked += answer.status_code == 200
    assert asked >= 40


@pytest.mark.parametrize(
    ("path", "counted"),
    [("/api/v1/requests?limit=1", 3), ("/api/v1/configuration?limit=1", 6), ("/api/v1/tables?limit=1", 1), ("/api/v1/requests?target=vault", 0),
     ("/api/v1/tables?target=vault", 0), ("/api/v1/datasets?target=vault", 0), ("/api/v1/requests?requested_by=asker-vault", 0),
     ("/api/v1/requests?include=rules", 3), ("/api/v1/requests?trial=true", 2), ("/api/v1/profiles?limit=1", 1), ("/api/v1/tables?q=a", 1), ("/api/v1/datasets?limit=1", 1)],
)  # fmt: skip
def test_pages_of_a_list_end_where_the_own_ends(world: World, path: str, counted: int) -> None:
    found, cursor = 0, ""
    while True:
        answer = world.apps.clients["backend"].get(path + cursor, headers={"Authorization": f"Bearer {world.keys['limited']}"})
        assert answer.status_code == 200, answer.text
        page = answer.get_json()
        found += len(page["items"])
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == counted


def test_a_request_id_of_another_target_tells_nothing_of_it(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.keys['limited']}"}
    own = {"target": OWN, "table": "public.a", "request_id": "done-v"}
    for service, path in (("backend", "/api/v1/requests"), ("api", "/api/v1/quality-checks")):
        client = world.apps.clients[service]
        answer = client.post(path, json=own, headers=headers)
        assert answer.status_code == 409, answer.text
        assert OTHER not in answer.text
        keyed = client.post(path, json={"target": OWN, "table": "public.a"}, headers=headers | {"Idempotency-Key": "done-v"})
        assert (keyed.status_code, keyed.get_json()["detail"]) == (409, answer.get_json()["detail"])
        same = client.post(path, json=own | {"target": OTHER}, headers=headers)  # the very body of the other request
        assert same.status_code == 404, same.text
    for path in (f"/api/v1/gates/{OWN}/public.a", "/api/v1/gates/datasets/set-s"):
        answers = [
            world.apps.clients["backend"].get(f"{path}?request_id={name}", headers=headers) for name in ("done-v", "done-n")
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].text.replace("done-v", "done-n") == answers[1].text


def test_nothing_proposes_the_name_of_another_target(world: World) -> None:
    headers, client = {"Authorization": f"Bearer {world.keys['limited']}"}, world.apps.clients["backend"]
    for answer in (
        client.get("/api/v1/tables/vaul/public.a", headers=headers),
        client.post("/api/v1/requests", json={"target": "vaul", "table": "public.a"}, headers=headers),
        client.post("/api/v1/configuration", json=[_table(OWN) | {"target": "vaul"}], headers=headers),
        client.post("/api/v1/trials", json=_table(OWN) | {"target": "vaul"}, headers=headers),
        world.apps.clients["api"].post("/api/v1/quality-checks", json={"target": "vaul", "table": "public.a"}, headers=headers),
    ):
        assert answer.status_code in (404, 422)
        assert OTHER not in answer.text
    assert "did you mean shop?" in client.get("/api/v1/tables/shpo/public.a", headers=headers).text


def test_a_stream_that_brings_its_target_along_tells_nothing_of_it(world: World) -> None:
    """What is stored for a target of this name is read only for those who may send targets."""
    headers, client = {"Authorization": f"Bearer {world.keys['limited']}"}, world.apps.clients["backend"]
    tuned = {"overrides": [{"id": "every.a", "active": False}]}
    apply(world.apps.database, _rule_set(OTHER) | {"name": "every", "tables": ["public.*"]})
    for more in (_defaults, lambda target: _table(target) | tuned):
        for query in ("", "?dry_run=true"):
            answers = [
                client.post(f"/api/v1/configuration{query}", json=[_target(target), more(target)], headers=headers)
                for target in (OTHER, UNKNOWN)
            ]
            assert [answer.status_code for answer in answers] == [403, 403], [answer.text for answer in answers]
            assert answers[0].text == answers[1].text
    assert client.delete("/api/v1/rule-sets/every", headers={"Authorization": f"Bearer {world.keys['all']}"}).status_code == 204


def test_a_dataset_may_not_take_the_name_of_one_of_another_target(world: World) -> None:
    headers, client = {"Authorization": f"Bearer {world.keys['limited']}"}, world.apps.clients["backend"]
    body = {"target": OWN, "tables": ["public.a"]}
    answer = client.put("/api/v1/datasets/set-v", json=body, headers=headers)
    assert (answer.status_code, OTHER in answer.text) == (409, False)
    stream = [_dataset(OWN) | {"name": "set-v"}]
    for query in ("", "?dry_run=true"):
        answer = client.post(f"/api/v1/configuration{query}", json=stream, headers=headers)
        assert answer.status_code == 422
        assert answer.get_json()["errors"][0]["pointer"] == "/0/name"
        assert OTHER not in answer.text


def test_a_dataset_of_another_target_that_has_grown_too_large_stands_in_no_ones_way(world: World) -> None:
    """As a release without patterns may leave it, which runs beside this one."""
    database, client = world.apps.database, world.apps.clients["backend"]
    grow = """update stringx.datasets set patterns = array['public.%%'], tables = array(select 'public.t' || n from generate_series(1, 1001) n)
              where name = 'set-v'"""
    with database.transaction() as cursor:
        before = cursor.one("select patterns, tables from stringx.datasets where name = 'set-v'")
        cursor.run(grow)
    document = _table(OWN) | {"owner": "somebody else"}
    headers = {"Authorization": f"Bearer {world.keys['limited']}"}
    answers = [
        client.put(f"/api/v1/tables/{OWN}/public.a", json=document, headers=headers),
        client.put("/api/v1/datasets/set-s", json=_dataset(OWN) | {"owner": "x"}, headers=headers),
        client.post("/api/v1/configuration", json=[_table(OWN), _dataset(OWN)], headers=headers),
    ]
    with database.transaction() as cursor:
        cursor.run("update stringx.datasets set patterns = %(patterns)s, tables = %(tables)s where name = 'set-v'", before)
    assert [answer.status_code for answer in answers] == [200, 200, 200], [answer.text for answer in answers]


def test_versions_of_a_dataset_that_was_of_another_target_are_not_shown(world: World) -> None:
    database, client = world.apps.database, world.apps.clients["backend"]
    apply(database, _dataset(OTHER) | {"name": "moved"})
    apply(database, _dataset(OWN) | {"name": "moved"})
    headers = {"Authorization": f"Bearer {world.keys['limited']}"}
    found = client.get("/api/v1/datasets/moved/versions", headers=headers).get_json()["items"]
    assert [(item["version"], item["document"]["target"]) for item in found] == [(2, OWN)]
    whole = client.get("/api/v1/datasets/moved/versions", headers={"Authorization": f"Bearer {world.keys['all']}"}).get_json()
    assert [item["version"] for item in whole["items"]] == [2, 1]
    assert client.delete("/api/v1/datasets/moved", headers={"Authorization": f"Bearer {world.keys['all']}"}).status_code == 204


def test_no_endpoint_of_either_service_shows_a_sample_to_a_key_without_the_scope(world: World) -> None:
    shown = set()
    for endpoint in world.endpoints():
        if endpoint.item["x-scope"] != "read":
            continue
        assert CANARY not in world.call(endpoint, OWN, world.keys["blind"]).text, endpoint.name
        if CANARY in world.call(endpoint, OWN, world.keys["limited"]).text:
            shown.add(endpoint.name)
    assert shown == {"GET /api/v1/quality-checks/{check_id}", "GET /api/v1/requests/{request_id}"}
    for service, path in (
        ("backend", "/api/v1/requests?include=rules"),
        ("backend", f"/api/v1/requests/{world.ids[OWN]['request_id']}/cancel"),
        ("api", f"/api/v1/quality-checks/{world.ids[OWN]['check_id']}/cancel"),
        ("api", "/api/v1/quality-checks"),
        ("backend", "/api/v1/requests"),
    ):
        again = {"target": OWN, "table": "public.a", "request_id": world.ids[OWN]["request_id"], "mode": "sync"}
        body = None if "cancel" in path or "?" in path else again
        for key, sees in (("blind", False), ("limited", True)):
            answer = world.apps.clients[service].open(
                path,
                method="GET" if "?" in path else "POST",
                headers={"Authorization": f"Bearer {world.keys[key]}"},
                **({"data": json.dumps(body), "content_type": "application/json"} if body else {}),
            )
            assert (CANARY in answer.text) == (sees and answer.status_code == 200), (path, key, answer.text)
            assert sees or "sample_hidden" in answer.text or answer.status_code != 200, (path, answer.text)


def test_no_result_ends_a_request_that_is_about_something_else(world: World) -> None:
    """Who may ask DataOps for checks of one table under an id of their choice decides nothing about another one."""
    database = world.apps.database
    for table in ("public.a", "public.b"):
        apply(database, _table(OTHER) | {"table": table})
    asked = {"target": OTHER, "table": "public.b", "request_id": "not-sent-yet"}
    tracking.accept(database, CATALOGUE, CheckRequest.model_validate(asked), "http", "s")
    narrow = {"target": OTHER, "table": "public.b", "rule_ids": ["a"]}
    for other in ({"target": OWN, "table": "public.a"}, {"target": OTHER, "table": "public.a"}, narrow):
        named = CheckRequest.model_validate(other | {"request_id": f"direct-{len(other)}-{other['target']}"})
        check = lifecycle.accept(database, CATALOGUE, named, 100).check
        found = CheckResult.model_validate(result(database, check, a=0).as_json() | {"request_id": "not-sent-yet"})
        with pytest.raises(Invalid, match="another check than request not-sent-yet asks for"):
            tracking.store(database, "not-sent-yet", found)
        lifecycle.cancel(database, check.check_id, "http://backend")
    strange = found.model_copy(update={"asked": asked | {"kinds": 5}})  # of another release, or made up
    with pytest.raises(Invalid, match="another check than request not-sent-yet asks for"):
        tracking.store(database, "not-sent-yet", strange)
    headers = {"Authorization": f"Bearer {world.keys['all']}"}
    gate = (
        world.apps.clients["backend"].get(f"/api/v1/gates/{OTHER}/public.b?request_id=not-sent-yet", headers=headers).get_json()
    )
    assert (gate["gate"], gate["reasons"]) == ("closed", ["request not-sent-yet is queued"])
    with database.transaction() as cursor:
        cursor.run("delete from stringx.requests where request_id = 'not-sent-yet'")


def test_only_own_results_are_sent_again(world: World) -> None:
    give_up(world.apps.database)
    headers, client = {"Authorization": f"Bearer {world.keys['limited']}"}, world.apps.clients["api"]
    answer = client.post("/api/v1/deliveries/redeliver", headers=headers)
    with world.apps.database.transaction() as cursor:
        left = cursor.all(
            "select distinct c.target from dataops.outbox o join dataops.checks c using (check_id) where o.given_up_at is not null"
        )
        own = cursor.all("select message_id from dataops.outbox where given_up_at is null")
    assert [row["target"] for row in left] == [OTHER]
    assert answer.get_json() == {"redelivered": len(own)}


def test_metrics_hide_nothing_and_need_no_key(world: World) -> None:
    for client in world.apps.clients.values():
        assert f'target="{OTHER}"' in client.get("/metrics").text
