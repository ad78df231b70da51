"""The command line against servers that are not there, not ours, or just starting; the real one is in acceptance/test_cli.py."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from stringx_dataops.contract.settings import ROOT
from tests.support.cli import FAILED, GATE, PENDING, assert_one_line, run


def test_a_command_without_its_arguments_is_one_line() -> None:
    for command in ("check", "gate"):
        done = run(command)
        assert (done.returncode, done.stderr) == (2, "dataops: Missing argument 'TARGET'.; see dataops --help\n")


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "words"),
    [
        ([], {"STRINGX_BACKEND_URL": "x"}, 2, "the server is 'x'"),
        ([], {"STRINGX_BACKEND_URL": "http://["}, 2, "the server is"),
        (["--server", "http://127.0.0.1:99999"], {}, 2, "the server is"),
        (["--server", "http://127.0.0.1:9"], {}, 3, "nothing answers at http://127.0.0.1:9"),
        ([], {"STRINGX_API_KEY": "schlüssel€"}, 2, "key from STRINGX_API_KEY holds a character"),
        ([], {"STRINGX_API_KEY": "a\nb"}, 2, "key from STRINGX_API_KEY holds a character"),
        ([], {"STRINGX_API_KEY": "", "STRINGX_HOME": "/nowhere"}, 2, "no key: set STRINGX_API_KEY or STRINGX_API_KEY_FILE"),
        ([], {"STRINGX_API_KEY": "", "STRINGX_API_KEY_FILE": "/nowhere"}, 2, "STRINGX_API_KEY_FILE: cannot read /nowhere"),
        ([], {"STRINGX_API_KEY": "a", "STRINGX_API_KEY_FILE": "/nowhere"}, 2, "keep one"),
        ([], {"STRINGX_API_KEY": "", "STRINGX_HOME": "~nobody-of-that-name"}, 2, "STRINGX_HOME"),
    ],
)
def test_what_is_missing_is_one_line(arguments: list[str], variables: dict[str, str], code: int, words: str) -> None:
    assert_one_line(run(*arguments, "gate", "nyc", "public.a", **variables), code, words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gate", "nyc"], "Missing argument 'TABLE', or --dataset NAME"),
        (["check", "nyc"], "Missing argument 'TABLE', or --dataset NAME"),
        (["check", "nyc", "public.a", "--dataset", "d"], "TABLE and --dataset are both given; keep one"),
        (["gate", "nyc", "public.a", "--dataset", "d"], "TABLE and --dataset are both given; keep one"),
        (["gate", "nyc", "--dataset"], "--dataset"),
        (["gate", "nyc", "--dataset="], "Missing argument 'TABLE', or --dataset NAME"),
        (["gate", "nyc", b"a\xff.b"], "an argument is not UTF-8"),
        (["gate", "nyc", "public.a", "--wait", "0"], "--wait"),
        (["check", "nyc", "public.a", "--wait=soon"], "--wait"),
        (["rules", "apply"], "Missing argument 'PATH...'"),
        (["rules", "apply", "/nowhere.yml"], "/nowhere.yml:1:1: cannot be read (No such file or directory)"),
        (["rules", "apply", "rules", "--prune"], "say which with --source NAME"),
        (["rules", "try"], "Missing argument 'PATH...'"),
        (["rules", "try", "/nowhere.yml"], "/nowhere.yml:1:1: cannot be read (No such file or directory)"),
        (["nonsense"], "No such command 'nonsense'"),
    ],
)
def test_usage_is_one_line(arguments: list[str], words: str) -> None:
    assert_one_line(run(*arguments), 2, words)


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        ("kind: Target\nname: shop", (), "the files hold no table; only documents of tables can be tried"),
        ("table: public.a\nrules: [{id: a}, 1]", ("--rule", "a", "--rule", "b"), "no table of the files has a rule 'b'"),
        ("table: public.a\nrules: 7", ("--rule", "a"), "no table of the files has a rule 'a'"),
        ("table: public.a", ("--wait", "0"), "Invalid value for '--wait'"),
    ],
)
def test_what_cannot_be_tried_is_one_line_and_nothing_is_sent(
    tmp_path: Path, text: str, arguments: tuple[str, ...], words: str
) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(text)
    assert_one_line(run("--server", "http://127.0.0.1:9", "rules", "try", str(file), *arguments), 2, words)


def test_a_file_that_begins_with_a_byte_order_mark_is_read_or_refused_by_its_name(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    text = "apiVersion: stringx/v1\ntarget: shop\ntable: public.a\n"
    (tmp_path / "a.yml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    (tmp_path / "b.yml").write_bytes(text.encode("utf-16"))
    server = serve((200, {"dry_run": False, "changes": []}))
    assert run("--server", server, "rules", "apply", str(tmp_path / "a.yml"), str(tmp_path / "a.yml")).returncode == 0
    done = run("--server", server, "rules", "apply", str(tmp_path / "a.yml"), str(tmp_path / "b.yml"))
    assert_one_line(done, 2, f"{tmp_path / 'b.yml'}:1:1: the file begins with the byte order mark of UTF-16; send UTF-8")


@pytest.mark.parametrize(("view", "code"), [(GATE, 0), (FAILED, 1), (PENDING, 1)])
def test_a_gate_is_its_exit_code(serve: Callable[..., str], view: dict[str, object], code: int) -> None:
    done = run("--server", serve((200, view)), "gate", "nyc", "public.a", "--json")
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (code, view, "")


@pytest.mark.parametrize(("decided", "code"), [(GATE, 0), (FAILED, 1)])
def test_gate_waits_until_it_is_decided_and_through_a_restart(
    serve: Callable[..., str], decided: dict[str, object], code: int
) -> None:
    server = serve((200, PENDING), (503, {"detail": "starting"}), (502, b"nginx"), (200, PENDING), (200, decided))
    done = run("--server", server, "gate", "--wait", "nyc", "public.a")
    assert (done.returncode, done.stderr) == (code, ""), done.stderr


def test_a_gate_that_stays_undecided_could_not_be_decided(serve: Callable[..., str]) -> None:
    done = run("--server", serve((200, PENDING)), "gate", "nyc", "public.a", "--wait", "1")
    assert_one_line(done, 3, "not decided within 1 s")
    assert "gate closed" in done.stdout


def test_a_check_that_does_not_end_could_not_be_decided(serve: Callable[..., str]) -> None:
    view = {"request_id": "7", "table": "public.a", "status": "running", "verdict": None, "checks": []}
    done = run("--server", serve((202, view)), "check", "nyc", "public.a", "--wait", "1")
    assert_one_line(done, 3, "not finished within 1 s; it goes on as request 7")


def test_help_is_shown_where_nothing_is_asked() -> None:
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: dataops" in done.stderr


def test_a_reader_that_leaves_early_does_not_change_the_exit_code(serve: Callable[..., str]) -> None:
    server = serve((200, FAILED | {"reasons": ["verdict fail"] * 20_000}))
    read, write = os.pipe()
    os.close(read)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "STRINGX_API_KEY": "x"}
    command = [sys.executable, "-c", "from stringx_dataops.cli.main import main; main()", "--server", server, "gate", "a", "b.c"]
    done = subprocess.run(command, env=environment, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_terminal_without_utf8_is_no_error(serve: Callable[..., str]) -> None:
    server = serve((200, FAILED | {"reasons": ["größe: 1 row"]}))
    done = run("--server", server, "gate", "a", "b.c", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (1, "")


def test_a_dataset_is_told_table_by_table(serve: Callable[..., str]) -> None:
    def rule(name: str, status: str) -> dict[str, str]:
        return {"id": name, "status": status, "message": f"message of {name}"}

    counts = {"pass": 1, "warn": 0, "fail": 1, "error": 0}
    tables = [
        {"table": "a.b", "verdict": "fail", "counts": counts, "reason": None, "rules": [rule("r", "fail"), rule("s", "pass")]},
        {"table": "a.c", "verdict": "pass", "counts": counts | {"fail": 0}, "reason": "empty", "rules": [rule("t", "pass")]},
    ]
    check = {"counts": counts | {"pass": 2}, "duration_ms": 9, "dataset": "d", "tables": tables, "skipped": ["a.d"]}
    view = {"request_id": "1", "dataset": "d", "status": "succeeded", "verdict": "fail", "reason": None, "checks": [check]}
    done = run("--server", serve((200, view)), "check", "nyc", "--dataset", "d", "--wait")
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines() == [
        "dataset d: fail (request 1), 2 of 3 rules pass, 9 ms",
        "  a.b: fail, 1 of 2 rules pass",
        "    fail   r: message of r",
        "  a.c: pass, 1 of 1 rules pass",
        "    empty",
        "  skipped, none of their rules is in scope: a.d",
    ]


def test_a_dataset_of_another_target_is_refused(serve: Callable[..., str]) -> None:
    view = {name: value for name, value in GATE.items() if name != "table"} | {"dataset": "d", "target": "shop"}
    assert_one_line(run("--server", serve((200, view)), "gate", "nyc", "--dataset", "d"), 2, "dataset d is of target shop")
    done = run("--server", serve((200, view)), "gate", "shop", "--dataset", "d")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "dataset d: gate open, verdict pass")


def test_a_list_of_requests_is_asked_for_with_its_rules_only_where_they_are_wanted(serve: Callable[..., str]) -> None:
    paths: list[str] = []

    def page(handler: BaseHTTPRequestHandler) -> dict[str, object]:
        paths.append(handler.path)
        item = {
            "created_at": "2026-01-01T00:00:00Z",
            "verdict": "pass",
            "target": "shop",
            "table": "public.a",
            "request_id": str(len(paths)),
        }
        return {"items": [item], "next_cursor": "more" if len(paths) % 2 else None}

    server = serve((200, page))
    assert run("--server", server, "requests", "list", "--rules").stdout.count("public.a") == 2
    done = run("--server", server, "requests", "list", "--json", "--rules", "--verdict", "pass")
    assert [json.loads(line)["request_id"] for line in done.stdout.splitlines()] == ["3", "4"]
    query = "/api/v1/requests?verdict=pass&include=rules&limit=51"
    asked = "/api/v1/requests?limit=51"
    assert paths == [asked, f"{asked}&cursor=more", query, f"{query}&cursor=more"]


def test_targets_of_every_engine_are_listed_with_where_they_are(serve: Callable[..., str]) -> None:
    items = [
        {"name": "a", "adapter": "postgres", "user": "r", "host": "db", "dbname": "shop"},
        {"name": "b", "adapter": "duckdb", "path": ":memory:", "locations": {"s.t": "/data/*.parquet"}},
        {"name": "c", "adapter": "trino", "user": "r", "host": "trino", "port": None, "catalog": "lake"},
        {"name": "d", "adapter": "trino", "user": "r", "host": "trino", "port": 443, "catalog": "lake"},
    ]
    done = run("--server", serve((200, {"items": items, "next_cursor": None})), "targets", "list")
    assert done.returncode == 0, done.stderr
    places = [line.split()[-1] for line in done.stdout.splitlines()]
    assert places == ["r@db:5432/shop", "/data/*.parquet", "r@trino/lake", "r@trino:443/lake"]


def test_a_request_that_has_not_ended_is_shown_with_how_far_it_is(serve: Callable[..., str]) -> None:
    progress = {"phase": "queued", "position": 3, "elapsed_s": 1.25, "expected_s": 4.0}
    view = {"request_id": "r", "target": "shop", "table": "public.a", "status": "queued", "verdict": None, "checks": []}
    done = run("--server", serve((200, view | {"progress": progress})), "requests", "show", "r")
    assert done.stdout.splitlines()[1] == "  queued, place 3 in the queue, for 1.2 s; a check takes about 4.0 s"


@pytest.mark.parametrize("arguments", [("gate", "", "public.x"), ("gate", "datasets", "d1"), ("check", "", "public.x")])
def test_what_is_no_target_is_said_before_anything_is_asked(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "is no name of a target; for a dataset write TARGET --dataset NAME" in done.stderr
