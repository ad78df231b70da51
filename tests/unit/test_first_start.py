"""What the first start makes of the Backend's answers."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from launch.backend import FirstStartClient, StepError
from stringx_dataops.contract.settings import read_settings
from tests.support.stranger import SENSELESS, Stranger, answer

PASSED = {"status": "succeeded", "verdict": "pass", "checks": [{"counts": {"pass": 1}, "rules": [{"status": "pass", "id": "a"}]}]}


@contextmanager
def backend(home: Path, answers: Sequence[bytes]) -> Iterator[FirstStartClient]:
    (home / "api-key").write_text("key")
    stranger = Stranger(answers)
    url = f"http://127.0.0.1:{stranger.port}"
    yield FirstStartClient(replace(read_settings({"STRINGX_HOME": str(home)}), backend_url=url, dataops_url=url))
    stranger.close()


def test_a_document_that_is_not_there_is_none(tmp_path: Path) -> None:
    with backend(tmp_path, [answer('{"detail": "no target"}', 404), answer('{"name": "nyc"}')]) as made:
        assert made.target("nyc") is None
        assert made.target("nyc") == {"name": "nyc"}


def test_a_refusal_says_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    errors = [{"pointer": f"/{n}", "message": "is wrong"} for n in range(4)]
    problem = json.dumps({"title": "Invalid", "detail": "4 faults", "errors": errors})
    with backend(tmp_path, [answer(problem, 422), answer("<html>", 502, "text/html"), answer("{}")]) as made:
        assert made.refusal("a: 1") == "4 faults; /0: is wrong; /1: is wrong; /2: is wrong"
        assert made.refusal("a: 1") == "502 Bad Gateway"
        assert made.refusal("a: 1") is None


def test_a_check_that_outlasts_its_request_is_waited_for(tmp_path: Path) -> None:
    accepted = answer('{"status": "queued"}', 202, Location="/api/v1/requests/r")
    said = [accepted, answer('{"status": "running"}'), answer(json.dumps(PASSED)), answer('{"gate": "open"}')]
    with backend(tmp_path, said) as made:
        verdict = made.check("nyc", "public.flights")
    assert (verdict.verdict, verdict.gate, verdict.counts) == ("pass", "open", {"pass": 1})


def test_services_that_are_not_ready_say_why(tmp_path: Path) -> None:
    ready, broken = answer('{"status": "ready"}'), answer('{"reasons": ["no worker", "the dbt project is broken"]}', 503)
    reason = "DataOps is not ready: no worker; the dbt project is broken"
    with backend(tmp_path, [ready, ready, broken]) as made, pytest.raises(StepError, match=reason):
        made.wait_until_accepting()
    with backend(tmp_path, [broken]) as made, pytest.raises(StepError, match=reason):
        made.wait()


def test_checks_are_asked_for_while_dbt_is_still_loading(tmp_path: Path) -> None:
    ready, loading = answer('{"status": "ready"}'), answer('{"reasons": ["no warm worker"]}', 503)
    with backend(tmp_path, [ready, ready, loading]) as made:
        made.wait_until_accepting()
    with backend(tmp_path, [loading, ready]) as made:
        made.wait()


def test_every_senseless_answer_is_a_step_that_failed_in_one_line(tmp_path: Path) -> None:
    lines = []
    with backend(tmp_path, SENSELESS[:-1]) as made:
        for _ in SENSELESS[:-1]:
            try:
                assert isinstance(made.target("nyc"), dict | None)
            except StepError as fault:
                lines.append(str(fault))
    assert len(lines) >= 20
    assert not any("\n" in line for line in lines)


def test_a_key_that_no_header_can_hold_is_a_line_for_people(tmp_path: Path) -> None:
    (tmp_path / "api-key").write_text("a b")
    with pytest.raises(StepError, match=r"the key from .*api-key holds a character that no key has; copy it again"):
        FirstStartClient(read_settings({"STRINGX_HOME": str(tmp_path)}))
