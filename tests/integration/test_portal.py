"""The docs portal against real databases and the real `dbt docs generate`."""

import dataclasses
import html
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.engine.command import dbt_executable
from api.targets.postgres import clean_environment
from database.pool import Cursor, Database, json_value
from portal import parts, refresh, state
from portal.app import create_app
from portal.refresh import Generation, Refresher
from stringx_dataops.contract.settings import ROOT, Settings, read_settings
from tests.support.databases import Admin, Target

HOSTILE = "{{ env_var('HOME') }} {% raw %} {# note #} {{ '{' }} <img src=x onerror=alert(1)> | \\ ' \" ü"


@pytest.fixture
def settings(flights_target: Target, tmp_path: Path) -> Settings:
    return read_settings({"STRINGX_HOME": str(tmp_path / "home"), "STRINGX_SECRETS": str(flights_target.secrets)})


@pytest.fixture
def refresher(settings: Settings, database: Database) -> Refresher:
    return Refresher(settings, database)


@pytest.fixture
def client(settings: Settings) -> FlaskClient:
    return create_app(settings).test_client()


def get(client: FlaskClient, path: str, **more: Any) -> TestResponse:
    """The response, read to its end: its file is closed."""
    return client.get(path, buffered=True, **more)


def configure(database: Database, target: dict[str, Any], *tables: dict[str, Any]) -> None:
    with database.transaction() as cursor:
        cursor.run(
            "insert into stringx.targets (name, document, version) values (%(name)s, %(document)s, 1)",
            {"name": target["name"], "document": json_value(target)},
        )
        write(cursor, target["name"], *tables)


def write(cursor: Cursor, target: str, *tables: dict[str, Any]) -> None:
    """As the Backend does: each table a version."""
    for table in tables:
        document = {"apiVersion": "stringx/v1", "kind": "Table", "target": target, **table}
        cursor.run(
            "insert into stringx.tables (target, table_name, document, rules_hash, version)"
            " values (%(target)s, %(table)s, %(document)s, 'x', 1);"
            "insert into stringx.table_versions (target, table_name, version, document, changed_by)"
            " values (%(target)s, %(table)s, 1, %(document)s, 'test')",
            {"target": target, "table": table["table"], "document": json_value(document)},
        )


def remove(database: Database, target: str, *tables: str) -> None:
    with database.transaction() as cursor:
        cursor.run(
            "delete from stringx.tables where target = %(target)s and table_name = any(%(tables)s);"
            "insert into stringx.table_versions (target, table_name, version, changed_by)"
            " select %(target)s, unnest(%(tables)s), 2, 'test'",
            {"target": target, "tables": list(tables)},
        )


def add_check(database: Database, target: str, table: str, verdict: str, *rules: dict[str, Any], full: bool = True) -> None:
    with database.transaction() as cursor:
        cursor.run(
            "insert into dataops.checks (check_id, request_id, body, body_hash, target, table_name, mode, status, timeout_s,"
            " finished_at, is_full, verdict, result) values (%(id)s, %(id)s, '{}', '', %(target)s, %(table)s, 'sync',"
            " 'succeeded', 60, clock_timestamp(), %(full)s, %(verdict)s, %(result)s)",
            {"id": str(uuid4()), "target": target, "table": table, "full": full, "verdict": verdict}
            | {"result": json_value({"rules": list(rules)})},
        )


def generate(refresher: Refresher) -> None:
    refresher.look()
    refresher.wait()


