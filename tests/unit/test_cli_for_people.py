"""What the command line does for people at a terminal, and for the programs that read its files."""

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import click
import pytest

from stringx_dataops import Refused, Undecided
from stringx_dataops.answers import Progress
from stringx_dataops.cli import channels, findings, incidents, junit, output, progress, render, repeat, terminal
from stringx_dataops.cli.lazy import LazyGroup
from stringx_dataops.cli.main import cli
from stringx_dataops.cli.terminal import Column
from stringx_dataops.contract.documents import routes
from stringx_dataops.contract.settings import ROOT
from tests.support.cli import run

RULE: dict[str, Any] = {"id": "r", "type": "not_null", "status": "fail", "message": "3 of 10 rows have no c; fails above 0"}
WAIVED = {"by": "ann", "until": "2026-12-31T00:00:00Z", "reason": "known\x1b[31m"}
COUNTS = {"pass": 0, "warn": 0, "fail": 1, "error": 0}
SAMPLE = {"columns": ["k", "值"], "rows": [[1, None], [2, "a\x1b]0;x\x07"]], "cut": True}


def request(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    check = {"check_id": "c", "counts": COUNTS, "duration_ms": 1500, "rules": list(rules), "reason": None}
    told = {"request_id": "7", "target": "nyc", "table": "public.a", "status": "succeeded", "verdict": "fail", "checks": [check]}
    return told | {"created_at": "2026-01-31T06:00:00Z", "reason": None} | fields


def commands() -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    groups: list[tuple[str, click.Group]] = [("dataops", cli)]
    for name, group in groups:
        context = click.Context(group)
        for each in group.list_commands(context):
            command = group.get_command(context, each)
            assert command is not None
            if isinstance(command, click.Group):
                groups.append((f"{name} {each}", command))
            else:
                found.append((f"{name} {each}", command))
    return found


def test_every_command_shows_an_example_of_itself_that_fits() -> None:
    for name, command in commands():
        lines = command.get_help(click.Context(command, info_name=name)).splitlines()
        examples = [line for line in lines if line.startswith("    dataops ") or "dataops completion" in line]
        assert any(line.strip().startswith(name) or f"({name}" in line for line in examples), name
        assert all(len(line) <= 80 for line in lines), name


@pytest.mark.parametrize(
    ("choice", "variables", "expected"),
    [
        ("auto", {}, None),
        ("auto", {"NO_COLOR": "1"}, False),
        ("auto", {"NO_COLOR": ""}, None),
        ("auto", {"TERM": "dumb"}, False),
        ("auto", {"CLICOLOR": "0"}, False),
        ("auto", {"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True),
        ("auto", {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
        ("auto", {"CLICOLOR_FORCE": "0"}, None),
        ("always", {"NO_COLOR": "1"}, True),
        ("never", {"CLICOLOR_FORCE": "1"}, False),
    ],
)
def test_colours_are_decided_by_the_option_and_the_usual_variables(
    choice: str, variables: dict[str, str], expected: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert terminal.color_by(choice) is expected


KINDS = (Column("state", is_state=True), Column("name", keeps_end=True, least=6), Column("at", is_time=True, drops=1))
KINDS += (Column("tags"), Column("why", least=8))
ROWS = [("closed", "public.orders", "2026-01-31T06:00:00.5Z", "", "3 rows\nhave no \x1b[1mc"), ("open", "public.b", "", "", "")]


@pytest.mark.parametrize(
    ("screen", "lines"),
    [
        (
            None,
            [
                "closed  public.orders  2026-01-31T06:00:00.5Z    3 rows have no \\x1b[1mc",
                "open    public.b",
            ],
        ),
        (
            60,
            [
                "state   name           at                why",
                "closed  public.orders  2026-01-31 06:00  3 rows have no \\x1…",
                "open    public.b",
            ],
        ),
        (30, ["state   name          why", "closed  …blic.orders  3 rows …", "open    public.b"]),
        (24, ["state   name    why", "closed  …rders  3 rows …", "open    …lic.b"]),
    ],
)
def test_lists_fit_the_terminal_and_lose_nothing_elsewhere(
    screen: int | None, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "screen_width", lambda: screen)
    shown = terminal.columns(KINDS, ROWS)
    assert [click.unstyle(line) for line in shown] == lines
    assert "\x1b[31m" in "".join(shown), "closed is red, where colours are not taken away"
    assert terminal.columns(KINDS, []) == []


def test_a_person_is_told_that_a_list_is_empty_and_a_program_reads_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output.show_list([], "no incident")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    output.show_list([], "no incident")
    assert capsys.readouterr() == ("", "dataops: no incident\n")


def test_an_open_incident_is_red_and_an_open_gate_is_green() -> None:
    assert terminal.state("open") == click.style("open", fg="green", bold=False)
    (line,) = terminal.columns([Column("state", is_state=True, colors=incidents.COLORS)], [("open",)])
    assert line == click.style("open", fg="red", bold=True)


def test_routes_that_do_not_say_when_are_told_of_the_usual() -> None:
    assert channels.USUAL == routes.USUAL


def test_lines_are_broken_between_words_and_wide_characters_count_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "screen_width", lambda: 20)
    folded = terminal.folded(f"  {click.style('fail', fg='red')}  rule: three of ten rows", 4)
    assert click.unstyle(folded) == "  fail  rule: three\n    of ten rows"
    assert terminal.cut("表表表", 5) == "表表…"
    assert terminal.width_of("é") == 1


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        ({"measured": 12.5}, ["measured: 12.5"]),
        ({"measured": 3, "failures": 3}, []),
        ({"measured": None, "measured_hidden": True}, [findings.HIDDEN]),
        ({"message": "call us", "finding": "3 rows; fails above 0"}, ["3 rows; fails above 0"]),
        ({"owner": "ann", "runbook": "https://x/y"}, ["owner: ann; runbook: https://x/y"]),
        ({"waived": WAIVED, "status": "warn"}, ["waived by ann until 2026-12-31T00:00:00Z: known\\x1b[31m"]),
        ({"sample_dropped": True}, ["failing rows were left out, because the result would have been too large"]),
        ({"sample": SAMPLE}, ["k  值", "1  NULL", "2  a\\x1b]0;x\\x07", "… further rows were left out for lack of space"]),
        ({"sample": SAMPLE | {"rows": [[1, 2]] * 12}}, ["k  值", *["1  2"] * 10, "… and 2 more rows; --json has them"]),
        ({"sample": None, "sample_hidden": True}, [f"  {findings.NO_SAMPLES}"]),
    ],
)
def test_a_result_says_what_is_known_about_a_rule(rule: dict[str, Any], lines: list[str]) -> None:
    shown = click.unstyle(render.request(request(RULE | rule)))  # type: ignore[arg-type]
    first, head, *rest = shown.splitlines()
    mark = " (waived)" if "waived" in rule else ""
    assert (first, head) == (
        "public.a: fail (request 7), 0 of 1 rules pass, 1500 ms",
        f"  {rule.get('status', 'fail'):5}  r{mark}: {rule.get('message', RULE['message'])}",
    )
    assert [line.removeprefix(" " * 11) for line in rest] == lines


def test_a_profile_is_listed_without_a_verdict() -> None:
    profile = request(verdict="pass", trial=True, profile=True)
    line = re.sub(r"\x1b\[[0-9]+m", "", render.requests([profile])[-1])
    assert "succeeded" in line
    assert "pass" not in line
    assert line.split()[-2:] == ["7", "(profile)"]


def test_an_error_of_all_rules_is_said_once_with_their_number() -> None:
    gone = RULE | {"status": "error", "message": "could not be decided: there is no table t", "owner": "ann"}
    shown = render.request(request(gone, gone | {"id": "s"}, gone | {"id": "u", "owner": "bob"})).splitlines()[1:]
    assert [re.sub(r"\x1b\[[0-9]+m", "", line).strip() for line in shown] == [
        "error  all 3 rules: could not be decided: there is no table t",
        "owner: ann",
        "owner: bob",
    ]
    other = gone | {"id": "s", "message": "could not be decided: other"}
    assert "all 2 rules" not in render.request(request(gone, other))


@pytest.mark.parametrize(
    ("fields", "passed", "words"),
    [
        ({"phase": "queued", "position": 3}, 1, "waits at place 3 in the queue, 3 s"),
        ({"phase": "starting", "expected_s": 0.2}, 0, "starts, 2 s of about 1 s  [####################]"),
        ({"phase": "reading", "expected_s": 8.0}, 2, "reads the data, 4 s of about 8 s  [##########..........]"),
        ({"phase": "new in a later release"}, 0, "new in a later release, 2 s"),
    ],
)
def test_progress_is_told_with_the_time_that_has_passed_since(fields: dict[str, Any], passed: float, words: str) -> None:
    found = Progress.of({"phase": "", "position": None, "elapsed_s": 2.0, "expected_s": None} | fields)
    assert progress.words(found, passed) == words


@pytest.mark.parametrize(
    ("view", "outcomes"),
    [
        (request(RULE | {"message": "bad \x00\x1b\ud800 <&\"' row"}), {"r": "failure"}),
        (request(RULE | {"status": "error"}, verdict="error"), {"r": "error"}),
        (request(RULE | {"status": "warn"}, verdict="warn"), {"r": None}),
        (request(RULE | {"status": "warn", "waived": WAIVED}, verdict="warn"), {"r": "skipped"}),
        (request(RULE | {"shadow": True}, RULE | {"id": "s"}), {"r": "skipped", "s": "failure"}),
        (request(RULE | {"shadow": True}), {"r": "skipped"}),
        (request(RULE | {"status": "pass"}, verdict="fail", reason="the table is empty"), {"r": None, "check": "failure"}),
        (request(verdict="error", status="errored", reason="no such host"), {"check": "error"}),
        (request(verdict=None, status="running", checks=[]), {"check": "error"}),
        (request(verdict=None, status="canceled", checks=[]), {"check": "error"}),
        (request(verdict="pass"), {"check": None}),
    ],
)
def test_a_junit_file_says_of_each_rule_what_the_result_says(
    view: dict[str, Any], outcomes: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "results.xml"
    junit.write(str(file), [view])
    root = Xml.fromstring(file.read_bytes())
    assert_is_junit(root)
    found = {
        case.get("name"): next((o for o in ("failure", "error", "skipped") if case.find(o) is not None), None)
        for case in root.iter("testcase")
    }
    assert found == outcomes


def test_a_junit_file_has_a_suite_per_table_of_a_dataset(tmp_path: Path) -> None:
    tables = [{"table": name, "verdict": "fail", "reason": None, "counts": COUNTS, "rules": [RULE]} for name in ("s.a", "s.b")]
    view = request() | {"dataset": "d", "checks": [{"check_id": "c", "counts": COUNTS, "duration_ms": 5, "tables": tables}]}
    junit.write(str(tmp_path / "x.xml"), [view])
    root = Xml.parse(tmp_path / "x.xml").getroot()
    assert_is_junit(root)
    assert [suite.get("name") for suite in root] == ["nyc.s.a", "nyc.s.b"]
    with pytest.raises(Refused, match="there is no folder"):
        junit.require_folder(str(tmp_path / "no" / "x.xml"))
    with pytest.raises(Refused, match="cannot be written"):
        junit.write(str(tmp_path), [view])


def assert_is_junit(root: Xml.Element) -> None:
    """The rules that the schemas of Jenkins and of Ant's task have in common."""
    assert root.tag == "testsuites"
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in root:
        assert (suite.tag, bool(suite.get("name"))) == ("testsuite", True)
        cases = suite.findall("testcase")
        counted = {"tests": len(cases)} | {
            name: sum(case.find(tag) is not None for case in cases)
            for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
        }
        assert {name: int(suite.attrib[name]) for name in totals} == counted
        totals = {name: totals[name] + counted[name] for name in totals}
        assert float(suite.attrib["time"]) >= 0
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
        assert [child.tag for child in suite] == ["properties", *["testcase"] * len(cases)]
        for case in cases:
            assert case.get("name")
            assert case.get("classname")
            assert len([child for child in case if child.tag in ("failure", "error", "skipped")]) <= 1
            assert all(each.get("name") and each.get("value") is not None for each in case.iter("property"))
    assert {name: int(root.attrib[name]) for name in totals} == totals


GUARD = ": \"${DBT_ENV_SECRET_TARGET_PASSWORD?set it}\" && env STRINGX_TARGET_HOST=h PGREQUIREAUTH='!password' "
DBT = 'DBT_ENV_SECRET_TARGET_PASSWORD="${DBT_ENV_SECRET_TARGET_PASSWORD}" /x/dbt test --select gate --project-dir /p --profiles-dir /p'


def test_a_stored_command_is_taken_apart_and_anything_unusual_in_it_is_refused() -> None:
    command = repeat.taken_apart(f"{GUARD}{DBT} --vars '{{\"gate\": {{}}}}'")
    assert command.variables == {"STRINGX_TARGET_HOST": "h", "PGREQUIREAUTH": "!password"}
    assert command.options["--vars"] == '{"gate": {}}'
    for text in (
        "rm -rf /",
        f"{GUARD}{DBT} ; rm -rf /",
        f"{GUARD}LD_PRELOAD=/tmp/x.so {DBT}",
        f"{GUARD}PATH=/tmp {DBT}",
        f"{GUARD}{DBT.replace('/x/dbt', '/bin/sh')}",
        f"{GUARD}{DBT} --profile other",
        f"{GUARD}{DBT.replace('gate', 'all')}",
        f"{GUARD}{DBT} --vars 'unclosed",
    ):
        with pytest.raises(Undecided, match="not as expected"):
            repeat.taken_apart(text)


def test_what_runs_on_the_workers_machine_alone_is_refused_with_the_reason() -> None:
    for variable, words in (
        ("STRINGX_TARGET_READS", "a check of DuckDB reads files"), ("PYTHONPATH", "a check of Trino needs modules"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=f"{words} of the workers' machine; paste its command there"):
            repeat.taken_apart(f"env {variable}=x {DBT.partition(' ')[2]} --vars '{{}}'")


def test_what_cannot_be_repeated_is_one_line_after_the_command(serve: Callable[..., str]) -> None:
    text = f"{GUARD}{DBT} --vars '{{}}'"
    server = serve((200, request() | {"checks": [{"check_id": "c", "dbt": {"command": text}}]}))
    done = run("--server", server, "repeat", "7")
    assert (done.returncode, done.stdout) == (2, f"{text}\n")
    assert done.stderr == "dataops: set DBT_ENV_SECRET_TARGET_PASSWORD to the password of the target (empty if it needs none)\n"
    assert run("--server", server, "repeat", "7", "--print").returncode == 0
    done = run(
        "--server", serve((200, request() | {"checks": [{"check_id": "c", "dbt": None, "reason": "canceled"}]})), "repeat", "7"
    )
    assert (done.returncode, done.stderr) == (2, "dataops: check c has no dbt command: canceled\n")


@pytest.mark.parametrize(
    ("status", "told"), [(404, {"detail": "no"}), (200, {"dashboard": None}), (200, {"dashboard": "file:///x"})]
)
def test_pages_are_at_the_backend_where_no_other_address_is_known(
    serve: Callable[..., str], status: int, told: dict[str, Any]
) -> None:
    server = serve((status, told), (200, {"table": "public.a", "rules": []}))
    done = run("--server", server, "open", "nyc", "public.a")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{server}/tables/nyc/public.a\n", "")


def completed(words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1), "_DATAOPS_COMPLETE": "bash_complete"}
    return run(**asked, **variables)


def test_completion_names_what_the_backend_has_and_is_silent_otherwise(serve: Callable[..., str], tmp_path: Path) -> None:
    targets = {"items": [{"kind": "Target", "name": "nyc"}, {"kind": "Table", "target": "nyc"}], "next_cursor": "more"}
    tables = {"items": [{"table": "public.a"}, {"table": "public.b"}, {"table": "other.public"}], "next_cursor": None}
    rules = {"rules": [{"id": "r1"}, {"id": "other"}]}
    for words, answer, lines in (
        ("dataops check ", targets, ["nyc"]),
        ("dataops gate nyc public", tables, ["public.a", "public.b"]),
        ("dataops waive nyc public.a r", rules, ["r1"]),
        ("dataops requests list --verdict e", {}, ["error"]),
        ("dataops check nyc public.a --rule r", rules, ["r1"]),
        ("dataops wai", {}, ["waive", "waivers"]),
        ("dataops rules show --route c", {"items": [{"name": "core"}, {"name": "all"}], "next_cursor": None}, ["core"]),
    ):
        done = completed(words, STRINGX_BACKEND_URL=serve((200, answer)))
        assert (done.returncode, done.stdout.split(), done.stderr) == (0, [f"plain,{line}" for line in lines], ""), words
    silent = socket.create_server(("127.0.0.1", 0))  # takes the connection and never answers
    for variables in (
        {"STRINGX_BACKEND_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"},
        {"STRINGX_BACKEND_URL": "http://127.0.0.1:9"},
        {"STRINGX_BACKEND_URL": "x"},
        {"STRINGX_API_KEY": "", "STRINGX_HOME": str(tmp_path)},
        {"STRINGX_BACKEND_URL": serve((401, {"detail": "no"}))},
        {"STRINGX_BACKEND_URL": serve((200, {"items": 7}))},
    ):
        done = completed("dataops check ", **variables)
        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", ""), variables
    silent.close()


@pytest.mark.parametrize(
    ("shell", "words"), [("bash", "complete -o nosort -F"), ("zsh", "#compdef dataops"), ("fish", "complete --no-files")]
)
def test_the_script_of_a_shell_is_printed(shell: str, words: str) -> None:
    done = run("completion", shell)
    assert (done.returncode, done.stderr, words in done.stdout) == (0, "", True)
    assert "_DATAOPS_COMPLETE" in done.stdout


def test_somebody_at_a_terminal_sees_progress_and_colours_and_nothing_of_it_is_left(serve: Callable[..., str]) -> None:
    seen = threading.Event()
    running = request() | {"status": "running", "verdict": None, "checks": []}
    running["progress"] = {"phase": "reading", "position": None, "elapsed_s": 1.0, "expected_s": 4.0}

    def ended(_: BaseHTTPRequestHandler) -> dict[str, Any]:
        assert seen.wait(30)
        return request(RULE)

    server = serve((202, running), (200, ended))
    screen, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "STRINGX_API_KEY": "sx_key", "TERM": "xterm"}
    command = [sys.executable, "-c", "from stringx_dataops.cli.main import main; main()", "--server", server]
    process = subprocess.Popen(
        [*command, "check", "nyc", "public.a", "--wait"], env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    output = b""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if not select.select([screen], [], [], 1)[0]:
            continue
        try:
            output += os.read(screen, 10_000)
        except OSError:  # the other end is closed
            break
        if b"reads the data" in output:
            seen.set()
    os.close(screen)
    assert process.wait(30) == 1
    shown, _, result = output.decode().rpartition("\r\x1b[K")
    assert "public.a: reads the data, 1 s of about 4 s  [#" in shown
    assert "\x1b[1m" in result
    assert "\x1b[31m" in result
    assert click.unstyle(result).splitlines()[0] == "public.a: fail (request 7), 0 of 1 rules pass, 1500 ms"


def test_an_interrupted_check_of_all_tables_ends(serve: Callable[..., str]) -> None:
    asked = threading.Event()

    def running(_: BaseHTTPRequestHandler) -> dict[str, Any]:
        asked.set()
        return request() | {"status": "running", "verdict": None, "checks": []}

    server = serve((200, {"items": [{"table": "public.a"}], "next_cursor": None}), (200, running))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "STRINGX_API_KEY": "sx_key"}
    command = [
        sys.executable,
        "-c",  # what is started in the background by a script ignores SIGINT
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from stringx_dataops.cli.main import main; main()",
        "--server",
        server,
        "check",
        "nyc",
        "--all",
    ]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert asked.wait(30)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, b"")


def test_colours_stay_out_of_pipes_and_of_json(serve: Callable[..., str]) -> None:
    server = serve((200, request(RULE)))
    assert "\x1b" not in run("--server", server, "requests", "show", "7").stdout
    assert "\x1b[31m" in run("--server", server, "--color", "always", "requests", "show", "7").stdout
    done = run("--server", server, "requests", "show", "7", "--json", CLICOLOR_FORCE="1")
    assert ("\x1b" in done.stdout, json.loads(done.stdout)["request_id"]) == (False, "7")


def test_groups_are_completed_without_importing_their_commands() -> None:
    assert isinstance(cli, LazyGroup)
    found = cli.shell_complete(click.Context(cli), "ga")
    assert [(each.value, each.help) for each in found] == [(name, cli.lazy[name][1]) for name in ("gate", "gate-verify")]


def test_an_incident_of_a_dataset_names_a_rule_that_many_tables_have_once() -> None:
    assert incidents._rules({"kind": "closed", "rules": [{"id": "a"}, {"id": "b"}, {"id": "a"}]}) == "a, b"


def test_groups_stand_below_their_rule_the_five_worst_of_those_that_did_not_pass() -> None:
    groups: list[dict[str, Any]] = [
        {"key": {"shop": f"s{n}\x1b", "day": None}, "failures": 9 - n, "total": 10, "measured": None, "status": "fail"}
        for n in range(7)
    ]
    groups[1] |= {"key": None, "failures": None, "measured": 1.5, "change": "missing"}
    groups.append({"key": {"shop": "fine", "day": "1"}, "failures": 0, "total": 10, "measured": None, "status": "pass"})
    found = list(findings.lines({"rules": [RULE | {"groups": groups, "group_count": 90, "groups_failing": 30}]}, passed=False))  # type: ignore[typeddict-item]
    words = [click.unstyle(line).strip() for line in found[1:]]
    assert words[:2] == [
        "fail   shop = s0\\x1b, day = NULL: 9 of 10",
        "fail   a group (its columns are neither in key nor in sample_columns): measured 1.5 (missing)",
    ]  # fmt: skip
    assert (len(words), words[-1]) == (6, "… and 25 more")
    passed = list(
        findings.lines(
            {"rules": [RULE | {"status": "pass", "groups": groups[-1:], "group_count": 9, "groups_failing": 0}]}, passed=True
        )
    )  # type: ignore[typeddict-item]
    assert [line.strip() for line in passed[1:]] == []


def test_what_is_usual_is_said_once() -> None:
    baseline = {"words": "compared with 120 of 2026-11-30 06:00 UTC", "learning": None}
    for message, number in [(f"the number of rows is 7; {baseline['words']}", 1), ("few rows", 2)]:
        found = list(findings.lines({"rules": [RULE | {"message": message, "baseline": baseline}]}, passed=False))  # type: ignore[typeddict-item]
        assert (len(found), "\n".join(found).count(baseline["words"])) == (number, 1)
