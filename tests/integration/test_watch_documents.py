"""Schedules, channels and routes in the configuration: what they may name, what may not go while they do, who sees them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.configuration import datasets, store, watch_store, watching
from backend.configuration.sources import Origin
from backend.keys import management
from database.keys import Caller, asking
from database.pool import Database
from stringx_dataops.contract.documents.watches import WatchKind
from stringx_dataops.contract.keys import SCOPES
from stringx_dataops.contract.messages.keys import NewKey
from stringx_dataops.contract.problems import Conflict, NotFound, PreconditionFailed
from tests.support.apps import Apps
from tests.support.apps import made as apps_of
from tests.support.databases import Admin
from tests.support.datasets import CATALOGUE, ME, TARGET, apply, dataset, faults, table

HEAD = {"apiVersion": "stringx/v1"}
OTHER = TARGET | {"name": "vault"}
CHANNEL = HEAD | {"kind": "Channel", "name": "team", "type": "apprise", "url_env": "NOTIFY_TEAM"}


def schedule(name: str = "nightly", **fields: Any) -> dict[str, Any]:
    named = HEAD | {"kind": "Schedule", "name": name, "target": "shop", "cron": "0 6 * * *"}
    return named | (fields if {"table", "tables", "dataset"} & fields.keys() else {"tables": ["public.*"]} | fields)


def route(name: str = "all", **fields: Any) -> dict[str, Any]:
    return HEAD | {"kind": "Route", "name": name, "channel": "team"} | fields


def put(database: Database, document: dict[str, Any], if_match: str | None = None) -> int:
    return watch_store.put(database, ME, document["kind"], document["name"], document, if_match).version


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(Conflict) as raised:
        call()
    return raised.value.detail


def test_each_kind_has_versions_and_comes_back(shop: Database) -> None:
    apply(shop, CHANNEL)
    for kind, first, second in (
        ("Schedule", schedule(), schedule(cron="30 6 * * *")),
        ("Route", route(), route(on=["stale"])),
        ("Channel", CHANNEL | {"name": "other"}, CHANNEL | {"name": "other", "digest": "weekly"}),
    ):
        name: str = first["name"]
        of: tuple[Database, WatchKind, str] = (shop, kind, name)  # type: ignore[assignment]
        assert [put(shop, first), put(shop, first), put(shop, second, '"1"'), put(shop, first)] == [1, 1, 2, 3]
        with pytest.raises(PreconditionFailed):
            put(shop, second, '"1"')
        assert watch_store.find(*of).document == first
        with pytest.raises(PreconditionFailed):
            watch_store.delete(shop, ME, kind, name, '"2"')  # type: ignore[arg-type]
        watch_store.delete(shop, ME, kind, name, '"3"')  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            watch_store.find(*of)
        assert put(shop, second) == 5
        found = watch_store.versions(*of)["items"]
        assert [item["document"] for item in found] == [second, None, first, second, first]
        assert {item["changed_by"] for item in found} == {"me"}
        with shop.transaction() as cursor:
            rows = cursor.all(
                "select action, details ->> 'version' as version from stringx.audit where subject = %(of)s order by entry_id",
                {"of": f"{kind.lower()}:{name}"},
            )
        assert [(row["action"].partition(".")[2], row["version"]) for row in rows] == [
            ("created", "1"), ("updated", "2"), ("rolled_back", "3"), ("deleted", "4"), ("created", "5"),
        ]  # fmt: skip


def test_what_they_name_must_be_configured(shop: Database) -> None:
    apply(shop, OTHER, table("public.v", target="vault"))
    assert faults(lambda: put(shop, schedule(table="public.aa"))) == [
        ("/table", "public.aa is not configured on target shop; did you mean public.a?")
    ]
    assert faults(lambda: put(shop, schedule(target="shpo"))) == [("/target", "there is no target shpo; did you mean shop?")]
    assert faults(lambda: put(shop, schedule(dataset="none"))) == [
        ("/dataset", "there is no dataset none; send its document first")
    ]
    assert faults(lambda: put(shop, schedule(dataset="sales", target="vault"))) == [
        ("/dataset", "sales is a dataset of target shop, and the schedule is of target vault")
    ]
    put(shop, CHANNEL)
    assert faults(lambda: put(shop, route(channel="tame", target="none"))) == [
        ("/target", "there is no target none; send its document first"),
        ("/channel", "there is no channel tame; did you mean team?"),
    ]
    assert faults(lambda: put(shop, schedule("Nightly"))) == [
        (
            "/name",
            "is no name of a schedule; write 1 to 63 of a to z, 0 to 9, _ and -, with a letter or digit in front, such as nightly",
        )
    ]
    assert faults(lambda: watch_store.put(shop, ME, "Route", "one", route("two"), None)) == [
        ("/name", "is 'two', and the path says 'one'")
    ]
    with pytest.raises(NotFound, match="there is no channel teem; did you mean team"):
        watch_store.find(shop, "Channel", "teem")
    window = {"last": "1d"}
    assert faults(lambda: put(shop, schedule(dataset="sales", window=window))) == [
        ("/window/column", "is missing; name a column here, or give public.a, public.b, public.c a window_column")
    ]
    apply(shop, table("public.a", "a", window_column="at"), schedule("w", table="public.a", window=window))
    put(shop, schedule("w", table="public.b", window=window | {"column": "at"}))
    put(shop, schedule(tables=["none.*"], window=window))
    assert put(shop, schedule("b", dataset="sales")) == 1


def test_what_they_name_stays(shop: Database) -> None:
    put(shop, CHANNEL)
    put(shop, route(target="shop"))
    put(shop, route("more"))
    put(shop, schedule(table="public.a"))
    put(shop, schedule("of-sales", dataset="sales"))
    assert refusal(lambda: watch_store.delete(shop, ME, "Channel", "team", None)) == (
        "channel team is named by route all, route more; change or delete them first"
    )
    datasets.put(shop, ME, "sales", dataset(tables=["public.b"]), None)
    assert refusal(lambda: store.delete_table(shop, ME, "shop", "public.a", None)) == (
        "table shop/public.a is named by schedule nightly; change or delete it first"
    )
    assert refusal(lambda: datasets.delete(shop, ME, "sales", None)) == (
        "dataset sales is named by schedule of-sales; change or delete it first"
    )
    apply(shop, OTHER, table("public.b", target="vault"))
    moved = dataset(tables=["public.b"], target="vault")
    words = "schedule of-sales checks dataset sales on target shop; change or delete it first"
    assert refusal(lambda: datasets.put(shop, ME, "sales", moved, None)) == words
    for dry_run in (True, False):
        assert refusal(lambda dry_run=dry_run: apply(shop, moved, dry_run=dry_run)) == words  # type: ignore[misc]
    apply(shop, moved, schedule("of-sales", dataset="sales", target="vault"))
    for name in ("of-sales", "nightly"):
        watch_store.delete(shop, ME, "Schedule", name, None)
    for name in ("public.a", "public.b", "public.c"):
        store.delete_table(shop, ME, "shop", name, None)
    assert refusal(lambda: store.delete_target(shop, ME, "shop", None)) == (
        "target shop is named by route all; change or delete it first"
    )
    watch_store.delete(shop, ME, "Route", "all", None)
    store.delete_target(shop, ME, "shop", None)


def test_a_stream_holds_all_that_it_needs_in_any_order(database: Database) -> None:
    documents = [route(), schedule("a", dataset="sales"), schedule("b", table="public.a"), dataset(tables=["public.a"]), CHANNEL]
    documents += [table("public.a"), schedule("c", tables=["*.x", "public.*"]), TARGET, route("odd", tables=["sal*", "none"])]
    for dry_run in (True, False):
        answer = apply(database, *documents, dry_run=dry_run)
        assert {change["change"] for change in answer["changes"]} == {"created"}
        assert len(answer["changes"]) == len(documents)
        assert answer["notes"] == [
            {
                "pointer": "/4/url_env",
                "message": "NOTIFY_TEAM is not set where the Backend runs; set it and start the service again",
            },
            {"pointer": "/6/tables/0", "message": "*.x matches no configured table of target shop yet"},
            {"pointer": "/8/tables/1", "message": "none matches no configured table or dataset yet"},
        ]
    assert {change["change"] for change in apply(database, *documents)["changes"]} == {"unchanged"}
    wrong = [schedule("a", table="public.zz"), route("x", channel="none"), schedule("a"), HEAD | {"kind": "Rout", "name": "x"}]
    assert faults(lambda: apply(database, *wrong)) == [
        ("/3/kind", "is 'Rout'; known kinds: Table, Target, Dataset, Defaults, RuleSet, Schedule, Channel, Route"),
        ("/2/name", "schedule a stands twice in the stream"),
    ]
    assert faults(lambda: apply(database, *wrong[:2])) == [
        ("/0/table", "public.zz is not configured on target shop; did you mean public.a?"),
        ("/1/channel", "there is no channel none; send its document first"),
    ]


def pruned(database: Database, *documents: dict[str, Any], caller: Caller = ME) -> list[str]:
    with asking(caller):
        changes = store.apply(database, CATALOGUE, caller, documents, False, Origin("repo", True))["changes"]
    return [f"{each['kind']} {each['name']}" for each in changes if each["change"] == "deleted"]


def test_what_a_source_holds_no_more_is_pruned_but_for_what_others_name(shop: Database) -> None:
    kept = [TARGET, table("public.a", "a"), dataset(tables=["public.a"])]
    pruned(shop, *kept, CHANNEL, schedule(dataset="sales"), schedule("b", table="public.a"), route())
    put(shop, route("by-hand"))
    words = "channel team would be pruned, and route by-hand names it; change that first"
    assert refusal(lambda: pruned(shop, *kept)) == words
    watch_store.delete(shop, ME, "Route", "by-hand", None)
    limited = Caller("limited", frozenset(SCOPES) - {"admin"}, frozenset(["shop"]))
    tables = [table("public.a", "a"), dataset(tables=["public.a"])]
    assert pruned(shop, *tables, schedule("b", table="public.a"), caller=limited) == ["Schedule nightly"]
    assert refusal(lambda: pruned(shop, TARGET, schedule("b", table="public.a"), caller=ME)) == (
        "table shop/public.a would be pruned, and schedule b names it; change that first"
    )
    assert pruned(shop, TARGET) == ["Route all", "Schedule b", "Channel team", "Dataset sales", "Table shop/public.a"]
    with shop.transaction() as cursor:
        rows = cursor.all("select kind from stringx.sources")
    assert [row["kind"] for row in rows] == ["Target"], "sources are forgotten with their documents"


def test_a_kind_has_a_bound(shop: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("Schedule", "Channel", "Route"):
        monkeypatch.setitem(watch_store.MOST, kind, 1)
    put(shop, schedule("a"))
    put(shop, schedule("a", cron="1 1 * * *"))
    assert faults(lambda: put(shop, schedule("b"))) == [("", "is one more schedule than the 1 that are allowed")]
    for dry_run in (True, False):
        found = faults(lambda dry_run=dry_run: apply(shop, CHANNEL, CHANNEL | {"name": "b"}, dry_run=dry_run))  # type: ignore[misc]
        assert found == [("/1", "is one more channel than the 1 that are allowed")]


def test_loops_read_them_again_after_a_change_alone(shop: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    put(shop, CHANNEL)
    put(shop, route())
    put(shop, schedule())
    with shop.transaction() as cursor:
        first = [watching.schedules(cursor), watching.channels(cursor), watching.routes(cursor)]
        assert [found[0].document.name for found in first] == ["nightly", "team", "all"]  # type: ignore[index]
        again = [watching.schedules(cursor), watching.channels(cursor), watching.routes(cursor)]
        assert all(one is other for one, other in zip(first, again, strict=True))
    put(shop, route(owner="data"))
    with shop.transaction() as cursor:
        assert watching.schedules(cursor) is first[0]
        (found,) = watching.routes(cursor)
        assert (found.document.owner, found.version) == ("data", 2)
        assert found.updated_at > first[2][0].updated_at  # type: ignore[index]
        cursor.run(
            """update stringx.watch_documents set document = document || '{"of_the_next_release": 1}' where name = 'nightly'"""
        )
        assert watching.schedules(cursor) == (), "one that this release cannot read is left out"


@pytest.fixture
def apps(admin: Admin, internal_template: str, tmp_path: Path) -> Iterator[Apps]:
    with apps_of(admin, internal_template, tmp_path) as made:
        apply(made.database, TARGET, OTHER, table("public.a"), CHANNEL, route(), schedule())
        yield made


def test_channels_and_routes_are_for_admins_without_limits(apps: Apps) -> None:
    editor = tuple(scope for scope in SCOPES if scope != "admin")
    for path in ("channels", "channels/team", "channels/team/versions", "routes", "routes/all"):
        assert apps.ask(f"/api/v1/{path}").status_code == 200
        assert apps.ask(f"/api/v1/{path}", scopes=editor).status_code == 403, path
    whole, seen = (apps.ask("/api/v1/configuration", scopes=scopes).get_json() for scopes in (SCOPES, editor))
    assert [document.get("kind") for document in whole["items"]] == ["Target", "Target", "Table", "Schedule", "Channel", "Route"]
    assert [document.get("kind") for document in seen["items"]] == ["Target", "Target", "Table", "Schedule"]
    assert (whole["hidden"], seen["hidden"]) == ([], ["Channel", "Route"])
    for document in (CHANNEL, route("new")):
        answer = apps.ask("/api/v1/configuration", "POST", scopes=editor, json=document)
        assert (answer.status_code, "admin" in answer.get_json()["detail"]) == (403, True)
    assert apps.ask("/api/v1/schedules/nightly", "PUT", scopes=editor, json=schedule(active=False)).status_code == 200
    limited = management.create(apps.database, ME, NewKey(name="few", scopes=list(editor), targets=["vault"])).key
    client, headers = apps.clients["backend"], {"Authorization": f"Bearer {limited}"}
    assert client.get("/api/v1/schedules", headers=headers).get_json()["items"] == []
    assert client.get("/api/v1/schedules/nightly", headers=headers).status_code == 404
    assert client.get("/api/v1/schedules/nightly/versions", headers=headers).status_code == 404
    taken = client.put("/api/v1/schedules/nightly", headers=headers, json=schedule(target="vault"))
    assert (taken.status_code, taken.get_json()["detail"]) == (
        409,
        "the name nightly is not free; choose another name for the schedule",
    )


def test_answers_have_their_version_and_lists_their_pages(apps: Apps) -> None:
    made = apps.ask("/api/v1/schedules/b", "PUT", json={"target": "shop", "table": "public.a", "cron": "0 6 * * *"})
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    first = apps.ask("/api/v1/schedules?limit=1").get_json()
    rest = apps.ask(f"/api/v1/schedules?cursor={first['next_cursor']}").get_json()
    assert [item["name"] for page in (first, rest) for item in page["items"]] == ["b", "nightly"]
    refused = apps.ask("/api/v1/channels/x", "PUT", json={"type": "webhook", "url": "https://secret.example.com/token"})
    assert (refused.status_code, "secret.example.com" in refused.text) == (422, False)
    assert apps.ask("/api/v1/channels/team", "DELETE").status_code == 409
    assert [apps.ask(f"/api/v1/{path}", "DELETE").status_code for path in ("routes/all", "channels/team")] == [204, 204]


def test_a_variable_that_is_set_needs_no_note(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_TEAM", "json://127.0.0.1:1/")
    assert apply(database, CHANNEL)["notes"] == []
