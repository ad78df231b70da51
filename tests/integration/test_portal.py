"""The docs portal against real databases and the real `dbt docs generate`."""

import dataclasses
import json
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
from api.portal import refresh, state
from api.portal.app import create_app
from api.portal.refresh import Generation, Refresher
from api.targets import clean_environment
from contract.environment import ROOT, Settings, read
from database.pool import Database, json_value
from tests.conftest import Target

HOSTILE = "{{ env_var('HOME') }} {% raw %} {# note #} {{ '{' }} <img src=x onerror=alert(1)> | \\ ' \" ü"


@pytest.fixture
def settings(flights_target: Target, tmp_path: Path) -> Settings:
    return read({"STRINGX_HOME": str(tmp_path / "home"), "STRINGX_SECRETS": str(flights_target.secrets)})


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
        for table in tables:
            document = {"apiVersion": "stringx/v1", "kind": "Table", "target": target["name"], **table}
            cursor.run(
                "insert into stringx.tables (target, table_name, document, rules_hash, version)"
                " values (%(target)s, %(table)s, %(document)s, 'x', 1)",
                {"target": target["name"], "table": table["table"], "document": json_value(document)},
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
    assert more == [f"- fail: odd: {HOSTILE}", "", HOSTILE]
    assert airlines["meta"]["owner"] == HOSTILE
    assert 'odd"{{ column }}' in airlines["columns"]
    tests = [node for node in manifest["nodes"].values() if airlines["unique_id"] in node["depends_on"]["nodes"]]
    assert len(tests) == 2
    (odd_test,) = (node for node in tests if node["name"].endswith("_odd"))
    assert odd_test["description"] == HOSTILE
    said = json.dumps(HOSTILE, ensure_ascii=False).replace("'", "''")
    assert f'"arguments": {{"sql": {said}}}' in odd_test["compiled_code"]


def test_the_catalog_brings_every_column(refresher: Refresher, database: Database, flights_target: Target) -> None:
    configure(database, flights_target.document(), {"table": "public.airlines"})
    generate(refresher)
    (source,) = artifact(refresher, "shop", "catalog.json")["sources"].values()
    assert {name: column["type"] for name, column in source["columns"].items()} == {"carrier": "text", "name": "text"}
    (described,) = artifact(refresher, "shop", "manifest.json")["sources"].values()
    assert described["description"].startswith("**Not checked yet.**")


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
    with database.transaction() as cursor:
        cursor.run("delete from stringx.tables")
    generate(refresher)
    assert get(client, "/shop/").status_code == 404
    assert not (refresher.folder / "shop").exists()
    assert (refresher.folder / "mine").exists()


def test_when_a_portal_is_due(database: Database, flights_target: Target) -> None:
    configure(database, flights_target.document(), {"table": "public.airlines"})
    before = state.fingerprints(database)["shop"]
    add_check(database, "shop", "public.airlines", "pass", full=False)
    assert state.fingerprints(database)["shop"] == before
    add_check(database, "shop", "public.airlines", "pass")
    assert state.fingerprints(database)["shop"] != before
    now = time.monotonic()
    done = Generation("a", now, reached=True)
    assert not done.is_due("b", now + refresh.AT_MOST_EVERY_S - 1)
    assert done.is_due("b", now + refresh.AT_MOST_EVERY_S)
    assert not done.is_due("a", now + refresh.AGAIN_AFTER_S)
    assert Generation("a", now).is_due("a", now + refresh.AGAIN_AFTER_S)


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
    process = subprocess.Popen([sys.executable, "-P", "-m", "api.portal.refresh"], env=environ)
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
    assert forgetful.made["nyc"].under_way
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
