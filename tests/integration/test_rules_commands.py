"""`dataops rules` diff, apply, export, show, versions, rollback and delete against the Backend's application on a real database."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from werkzeug.serving import make_server

from database.keys import register
from database.pool import Database
from stringx_dataops.cli.rules import rules
from stringx_dataops.cli.rules.export import MARK, file_name
from stringx_dataops.client import Refused
from tests.support.dashboard import opened
from tests.support.datasets import TARGET, apply, dataset, table

Run = Callable[..., str]
A = "apiVersion: stringx/v1\ntarget: shop\ntable: public.a\n"
RULES = A + "rules:\n  - id: a\n    type: not_null\n    column: a\n    fail_above: 2%\n"


@pytest.fixture
def run(database: Database, internal_url: str, tmp_path: Path) -> Iterator[Run]:
    """Runs `dataops rules` with a key of every scope, and returns what it prints; `code` is the expected exit code."""
    home = tmp_path / "home"
    home.mkdir()
    with opened(database, internal_url, home) as client:
        server = make_server("127.0.0.1", 0, client.application, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()

        def dataops(*arguments: object, code: int = 0, text: str | None = None, key: str = "sx_owner") -> str:
            done = CliRunner().invoke(
                rules, [str(each) for each in arguments], input=text, standalone_mode=False,
                obj=f"http://127.0.0.1:{server.port}", env={"STRINGX_API_KEY": key},
            )  # fmt: skip
            if code == 2:
                assert done.exception is not None, done.output
                return str(done.exception) if isinstance(done.exception, Refused) else done.exception.format_message()  # type: ignore[attr-defined]
            assert done.exception is None, (done.exception, done.output)
            assert done.return_value == code, done.output
            return done.output

        yield dataops
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_loop_of_a_changed_rule(database: Database, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    apply(database, TARGET)
    file.write_text(RULES)
    assert run("diff", file, code=1) == "Table shop/public.a: new\n  rule a: added\n1 of 1 document differs\n"
    assert run("apply", file, "--dry-run") == "Table shop/public.a: would be created\n"
    assert run("apply", file, "--source", "repo") == "Table shop/public.a: created\n"
    assert run("diff", file) == "no difference in 1 document\n"
    file.write_text(RULES.replace("2%", "1%") + "  - {id: b, type: unique, column: b}\ngate: {on_warn: closed}\n")
    assert run("diff", tmp_path, code=1, key="sx_reader").splitlines() == [
        "Table shop/public.a: changed",
        "  gate.on_warn: now closed (tightened)",
        "  rule b: added",
        "  rule a: tightened",
        "    fail_above: 2% → 1% (tightened)",
        "1 of 1 document differs",
    ]
    found = json.loads(run("diff", tmp_path, "--json", code=1))["documents"][0]
    assert [(rule["id"], rule["change"]) for rule in found["rules"]] == [("b", "added"), ("a", "tightened")]
    assert run("apply", "-", text=file.read_text()) == "Table shop/public.a: updated\n"
    assert [line.split("me  ")[-1].split("owner  ")[-1] for line in run("versions", "shop", "public.a").splitlines()] == [
        "1 rule added, 1 rule tightened, gate.on_warn",
        "created, 1 rule",
    ]
    assert "Nobody can be asked here; add --yes" in run("rollback", "shop", "public.a", 1, code=2)
    assert run("rollback", "shop", "public.a", 1, "--yes").splitlines() == [
        "Table shop/public.a: changed",
        "  gate.on_warn: no longer closed (loosened)",
        "  rule b: removed",
        "  rule a: loosened",
        "    fail_above: 1% → 2% (loosened)",
        "Table shop/public.a: version 3, as version 1 was",
    ]
    assert run("rollback", "shop", "public.a", 3, "--yes") == "Table shop/public.a is as version 3 was\n"
    assert run("show", "shop", "public.a") == RULES
    assert "fail_above: 1%" in run("show", "shop", "public.a", "--version", 2)
    assert "has no version 9" in run("rollback", "shop", "public.a", 9, code=2)
    assert run("delete", "shop", "public.a", "--yes") == "Table shop/public.a: deleted\n"
    assert "is its deletion" in run("rollback", "shop", "public.a", 4, code=2)
    assert run("rollback", "shop", "public.a", 2, "--yes").splitlines()[-1] == "Table shop/public.a: version 5, as version 2 was"
    assert run("delete", "--target", "shop", "--yes", code=2).startswith("target shop has configured tables (1)")


def test_a_rollback_is_held_against_the_rules_of_today(database: Database, run: Run, tmp_path: Path) -> None:
    allows = TARGET | {"allow_functions": ["own.f"]}
    calls = {**table("public.a"), "rules": [{"id": "r", "type": "expression", "arguments": {"sql": "own.f(x) > 1"}}]}
    apply(database, allows, calls)
    apply(database, TARGET, table("public.a"))
    assert "/rules/0/arguments/sql: calls own.f, which is not allowed" in run("rollback", "shop", "public.a", 1, "--yes", code=2)


def test_prune_asks_first_and_names_what_would_go(database: Database, run: Run, tmp_path: Path) -> None:
    apply(database, TARGET)
    for name in ("a", "b"):
        (tmp_path / f"{name}.yml").write_text(A.replace("public.a", f"public.{name}"))
    run("apply", tmp_path / "a.yml", tmp_path / "b.yml", "--source", "repo")
    (tmp_path / "b.yml").unlink()
    assert run("diff", tmp_path / "a.yml") == "no difference in 1 document\n"
    assert "Table shop/public.b: in no file of its source any more" in run("diff", tmp_path / "a.yml", "--source", "repo", code=1)
    words = run("apply", tmp_path / "a.yml", "--source", "repo", "--prune", code=2)
    assert (
        words
        == "1 documents of repo are in no file any more: Table shop/public.b. Delete them? Nobody can be asked here; add --yes"
    )
    assert run("apply", tmp_path / "a.yml", "--source", "repo", "--prune", "--dry-run").endswith(
        "shop/public.b: would be deleted\n"
    )
    assert run("apply", tmp_path / "a.yml", "--source", "repo", "--prune", "--yes").endswith("Table shop/public.b: deleted\n")
    assert run("apply", tmp_path / "a.yml", "--source", "other").startswith("Table shop/public.a: unchanged (from repo before)")


def test_what_is_exported_and_applied_again_changes_nothing(database: Database, run: Run, tmp_path: Path) -> None:
    odd = {"values": [1, "1", "02134", "no", "1.10", "a\nb", " x", "é"], "case_sensitive": False}
    written = {
        **table('public.Od"d Näme/..', description="two\nlines\n"),
        "rules": [{"id": "v", "type": "accepted_values", "column": "c", "arguments": odd}],
    }
    apply(
        database,
        TARGET | {"allow_functions": ["own.f"], "lock_timeout": "1s"},
        table("public.a", "a"),
        table("public.con"),
        written,
    )
    apply(
        database,
        dataset(tables=["public.a"], gate={"max_age": "1d"}),
        TARGET | {"name": "other"},
        {**table("public.b"), "target": "other"},
    )
    folder = tmp_path / "rules"
    assert run("export", folder) == f"7 documents in {folder}: 7 files written, 0 as they were\n"
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.yml"))
    odd_name = next(name for name in names if "od_d" in name)
    assert [name for name in names if name != odd_name] == [
        "other/tables/public.b.yml", "other/target.yml", "shop/datasets/sales.yml", "shop/tables/public.a.yml",
        "shop/tables/public.con.yml", "shop/target.yml",
    ]  # fmt: skip
    assert run("diff", folder) == "no difference in 7 documents\n"
    assert {line.rpartition(" ")[2] for line in run("apply", folder).splitlines()} == {"unchanged"}
    assert run("export", folder, "--target", "other").endswith("0 files written, 2 as they were\n")
    (folder / "other" / "target.yml").write_text("# mine\n")
    assert "export has not written" in run("export", folder, code=2)
    assert (folder / "other" / "target.yml").read_text() == "# mine\n"
    assert run("export", folder, "--force").endswith("1 files written, 6 as they were\n")
    assert (folder / "other" / "target.yml").read_text().startswith(MARK)
    assert "there is no target nowhere" in run("export", folder, "--target", "nowhere", code=2)
    assert "tables of other, shop; choose one by --target" in run("export", folder, "--as", "odcs", code=2)
    assert "3 table(s) in 3 file(s)" in run("export", folder, "--as", "odcs", "--target", "shop")
    assert "3 table(s) in 1 file(s)" in run("export", folder, "--as", "dbt", "--target", "shop")


def test_names_of_files_are_safe_and_each_has_its_own() -> None:
    texts = [
        "public.a",
        "public.A",
        "CON",
        "con",
        "nul.x",
        "..",
        "a/b",
        "a\\b",
        "a:b",
        "é",
        "e\u0301",
        " ",
        "x" * 200,
        "x" * 201,
        "-",
        "a.",
    ]
    names = [file_name(text) for text in texts]
    assert names[0] == "public.a"
    assert len({name.lower() for name in names}) == len(texts)
    for name in names:
        assert name.isascii()
        assert len(name) < 120
        assert not set(name) & set('/\\:*?"<>| ')
        assert name[0] not in ".-"
        assert name.partition(".")[0].lower() not in ("con", "nul")


def test_the_backend_says_what_is_wrong_at_its_place_in_the_files(database: Database, run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("%YAML 1.2\n---\n" + A + "...\n")
    (tmp_path / "b.yml").write_text(
        "# words\n%YAML 1.2\n---\n" + A.replace(".a", ".b") + "rules:\n- {id: x, type: uniqe, column: a}\n"
    )
    (tmp_path / "c.yml").write_text("---\n---\n" + A.replace(".a", ".c") + "rules:\n- {id: x, type: unique, column: ~}")
    assert run("apply", tmp_path, code=2).splitlines() == [
        f"{tmp_path}/a.yml:4:1: target: there is no target shop; add its document",
        f"{tmp_path}/b.yml:8:11: rule x: type: 'uniqe' is no rule type; did you mean unique?",
        f"{tmp_path}/c.yml:7:3: rule x: columns: is missing; unique needs at least 1",
    ]
    assert "name one document" in run("delete", code=2)
    assert "name one document" in run("show", "shop", "public.a", "--dataset", "x", code=2)


def test_the_schema_is_served_with_an_etag_and_printed(database: Database, internal_url: str, tmp_path: Path) -> None:
    with opened(database, internal_url, tmp_path) as client:
        headers = {"Authorization": "Bearer sx_reader"}
        answer = client.get("/api/v1/schema", headers=headers)
        assert (answer.status_code, answer.content_type) == (200, "application/schema+json")
        assert answer.text == CliRunner().invoke(rules, ["schema"], standalone_mode=False).output
        again = client.get("/api/v1/schema", headers=headers | {"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert client.get("/api/v1/schema?x=1", headers=headers).status_code == 422
        assert client.get("/api/v1/schema", headers={"Authorization": "Bearer sx_poster"}).status_code == 403
        board = client.get("/api/v1/tables", headers=headers)
        assert board.json == {"items": [], "next_cursor": None}
        apply(database, TARGET, table("public.a"))
        client.post("/api/v1/configuration?source=repo", headers={"Authorization": "Bearer sx_owner"}, json=table("public.a"))
        assert [item["source"] for item in client.get("/api/v1/tables", headers=headers).json["items"]] == ["repo"]
        wrong = client.post(
            "/api/v1/configuration?source=%20x&prune=1", headers={"Authorization": "Bearer sx_owner"}, json=table("public.a")
        )
        assert [error["pointer"] for error in wrong.json["errors"]] == ["/query/source"]


def test_what_holds_for_a_table_is_explained(database: Database, run: Run, tmp_path: Path) -> None:
    defaults = {"apiVersion": "stringx/v1", "kind": "Defaults", "target": "shop", "owner": "data", "gate": {"max_age": "1h"}}
    rule_set = {"apiVersion": "stringx/v1", "kind": "RuleSet", "name": "keys", "target": "shop", "tables": ["public.*"]}
    ids = {"id": "ids", "type": "not_null", "columns": ["*_id"]}
    apply(
        database,
        TARGET,
        defaults,
        rule_set | {"rules": [ids]},
        table("public.a", "a", overrides=[{"id": "keys.ids", "active": False}]),
    )
    lines = [" ".join(line.split()) for line in run("explain", "shop", "public.a").splitlines()]
    assert lines[0] == "public.a of target shop"
    assert {"owner data defaults of the target", "gate.max_age 1h defaults of the target", "timezone UTC built in"} <= set(lines)
    assert lines[-2:] == [
        "a not_null a the table",
        "keys.ids not_null *_id (active: false) rule set keys, the table overrides active",
    ]
    found = json.loads(run("explain", "shop", "public.a", "--json"))
    assert found["origins"]["rules"]["keys.ids"]["rule_set"] == "keys"
    assert "public.x" in run("explain", "shop", "public.x", code=2)
    run("export", tmp_path)
    assert run("diff", tmp_path) == "no difference in 4 documents\n"
    tighter = tmp_path / "shop" / "tables" / "public.a.yml"
    tighter.write_text(tighter.read_text() + "gate: {max_age: 24h}\n")
    assert "gate.max_age: now 24h (loosened)" in run("diff", tmp_path, code=1)
    others = tmp_path.parent / "others"
    words = run("export", others, "--as", "odcs")  # other tools know nothing of defaults and sets
    assert "note: rule set keys is written into the tables for which it holds" in words
    (entry,) = yaml.safe_load((others / "public.a.odcs.yaml").read_text())["schema"]
    assert entry["customProperties"][0]["value"] == {"owner": "data", "gate": {"max_age": "1h"}}
    assert [check["implementation"]["active"] for check in entry["quality"]] == [False]
    assert sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.yml")) == [
        "shop/defaults.yml",
        "shop/rulesets/keys.yml",
        "shop/tables/public.a.yml",
        "shop/target.yml",
    ]


def test_defaults_and_rule_sets_are_documents_like_others(database: Database, run: Run) -> None:
    rule_set = {"apiVersion": "stringx/v1", "kind": "RuleSet", "name": "keys", "target": "shop", "tables": ["public.*"]}
    first, second = ({"id": "ids", "type": "not_null", "columns": [column]} for column in ("a", "b"))
    defaults = {"apiVersion": "stringx/v1", "kind": "Defaults", "target": "shop", "owner": "data"}
    apply(database, TARGET, defaults, rule_set | {"rules": [first]})
    apply(database, rule_set | {"rules": [second]})
    assert "owner: data" in run("show", "--defaults", "shop")
    assert len(run("versions", "--rule-set", "keys").splitlines()) == 2
    assert run("rollback", "--rule-set", "keys", 1, "--yes").splitlines()[-1] == "RuleSet keys: version 3, as version 1 was"
    assert run("delete", "--rule-set", "keys", "--yes") == "RuleSet keys: deleted\n"
    assert run("delete", "--defaults", "shop", "--yes") == "Defaults shop: deleted\n"
    assert "name one document" in run("show", "--defaults", "shop", "--rule-set", "keys", code=2)


def test_schedules_channels_and_routes_are_documents_like_others(database: Database, run: Run, tmp_path: Path) -> None:
    head = {"apiVersion": "stringx/v1"}
    schedule = head | {"kind": "Schedule", "name": "nightly", "target": "shop", "tables": ["public.*"], "cron": "0 6 * * *"}
    channel = head | {"kind": "Channel", "name": "team", "type": "apprise", "url_env": "NOTIFY_TEAM"}
    route = head | {"kind": "Route", "name": "all", "channel": "team", "on": ["closed"]}
    apply(database, TARGET, schedule, channel, route)
    run("export", tmp_path)
    assert sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.yml")) == [
        "channels/team.yml",
        "routes/all.yml",
        "shop/schedules/nightly.yml",
        "shop/target.yml",
    ]
    assert run("diff", tmp_path) == "no difference in 4 documents\n"
    run("export", tmp_path / "one", "--target", "shop")
    assert not (tmp_path / "one" / "channels").exists()
    (tmp_path / "routes" / "all.yml").write_text(yaml.safe_dump(route | {"on": ["closed", "opened"], "tables": ["none*"]}))
    assert run("diff", tmp_path / "routes", code=1).splitlines() == [
        "Route all: changed",
        '  on: ["closed"] → ["closed", "opened"]',
        '  tables: now ["none*"]',
        "1 of 1 document differs",
    ]
    assert "Route all: updated" in run("apply", tmp_path / "routes")
    assert len(run("versions", "--route", "all").splitlines()) == 2
    assert run("rollback", "--route", "all", 1, "--yes").splitlines()[-1] == "Route all: version 3, as version 1 was"
    assert "channel team is named by route all" in run("delete", "--channel", "team", "--yes", code=2)
    assert run("delete", "--route", "all", "--yes") == "Route all: deleted\n"
    assert run("delete", "--channel", "team", "--yes") == "Channel team: deleted\n"
    assert run("delete", "--schedule", "nightly", "--yes") == "Schedule nightly: deleted\n"


def test_a_key_that_sees_no_channels_is_told_that_they_were_not_compared(database: Database, run: Run, tmp_path: Path) -> None:
    channel = {"apiVersion": "stringx/v1", "kind": "Channel", "name": "team", "type": "apprise", "url_env": "NOTIFY_TEAM"}
    apply(database, TARGET, channel)
    register(database, "reader", "sx_reader", ["read"])
    file = tmp_path / "all.yml"
    file.write_text(yaml.safe_dump(channel))
    assert run("diff", file) == "no difference in 1 document\n"
    note = "note: not compared: channels; only an admin sees them\n"
    assert run("diff", file, key="sx_reader") == f"{note}no difference in 1 document\n"
    assert json.loads(run("diff", file, "--json", key="sx_reader"))["hidden"] == ["Channel"]
    written = run("export", tmp_path / "out", key="sx_reader")
    assert written.startswith("note: left out: channels, routes; only an admin sees them\n")