def artifact(refresher: Refresher, target: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((refresher.folder / target / "target" / name).read_text(encoding="utf-8"))
    return found


def test_user_text_comes_out_as_its_letters(refresher: Refresher, database: Database, flights_target: Target) -> None:
    rules = [
        {"id": "odd", "type": "expression", "arguments": {"sql": HOSTILE}, "where": HOSTILE, "description": HOSTILE},
        {"id": "one", "type": "unique", "column": 'odd"{{ column }}'},
    ]
    table = {"table": "public.airlines", "description": HOSTILE, "owner": HOSTILE, "rules": rules}
    odd = {"table": '"{{ schema }}"."{% table %}"', "rules": rules}
    configure(database, flights_target.document("shop-1"), table, odd)
    add_check(database, "shop-1", "public.airlines", "fail", {"status": "fail", "id": "odd", "message": HOSTILE})
    generate(refresher)
    manifest = artifact(refresher, "shop-1", "manifest.json")
    sources = {source["identifier"]: source for source in manifest["sources"].values()}
    assert sources.keys() == {"airlines", "{% table %}"}
    assert sources["{% table %}"]["schema"] == "{{ schema }}"
    airlines = sources["airlines"]
    first, *more = airlines["description"].splitlines()
    assert first.startswith("**Last verdict: fail**, 20")
    shown = HOSTILE.replace("<img", "&lt;img")
    assert more == [f"- fail: odd: {shown}", "", shown]
    assert airlines["meta"]["owner"] == HOSTILE
    assert 'odd"{{ column }}' in airlines["columns"]
    tests = [node for node in manifest["nodes"].values() if airlines["unique_id"] in node["depends_on"]["nodes"]]
    assert len(tests) == 2
    (odd_test,) = (node for node in tests if node["name"].endswith("_odd"))
    assert odd_test["description"].startswith(f"{shown}\n\n```json\n")
    letters = json.loads(odd_test["description"].split("```json\n")[1].removesuffix("\n```"))
    assert letters["arguments"] == {"sql": HOSTILE}
    for told in (airlines, odd_test, manifest["docs"]["doc.stringx_shop_1.__overview__"]):
        assert not re.search("<[A-Za-z/!?]", str(told.get("description") or told["block_contents"]))


def test_the_first_page_tells_gates_and_verdicts(refresher: Refresher, database: Database, flights_target: Target) -> None:
    plain = [{"table": f"public.{name}"} for name in ("airlines", "planes", "flights", "a_b|<img src=x>{{ x }}", "weather")]
    careless = {"table": "public.airports", "gate": {"on_error": "open", "on_warn": "closed"}}
    configure(database, flights_target.document(), *plain, careless)
    rules = [{"status": "fail", "id": f"r{number}", "message": "x"} for number in range(7)]
    add_check(database, "shop", "public.flights", "fail", *rules)
    add_check(database, "shop", "public.airlines", "pass", {"status": "pass", "id": "ok", "message": "x"})
    add_check(database, "shop", "public.planes", "warn")
    add_check(database, "shop", "public.airports", "warn")
    add_check(database, "shop", "public.weather", "error", {"status": "error", "id": "odd", "message": "x"})
    generate(refresher)
    manifest = artifact(refresher, "shop", "manifest.json")
    page = manifest["docs"]["doc.stringx_shop.__overview__"]["block_contents"]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| [")]
    told = [(html.unescape(re.sub(r"\[(.*)\].*", r"\1", row[0])), row[1], row[2], html.unescape(row[4])) for row in rows]
    assert told == [
        ("public.flights", "**closed**", "fail", "r0, r1, r2, r3, r4 and 2 more"),
        ("public.weather", "**closed**", "error", "odd"),
        ("public.airports", "**closed**", "warn", ""),
        ("public.planes", "open", "warn", ""),
        ("public.a_b|<img src=x>{{ x }}", "**closed**", "not checked", ""),
        ("public.airlines", "open", "pass", ""),
    ]
    assert {row[0].split("#!/source/")[1].removesuffix(")") for row in rows} == set(manifest["sources"])


def test_the_catalog_brings_every_column(refresher: Refresher, database: Database, flights_target: Target) -> None:
    configure(database, flights_target.document(), {"table": "public.airlines"})
    generate(refresher)
    (source,) = artifact(refresher, "shop", "catalog.json")["sources"].values()
    assert {name: column["type"] for name, column in source["columns"].items()} == {"carrier": "text", "name": "text"}
    (described,) = artifact(refresher, "shop", "manifest.json")["sources"].values()
    assert described["description"].startswith("**Not checked yet.**")


def test_dbts_own_queries_run_no_foreign_code(
    refresher: Refresher, database: Database, flights_target: Target, admin: Admin
) -> None:
    hostile = "language plpgsql as 'begin raise exception ''hostile code ran''; end'"
    admin.run(
        f"create function public.upper(name) returns text {hostile}; create function public.hostile(name, name) returns boolean {hostile};"
        "create operator public.~~* (leftarg = name, rightarg = name, function = public.hostile)",
        flights_target.dbname,
    )
    configure(database, flights_target.document(), {"table": "public.airlines"})
    generate(refresher)
    assert refresher.made["shop", ""].reached
    assert len(artifact(refresher, "shop", "catalog.json")["sources"]) == 1


def test_the_catalog_of_many_tables_brings_theirs_and_no_other(
    refresher: Refresher, database: Database, flights_target: Target
) -> None:
    many = [{"table": f"public.t{number:03}"} for number in range(101)]
    configure(database, flights_target.document(), {"table": "public.airlines"}, {"table": "public.o'clock{}"}, *many)
    generate(refresher)
    assert refresher.made["shop", ""].reached
    sources = artifact(refresher, "shop", "catalog.json")["sources"].values()
    assert {source["metadata"]["name"]: list(source["columns"]) for source in sources} == {"airlines": ["carrier", "name"]}
    log = (refresher.work / "shop" / "dbt.log").read_text(encoding="utf-8")
    assert "'planes'" not in log, "what is not configured is not asked for"


def test_a_rule_never_passes_by_hand(refresher: Refresher, database: Database, flights_target: Target) -> None:
    rules = [{"id": "one", "type": "unique", "column": "carrier"}]
    configure(database, flights_target.document(), {"table": "public.airlines", "rules": rules})
    generate(refresher)
    folder = refresher.folder / "shop"
    ended = subprocess.run(
        [dbt_executable(), "--no-use-colors", "test", "--project-dir", str(folder), "--profiles-dir", str(folder)],
        env=clean_environment() | flights_target.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "PASS=0 WARN=0 ERROR=1" in ended.stdout


def test_a_target_that_is_down_gets_a_portal_and_holds_up_no_other(
    refresher: Refresher, database: Database, flights_target: Target, client: FlaskClient
) -> None:
    table = {"table": "public.airlines"}
    configure(database, flights_target.document("down", port=1), table)
    configure(database, flights_target.document("no_password", password_file="missing"), table)
    configure(database, flights_target.document("up"), table)
    generate(refresher)
    generate(refresher)  # two at a time
    for name, columns in (("down", 0), ("no_password", 0), ("up", 2)):
        assert get(client, f"/{name}/").status_code == 200
        sources = artifact(refresher, name, "catalog.json")["sources"]
        assert sum(len(source["columns"]) for source in sources.values()) == columns, name


def test_the_last_catalog_stays(refresher: Refresher, database: Database, flights_target: Target) -> None:
    configure(database, flights_target.document(), {"table": "public.airlines"})
    generate(refresher)
    add_check(database, "shop", "public.airlines", "error")
    with database.transaction() as cursor:
        document = json_value(flights_target.document(port=1))
        cursor.run("update stringx.targets set version = 2, document = %(document)s", {"document": document})
    refresher.made.clear()
    generate(refresher)
    (source,) = artifact(refresher, "shop", "catalog.json")["sources"].values()
    assert source["columns"]
    (described,) = artifact(refresher, "shop", "manifest.json")["sources"].values()
    assert described["description"].startswith("**Last verdict: error**")


def test_pages(refresher: Refresher, database: Database, flights_target: Target, client: FlaskClient) -> None:
    assert "No target has a configured table yet" in get(client, "/").text
    configure(database, flights_target.document(), {"table": "public.airlines"}, {"table": "public.planes"})
    add_check(database, "shop", "public.airlines", "pass")
    assert get(client, "/shop/").status_code == 404
    generate(refresher)
    assert '<a href="shop/">shop</a>' in get(client, "/").text
    assert "1 not checked, 1 pass" in get(client, "/").text
    assert get(client, "/shop").headers["Location"] in ("shop/", "/shop/")
    page = get(client, "/shop/")
    assert "dbt" in page.text
    assert page.headers["Cache-Control"] == "no-cache"
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"].split("style-src")[0]
    assert get(client, "/shop/", headers={"If-None-Match": page.headers["ETag"]}).status_code == 304
    assert json.loads(get(client, "/shop/manifest.json").data)["metadata"]["project_name"] == "stringx_shop"
    assert get(client, "/shop/catalog.json").status_code == 200
    assert get(client, "/healthz").json == {"status": "ok"}
    (refresher.settings.home / "api-key").write_text("secret")
    for path in (
        "/shop/../../api-key",
        "/shop/..%2f..%2fapi-key",
        "/..%2fapi-key",
        "/%2e%2e/api-key",
        "/.work/shop",
        "/.work/",
        "/shop/profiles.yml",
        "/shop/target/manifest.json",
        "/shop/.",
        "/other/",
    ):
        assert get(client, path).status_code == 404, path


def test_a_removed_target_disappears_and_strange_folders_stay(
    refresher: Refresher, database: Database, flights_target: Target, client: FlaskClient
) -> None:
    configure(database, flights_target.document(), {"table": "public.airlines"})
    generate(refresher)
    (refresher.folder / "mine").mkdir()
    remove(database, "shop", "public.airlines")
    generate(refresher)
    assert get(client, "/shop/").status_code == 404
    assert not (refresher.folder / "shop").exists()
    assert (refresher.folder / "mine").exists()


def test_when_a_portal_is_due(database: Database, flights_target: Target) -> None:
    configure(database, flights_target.document(), {"table": "public.airlines"})
    before = state.fingerprint(database, "shop", ["public.airlines"])
    add_check(database, "shop", "public.airlines", "pass", full=False)
    assert state.fingerprint(database, "shop", ["public.airlines"]) == before
    add_check(database, "shop", "public.airlines", "pass")
    assert state.fingerprint(database, "shop", ["public.airlines"]) != before
    now = time.monotonic()
    done = Generation("a", now, reached=True)
    assert not done.is_due("b", now + refresh.AT_MOST_EVERY_S - 1)
    assert done.is_due("b", now + refresh.AT_MOST_EVERY_S)
    assert not done.is_due("a", now + refresh.AGAIN_AFTER_S)
    assert Generation("a", now).is_due("a", now + refresh.AGAIN_AFTER_S)


def test_each_change_is_seen_once(database: Database, flights_target: Target) -> None:
    configure(database, flights_target.document(), {"table": "public.airlines"})
    changes = state.Changes(database)
    assert changes.look() == set()
    add_check(database, "shop", "public.airlines", "pass", full=False)
    assert changes.look() == set()
    add_check(database, "shop", "public.airlines", "pass")
    with database.transaction() as cursor:
        write(cursor, "shop", {"table": "public.planes"})
    assert {(change.table, change.is_configured) for change in changes.look()} == {
        ("public.airlines", False),
        ("public.planes", True),
    }
    remove(database, "shop", "public.planes")
    with database.transaction() as cursor:
        cursor.run("update stringx.targets set version = 2, updated_at = now()")
    assert {(change.table, change.is_configured) for change in changes.look()} == {("public.planes", True), (None, False)}
    assert changes.look() == set()


def test_what_did_not_change_is_not_generated_again(refresher: Refresher, database: Database, flights_target: Target) -> None:
    configure(database, flights_target.document("a"), {"table": "public.airlines"})
    configure(database, flights_target.document("b"), {"table": "public.airlines"})
    generate(refresher)
    for generation in refresher.made.values():
        generation.began -= refresh.AT_MOST_EVERY_S
    add_check(database, "a", "public.airlines", "pass")
    refresher.look()
    assert [key for key, generation in refresher.made.items() if generation.under_way] == [("a", "")]
    refresher.wait()
    assert refresher.made["a", ""].rests_until > time.monotonic(), "making it again has its price"


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MOST_TABLES": 4, "_FEWEST": 2, "_ONE_IN": 2}.items():
        monkeypatch.setattr(parts, name, value)


def generate_all(refresher: Refresher) -> set[str]:
    """The parts that were made, as many looks as it takes."""
    before = {key: generation.began for key, generation in refresher.made.items()}
    for _ in range(10):
        generate(refresher)
    return {part for (_, part), generation in refresher.made.items() if before.get(("shop", part)) != generation.began}


def sources_of(folder: Path) -> set[str]:
    manifest = json.loads((folder / "target" / "manifest.json").read_text(encoding="utf-8"))
    return {source["identifier"] for source in manifest["sources"].values()}


@pytest.mark.usefixtures("small_parts")
def test_a_large_target_is_shown_in_parts(
    refresher: Refresher, database: Database, flights_target: Target, client: FlaskClient
) -> None:
    tables = [{"table": f"public.t{number:02}"} for number in range(7)] + [{"table": "public.airlines"}]
    configure(database, flights_target.document(), *tables)
    made = generate_all(refresher)
    folder = refresher.folder / "shop"
    assert len(made) >= 3
    assert set().union(*(sources_of(folder / "parts" / part) for part in made)) == {
        *(f"t{number:02}" for number in range(7)),
        "airlines",
    }
    assert f"8 in {len(made)} parts" in get(client, "/").text
    page = get(client, "/shop/").text
    assert all(table["table"] in page and f'href="parts/{part}/"' in page for table in tables for part in made)
    with_airlines = refresher.layout.of_table["shop", "public.airlines"][1]
    assert get(client, f"/shop/parts/{with_airlines}").headers["Location"].endswith(f"{with_airlines}/")
    assert "dbt" in get(client, f"/shop/parts/{with_airlines}/").text
    assert b"carrier" in get(client, f"/shop/parts/{with_airlines}/catalog.json").data
    for path in (
        "/shop/parts/",
        "/shop/parts/none/",
        "/shop/manifest.json",
        "/shop/parts/../manifest.json",
        "/shop/parts/first/x",
    ):
        assert get(client, path).status_code == 404, path

    for generation in refresher.made.values():
        generation.began -= refresh.AT_MOST_EVERY_S
    add_check(database, "shop", "public.t05", "fail")
    assert generate_all(refresher) == {refresher.layout.of_table["shop", "public.t05"][1]}

    command = [dbt_executable(), "parse", "--project-dir", str(folder), "--profiles-dir", str(folder)]
    subprocess.run(command, env=clean_environment() | flights_target.environment(), check=True, capture_output=True)
    assert len(sources_of(folder)) == 8, "the project by hand has them all"
    shutil.rmtree(folder / "target")

    remove(database, "shop", *(table["table"] for table in tables[3:]))
    generate_all(refresher)
    assert sources_of(folder) == {"t00", "t01", "t02"}
    assert not list((folder / "parts").glob("*"))
    assert "parts" not in get(client, "/").text


@pytest.mark.usefixtures("small_parts")
def test_the_users_models_are_a_part_of_their_own(
    settings: Settings, database: Database, flights_target: Target, tmp_path: Path
) -> None:
    users = tmp_path / "users"
    shutil.copytree(settings.dbt_project_dir, users, ignore=shutil.ignore_patterns("target", "logs", "dbt_packages"))
    (users / "models").mkdir()
    (users / "models" / "late.sql").write_text("select 1 as a")
    refresher = Refresher(dataclasses.replace(settings, dbt_project_dir=users, dbt_profiles_dir=users), database)
    configure(database, flights_target.document(), *({"table": f"public.t{number}"} for number in range(5)))
    made = generate_all(refresher)
    folder = refresher.folder / "shop"
    with_models = {
        part
        for part in made
        if any(
            name.startswith("model.")
            for name in json.loads((folder / "parts" / part / "target" / "manifest.json").read_text())["nodes"]
        )
    }
    assert with_models == {"models"} < made
    assert "Models of the dbt project" in get(create_app(refresher.settings).test_client(), "/shop/").text
    command = [dbt_executable(), "parse", "--project-dir", str(folder), "--profiles-dir", str(folder)]
    subprocess.run(command, env=clean_environment() | flights_target.environment(), check=True, capture_output=True)
    assert len(sources_of(folder)) == 5


def test_a_table_more_or_less_changes_few_parts() -> None:
    tables = [f"schema_{number % 7}.table_{number}" for number in range(10_000)]
    cut = parts.cut(tables)
    assert sorted(table for part in cut for table in part.tables) == sorted(tables)
    assert len({part.name for part in cut}) == len(cut)
    assert max(len(part.tables) for part in cut) <= parts.MOST_TABLES
    assert len(cut) < 2.5 * len(tables) / parts.MOST_TABLES
    for number in range(0, 10_000, 997):
        less = parts.cut(tables[:number] + tables[number + 1 :])
        assert len(set(less) - set(cut)) <= 6, tables[number]
    assert [part.name for part in parts.cut(tables[: parts.MOST_TABLES])] == [""]


def test_sigterm_ends_it_at_once_with_its_dbt(
    internal_url: str, database: Database, flights_target: Target, settings: Settings
) -> None:
    configure(database, flights_target.document(), {"table": "public.airlines"})
    environ = clean_environment() | {
        "STRINGX_HOME": str(settings.home),
        "STRINGX_SECRETS": str(settings.secrets),
        "STRINGX_DATABASE_URL": internal_url,
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.Popen([sys.executable, "-P", "-m", "portal.refresh"], env=environ)
    try:
        until(lambda: processes_at(settings.home))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=3) == 0
        until(lambda: not processes_at(settings.home))
    finally:
        process.kill()
        process.wait()


def processes_at(home: Path) -> list[str]:
    """The command lines that name the home."""
    found = subprocess.run(["ps", "-eo", "args", "-ww"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in found if str(home) in line]


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_an_earlier_start_s_portal_is_not_made_again(refresher: Refresher, database: Database, flights_target: Target) -> None:
    configure(database, flights_target.document("nyc"), {"table": "public.flights"})
    generate(refresher)
    again = Refresher(refresher.settings, database)
    again.remember()
    again.look()
    assert not any(generation.under_way for generation in again.made.values())
    forgetful = Refresher(refresher.settings, database)
    forgetful.look()
    assert forgetful.made["nyc", ""].under_way
    forgetful.wait()


def test_models_of_the_users_project_show_beside_the_configured_tables(
    settings: Settings, database: Database, flights_target: Target, tmp_path: Path
) -> None:
    users = tmp_path / "users"
    shutil.copytree(settings.dbt_project_dir, users, ignore=shutil.ignore_patterns("target", "logs", "dbt_packages"))
    (users / "models").mkdir()
    (users / "models" / "late.sql").write_text(
        "select * from {{ source('public', 'flights') }} where dep_delay > {{ shout('60') }}"
    )
    (users / "models" / "late.yml").write_text(
        "version: 2\nsources: [{name: public, tables: [{name: flights}]}]\n"
        "models: [{name: late, description: Flights that left late., data_tests: [{dbt_utils_like: {}}]}]\n"
    )
    package = users / "dbt_packages" / "shouting"
    (package / "macros").mkdir(parents=True)
    (package / "dbt_project.yml").write_text("name: shouting\nversion: '1.0'\nconfig-version: 2\n")
    (package / "macros" / "test.sql").write_text("{% test dbt_utils_like(model) %} select 1 where false {% endtest %}")
    (users / "macros" / "shout.sql").write_text("{% macro shout(text) %}{{ text | upper }}{% endmacro %}")
    (users / "packages.yml").write_text("packages: [{local: dbt_packages/shouting}]\n")
    (users / "macros" / "call.sql").write_text(
        "{% test dbt_utils_like(model) %}{{ return(shouting.test_dbt_utils_like(model)) }}{% endtest %}"
    )
    refresher = Refresher(dataclasses.replace(settings, dbt_project_dir=users, dbt_profiles_dir=users), database)
    rules = [{"id": "a", "type": "not_null", "column": "dep_time"}]
    configure(database, flights_target.document(), {"table": "public.flights", "rules": rules})
    generate(refresher)
    manifest = artifact(refresher, "shop", "manifest.json")
    models = {node["name"]: node["description"] for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    assert models == {"late": "Flights that left late."}
    assert {source["source_name"] for source in manifest["sources"].values()} == {"public", "stringx_public"}
    assert "columns" in next(iter(artifact(refresher, "shop", "catalog.json")["sources"].values()))
