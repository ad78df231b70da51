"""The command line as a process: its words and its exit codes."""

import json
from pathlib import Path

import pytest

from tests.acceptance.conftest import Service


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("check", "nyc", "public.airports", "--wait"), 0),
        (("check", "nyc", "public.airlines"), 0),
        (("check", "nyc", "public.flights", "--wait"), 1),
        (("check", "nyc", "public.flights", "--wait", "--rule", "flight_key"), 0),
        (("gate", "nyc", "public.airports", "--wait"), 0),
        (("gate", "nyc", "public.flights"), 1),
        (("gate", "nyc", "public.airports", "--not-before", "2100-01-01T00:00:00Z"), 1),
        (("gate", "nyc", "public.airports", "--not-before", "soon"), 2),
        (("gate", "nyc", "public.nowhere"), 2),
        (("gate", "nyc"), 2),
        (("check", "nyc", "public.airports", "--rule", "nope"), 2),
        (("nonsense",), 2),
        (("--server", "http://127.0.0.1:9", "gate", "nyc", "public.airports"), 3),
        (("rules", "apply", "rules/nyc.yml", "--dry-run"), 0),
        (("--help",), 0),
    ],
)
def test_the_exit_code_is_the_answer(service: Service, arguments: tuple[str, ...], code: int) -> None:
    done = service.dataops_command(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == (1 if code > 1 else 0)


def test_a_wrong_key_is_named(service: Service) -> None:
    done = service.dataops_command("gate", "nyc", "public.airports", STRINGX_API_KEY="wrong")
    assert done.returncode == 3
    assert "STRINGX_API_KEY" in done.stderr


def test_json_is_the_answer_of_the_api(service: Service) -> None:
    done = service.dataops_command("gate", "nyc", "public.airports", "--json")
    found, asked = json.loads(done.stdout), service.gate("public.airports")
    assert {**found, "age_s": 0} == {**asked, "age_s": 0}


def test_a_bad_file_is_told_by_file_document_and_pointer(service: Service, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yml", tmp_path / "bad.yml"
    good.write_text("apiVersion: stringx/v1\ntarget: nyc\ntable: public.airlines\nowner: nobody\n")
    bad.write_text(
        "apiVersion: stringx/v1\ntarget: nyc\ntable: public.a\n---\n"
        "apiVersion: stringx/v1\ntarget: nyc\ntable: b\nrules:\n  - {id: x, type: uniqe, column: c}\n"
    )
    done = service.dataops_command("rules", "apply", str(good), str(bad))
    assert done.returncode == 2
    assert f"{bad}: document 2: /table: " in done.stderr
    assert f"{bad}: document 2: /rules/0/type: 'uniqe' is no rule type; did you mean unique?" in done.stderr
    stored = service.call("GET", f"{service.backend}/api/v1/tables/nyc/public.airlines").json()
    assert stored.get("owner") != "nobody", "nothing was applied"
