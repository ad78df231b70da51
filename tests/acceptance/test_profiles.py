"""`dataops profile` on the demo: measured, printed, and a document with suggested rules that says yes to the data."""

import json
from pathlib import Path

import yaml

from tests.support.service import Service


def test_a_profile_is_printed_a_line_per_column(service: Service) -> None:
    done = service.dataops_command("profile", "nyc", "public.airlines")
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    assert head.startswith("nyc/public.airlines: 16 rows, 2 columns, ")
    assert [line.split()[0] for line in lines[:2]] == ["carrier", "name"]
    assert "key: carrier" in done.stdout


def test_the_answer_is_printed_as_it_is(service: Service) -> None:
    done = service.dataops_command("profile", "nyc", "public.airlines", "--columns", "name", "--show", "name", "--json")
    found = json.loads(done.stdout)
    assert [(column["name"], column["distinct"], column["values_hidden"]) for column in found["profile"]["columns"]] == [
        ("name", 16, False)
    ]


def test_a_profile_is_shown_without_a_verdict(service: Service) -> None:
    done = service.dataops_command("profile", "nyc", "public.airlines", "--json")
    request_id = json.loads(done.stdout)["request_id"]
    shown = service.dataops_command("requests", "show", request_id)
    assert shown.stdout.splitlines()[0].startswith(f"public.airlines: succeeded (profile {request_id})"), shown.stdout


def test_what_cannot_be_measured_is_said(service: Service) -> None:
    done = service.dataops_command("profile", "nyc", "public.nothing")
    assert (done.returncode, 'relation "public.nothing" does not exist' in done.stdout) == (3, True)
    done = service.dataops_command("profile", "nowhere", "public.airlines")
    assert (done.returncode, "there is no target nowhere" in done.stderr) == (2, True)


def test_suggested_rules_are_written_below_those_of_the_document_and_fit(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "airports.yml"
    done = service.dataops_command("profile", "nyc", "public.airports", "--suggest", str(file))
    assert done.returncode == 0, done.stderr
    text = file.read_text()
    found = yaml.safe_load(text)
    stored = service.call("GET", f"{service.backend}/api/v1/tables/nyc/public.airports").json()
    known = [rule["id"] for rule in stored["rules"]]
    assert [rule["id"] for rule in found["rules"]][: len(known)] == known
    assert len(found["rules"]) > len(known) + 3
    assert text.count("\n  # ") >= len(found["rules"]) - len(known)
    done = service.dataops_command("rules", "try", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    file.write_text(f"# mine\n{text}")
    done = service.dataops_command("profile", "nyc", "public.airports", "--suggest", str(file))
    assert (done.returncode, file.read_text()) == (0, f"# mine\n{text}"), "the same table again adds nothing"
    before = file.read_text()
    done = service.dataops_command("profile", "nyc", "public.airlines", "--suggest", str(file))
    assert (done.returncode, file.read_text()) == (2, before)
    assert "holds something else than the document of public.airlines" in done.stderr
