"""The command line as a process: its words and its exit codes."""

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from tests.support.service import Service


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("check", "nyc", "public.airports", "--wait"), 0),
        (("check", "nyc", "public.airlines"), 0),
        (("check", "nyc", "public.flights", "--wait"), 1),
        (("check", "nyc", "public.flights", "--wait", "--rule", "flight_key"), 0),
        (("check", "--wait", "nyc", "public.planes"), 0),
        (("check", "nyc", "public.airports", "--wait", "90", "--kind", "engineering", "--dimension", "uniqueness"), 0),
        (
            (
                "check",
                "nyc",
                "public.flights",
                "--wait",
                "90",
                "--window",
                "time_hour",
                "--from",
                "2013-06-01",
                "--rule",
                "flight_key",
            ),
            0,
        ),
        (("check", "nyc", "public.flights", "--wait", "--window", "time_hour"), 2),
        (("check", "nyc", "public.airports", "--kind", "other"), 2),
        (("gate", "nyc", "public.airports", "--wait"), 0),
        (("gate", "--wait", "nyc", "public.flights"), 1),
        (("gate", "nyc", "public.airports", "--wait", "1", "--not-before", "2100-01-01T00:00:00Z"), 3),
        (("gate", "nyc", "public.flights"), 1),
        (("gate", "nyc", "public.airports", "--not-before", "2100-01-01T00:00:00Z"), 1),
        (("gate", "nyc", "public.airports", "--not-before", "soon"), 2),
        (("gate", "nyc", "public.nowhere"), 2),
        (("gate", "nyc"), 2),
        (("check", "nyc", "public.airports", "--rule", "nope"), 2),
        (("nonsense",), 2),
        (("--server", "http://127.0.0.1:9", "gate", "nyc", "public.airports"), 3),
        (("rules", "apply", "rules/nyc.yml", "--dry-run"), 0),
        (("rules", "try", "rules/nyc.yml"), 1),
        (("rules", "try", "rules/nyc.yml", "--rule", "carrier_unique", "--rule", "faa_unique"), 0),
        (("rules", "try", "rules/nyc.yml", "--rule", "nope"), 2),
        (("check", "nyc", "--all"), 1),
        (("check", "nyc", "--all", "--rule", "carrier_unique"), 0),
        (("check", "nyc", "--all", "--rule", "nope"), 2),
        (("tables", "list", "--target", "nyc"), 0),
        (("--help",), 0),
    ],
)
def test_the_exit_code_is_the_answer(service: Service, arguments: tuple[str, ...], code: int) -> None:
    done = service.dataops_command(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == (1 if code > 1 else 0)


def test_the_gate_of_a_request_that_was_just_asked_for_is_waited_for(service: Service) -> None:
    asked = service.dataops_command("check", "nyc", "public.airports", "--request-id", "load 1", "--json")
    assert (asked.returncode, json.loads(asked.stdout)["request_id"]) == (0, "load 1")
    done = service.dataops_command("gate", "nyc", "public.airports", "--request-id", "load 1", "--wait", "60", "--json")
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (0, "pass")
    again = service.dataops_command("check", "nyc", "public.airports", "--request-id", "load 1", "--json")
    assert json.loads(again.stdout)["checks"][0]["check_id"] == json.loads(done.stdout)["check_id"], "the same request"


def test_the_rules_that_did_not_pass_are_told(service: Service) -> None:
    done = service.dataops_command("check", "nyc", "public.flights", "--wait")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("public.flights: fail (request ")
    assert "  fail   dep_time_not_null: 8,255 of 336,776 rows (2.45%) have no dep_time; fails above 2%" in lines
    assert not any("flight_key" in line for line in lines)


def test_all_tables_are_checked_and_one_of_the_checks_is_repeated_by_hand(service: Service, tmp_path: Path) -> None:
    done = service.dataops_command("check", "nyc", "--all", "--wait", "90", "--json", "--junit", str(tmp_path / "x.xml"))
    views = {view["table"]: view for view in map(json.loads, done.stdout.splitlines())}
    assert (done.returncode, len(views), {view["status"] for view in views.values()}) == (1, 5, {"succeeded"})
    suites = {suite.get("name"): suite for suite in Xml.parse(tmp_path / "x.xml").getroot()}
    assert suites.keys() == {f"nyc.{table}" for table in views}
    assert {name for name, suite in suites.items() if suite.get("failures") != "0"} == {"nyc.public.flights"}
    password = (Path(service.environment["STRINGX_HOME"]) / "secrets" / "nyc").read_text().strip()
    check_id = views["public.planes"]["checks"][0]["check_id"]
    again = service.dataops_command("repeat", check_id, DBT_ENV_SECRET_TARGET_PASSWORD=password)
    assert (again.returncode, again.stdout.splitlines()[-2:]) == (
        0,
        ["public.planes: warn", "  warn   speed_not_null, 3299 failures of 3322"],
    ), again.stdout
    assert views["public.planes"]["checks"][0]["dbt"]["command"] in again.stdout
    assert password not in again.stdout + again.stderr


def test_a_wrong_key_is_named(service: Service) -> None:
    done = service.dataops_command("gate", "nyc", "public.airports", STRINGX_API_KEY="wrong")
    assert done.returncode == 3
    assert "STRINGX_API_KEY" in done.stderr


def test_json_is_the_answer_of_the_api(service: Service) -> None:
    done = service.dataops_command("gate", "nyc", "public.airports", "--json")
    found, asked = json.loads(done.stdout), service.gate("public.airports")
    assert {**found, "age_s": 0} == {**asked, "age_s": 0}


def test_a_bad_file_is_told_by_file_line_and_rule(service: Service, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yml", tmp_path / "bad.yml"
    good.write_text("apiVersion: stringx/v1\ntarget: nyc\ntable: public.airlines\nowner: nobody\n")
    bad.write_text(
        "apiVersion: stringx/v1\ntarget: nyc\ntable: public.a\n---\n"
        "apiVersion: stringx/v1\ntarget: nyc\ntable: b\nrules:\n  - {id: x, type: uniqe, column: c}\n"
    )
    done = service.dataops_command("rules", "apply", str(good), str(bad))
    assert done.returncode == 2
    assert f"{bad}:7:1: table: " in done.stderr
    assert f"{bad}:9:13: rule x: type: 'uniqe' is no rule type; did you mean unique?" in done.stderr
    stored = service.call("GET", f"{service.backend}/api/v1/tables/nyc/public.airlines").json()
    assert stored.get("owner") != "nobody", "nothing was applied"


def test_a_trial_prints_every_rule_of_the_file_and_moves_nothing(service: Service, tmp_path: Path) -> None:
    before = [service.gate("public.airlines"), service.gate("public.flights")]
    file = tmp_path / "rules.yml"
    file.write_text(
        "apiVersion: stringx/v1\nkind: RuleSet\nname: tried\ntarget: nyc\ntables: [public.air*]\nrules:\n"
        "  - {id: named, type: not_null, column: name}\n"
        "---\nkind: Target\nname: nyc\n---\napiVersion: stringx/v1\ntarget: nyc\ntable: public.airlines\nrules:\n"
        "  - {id: short, type: length, column: name, arguments: {max: 10}}\n"
        "  - {id: missing, type: not_null, column: nowhere}\n  - {id: unique, type: unique, column: carrier}\n"
    )
    done = service.dataops_command("rules", "try", str(file))
    first, *lines = done.stdout.splitlines()
    assert (done.returncode, first.startswith("public.airlines: fail (trial ")) == (1, True)
    assert lines == [
        "  fail   short: 15 of 16 rows (93.75%) have a name that is too short or too long; fails above 0",
        '  error  missing: could not be decided: column "nowhere" does not exist',
        "  pass   unique: 0 of 16 rows repeat an earlier carrier",
        "  pass   tried.named: 0 of 16 rows have no name",
    ]
    of_set = service.dataops_command("rules", "try", str(file), "--rule", "tried.named")
    assert (of_set.returncode, len(of_set.stdout.splitlines())) == (0, 2)
    undecided = service.dataops_command("rules", "try", str(file), "--rule", "missing", "--json")
    assert (undecided.returncode, json.loads(undecided.stdout)["trial"]) == (3, True)
    file.write_text(file.read_text().replace("type: unique,", "type: uniqe,"))
    refused = service.dataops_command("rules", "try", str(file))
    assert f"{file}:18:18: rule unique: type: 'uniqe' is no rule type; did you mean unique?" in refused.stderr
    after = [service.gate("public.airlines"), service.gate("public.flights")]
    assert [gate | {"age_s": None} for gate in after] == [gate | {"age_s": None} for gate in before]
