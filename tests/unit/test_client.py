"""The Python client against servers that answer as they are told; the real one is in acceptance/test_installed.py."""

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest

import stringx_dataops
from stringx_dataops import Away, CheckFailed, Client, Gate, GateClosed, Misconfigured, Refused, Request, Undecided
from stringx_dataops.cli.lazy import LazyGroup
from stringx_dataops.cli.main import cli
from stringx_dataops.contract.settings import ROOT
from stringx_dataops.following import pause_of
from tests.support.cli import FAILED, GATE, PENDING

QUEUED: dict[str, Any] = {
    "request_id": "7",
    "target": "nyc",
    "table": "public.a",
    "status": "queued",
    "verdict": None,
    "checks": [],
}
RULE = {"id": "r", "status": "fail", "message": "3 of 10 rows are null", "failures": 3, "total": 10, "columns": ["c"]}
CHECK = {"counts": {"pass": 4, "warn": 0, "fail": 1, "error": 0}, "duration_ms": 5, "snapshot_at": None, "rules": [RULE]}
ENDED = QUEUED | {"status": "succeeded", "verdict": "fail", "checks": [CHECK]}


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("from stringx_dataops import Client; Client('http://127.0.0.1:9', 'key')", set()),
        ("import sys; sys.argv = ['dataops', '--help']; from stringx_dataops.cli.main import main; main()", {"click"}),
        ("import sys; sys.argv = ['dataops', 'rules', '--help']; from stringx_dataops.cli.main import main; main()", {"click"}),
        ("import sys; sys.argv = ['dataops', 'gate', '--help']; from stringx_dataops.cli.main import main; main()", {"click"}),
    ],
)
def test_what_takes_long_to_import_is_imported_when_it_is_used(code: str, allowed: set[str]) -> None:
    report = "import atexit, sys; atexit.register(lambda: print('loaded:', *sys.modules))\n"
    done = subprocess.run([sys.executable, "-c", report + code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.rpartition("loaded:")[2].split()}
    slow = {"click", "pydantic", "pydantic_core", "requests", "urllib3", "sqlglot", "jsonschema", "yaml", "kafka", "http", "ssl"}
    assert "stringx_dataops" in loaded
    assert loaded & slow == allowed


def test_the_list_of_commands_says_what_their_docstrings_say() -> None:
    groups: list[click.Command] = [cli]
    seen = 0
    for group in groups:
        if isinstance(group, LazyGroup):
            for name, (_, sentence) in group.lazy.items():
                command = group.get_command(click.Context(group), name)
                assert command is not None
                assert command.name == name
                assert " ".join((command.help or "").split()).startswith(sentence.removesuffix("."))
                groups.append(command)
                seen += 1
    assert seen >= 7


@pytest.mark.parametrize("name", stringx_dataops.__all__)
def test_every_name_of_the_package_is_there(name: str) -> None:
    assert getattr(stringx_dataops, name).__name__ == name


def test_a_gate_is_true_only_where_it_is_open(serve: Callable[..., str]) -> None:
    client = Client(serve((200, GATE), (200, FAILED), (200, PENDING), (200, GATE | {"gate": "ajar"})), "sx_key")
    found = client.gate("nyc", "public.a", not_before=datetime(2026, 1, 31, 6, tzinfo=UTC))
    assert (bool(found), found.is_open, found.exit_code, found.verdict, found.table) == (True, True, 0, "pass", "public.a")
    with pytest.raises(GateClosed, match="verdict fail") as closed:
        client.require_open("nyc", "public.a")
    assert (bool(closed.value.gate), closed.value.exit_code) == (False, 1)
    assert not client.gate("nyc", "public.a")
    with pytest.raises(Undecided, match="not as expected"):
        client.gate("nyc", "public.a")
    with pytest.raises(Undecided, match="answered 302, not as a StringX Backend does"):
        Client(serve((302, GATE)), "sx_key").gate("nyc", "public.a")
    of_a_dataset = {name: value for name, value in GATE.items() if name != "table"} | {"dataset": "d", "target": "other"}
    client = Client(serve((200, of_a_dataset)), "sx_key")
    assert client.gate("other", dataset="d").name == "dataset d"
    with pytest.raises(Refused, match="dataset d is of target other, not of nyc"):
        client.gate("nyc", dataset="d")


def test_waiting_for_a_gate_outlives_a_service_that_is_away_and_ends(serve: Callable[..., str]) -> None:
    seen: list[Gate] = []
    client = Client(serve((200, PENDING), (503, {"detail": "away"}), (200, b""), (200, GATE)), "sx_key")
    assert client.gate("nyc", "public.a", wait=60, on_wait=seen.append).is_open
    assert [each.pending for each in seen] == [True]
    with pytest.raises(Undecided, match=r"not decided within 0\.1 s; the gate stays closed") as raised:
        Client(serve((200, PENDING)), "sx_key").require_open("nyc", "public.a", wait=0.1)
    assert isinstance(raised.value.answer, Gate)
    assert (raised.value.exit_code, bool(raised.value.answer)) == (3, False)
    with pytest.raises(GateClosed):
        Client(serve((200, PENDING)), "sx_key").require_open("nyc", "public.a")


def test_a_check_is_followed_to_its_end(serve: Callable[..., str]) -> None:
    seen: list[Request] = []
    client = Client(serve((202, QUEUED), (503, {"detail": "away"}), (200, ENDED)), "sx_key")
    done = client.check("nyc", "public.a", window={"from": datetime(2026, 1, 1)}, on_wait=seen.append)
    assert (bool(done), done.exit_code, done.counts["pass"], [rule.failures for rule in done.rules]) == (False, 1, 4, [3])
    assert [each.status for each in seen] == ["queued"]
    with pytest.raises(CheckFailed, match=r"public\.a: fail \(request 7\)\nr: 3 of 10 rows are null"):
        done.require_pass()
    assert Request.of(ENDED | {"verdict": "warn"}).require_pass()
    for other in (QUEUED, ENDED | {"verdict": "error"}, ENDED | {"status": "canceled", "verdict": None}):
        assert not Request.of(other)
        with pytest.raises(Undecided):
            Request.of(other).require_pass()


@pytest.mark.parametrize("poll_s", [0.5, 30.0])
def test_a_check_that_is_answered_at_once_is_not_asked_for_all_the_time(serve: Callable[..., str], poll_s: float) -> None:
    asked: list[object] = []

    def queued(handler: object) -> object:
        asked.append(handler)
        return QUEUED

    with pytest.raises(Undecided, match=r"not finished within 1\.5 s"):
        Client(serve((202, QUEUED), (200, queued)), "sx_key").check("nyc", "public.a", wait=1.5, poll_s=poll_s)
    assert 1 <= len(asked) <= 6, "it pauses, as a Backend where many wait answers at once"


def test_who_is_told_to_ask_later_asks_once_more_when_the_time_is_over(serve: Callable[..., str]) -> None:
    seen: list[Request] = []
    busy = (200, QUEUED, {"Retry-After": "20"})
    client = Client(serve((202, QUEUED), busy, (200, ENDED)), "sx_key")
    assert client.check("nyc", "public.a", wait=6, on_wait=seen.append, poll_s=0.2).has_ended
    assert len(seen) >= 2, "progress is told meanwhile"
    assert Client(serve(busy, busy, (200, ENDED)), "sx_key").request("7", wait=3).has_ended
    assert Client(serve((202, QUEUED), busy, (200, ENDED)), "sx_key").cancel("7", wait=3).has_ended


@pytest.mark.parametrize(("said", "seconds"), [("7", 7), ("0", 0.5), ("900", 30), ("", 0.5), ("soon", 0.5), ("-1", 0.5)])
def test_a_pause_has_bounds(said: str, seconds: float) -> None:
    assert pause_of({"Retry-After": said}) == seconds


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda client: client.items("waivers"), "path is 'waivers'; give a path such as /api/v1/waivers"),
        (lambda client: client.get("waivers"), "path is 'waivers'; give a path such as /api/v1/waivers"),
        (lambda client: client.items("/api/v1/waivers", "state=active"), "query is 'state=active'; give a mapping"),
        (lambda client: client.gate(["nyc"], "public.a"), r"target is \['nyc'\]; give a text"),
        (lambda client: client.gate(None, "public.a"), "target is None; give a text"),
        (lambda client: client.gate("", "public.a"), "target is ''; give a text"),
        (lambda client: client.gate("nyc", 3), "table is 3; give a text"),
        (lambda client: client.gate("nyc", dataset=("d",)), "dataset is .*; give a text"),
        (lambda client: client.gate("nyc", "public.a", wait="x"), "wait is 'x'; give a number of seconds"),
        (lambda client: client.gate("nyc", "public.a", wait=-1), "wait is -1; give a number of seconds, not below 0"),
        (lambda client: client.require_open("nyc", "public.a", wait=float("nan")), "wait is nan; give"),
        (lambda client: client.gate("nyc", "public.a", not_before=5), "not_before is 5; give an RFC 3339 time"),
        (lambda client: client.gate("nyc", "public.a", on_wait="print"), "on_wait is 'print'; give a function"),
        (lambda client: client.check("nyc", "public.a", rule_ids="flight_key"), "rule_ids is 'flight_key'; give a list of texts"),
        (lambda client: client.check("nyc", "public.a", kinds=[1]), r"kinds is \[1\]; give a list"),
        (lambda client: client.check("nyc", "public.a", window="2026"), "window is '2026'; give a mapping"),
        (lambda client: client.check("nyc", "public.a", timeout_s=0), "timeout_s is 0; give a whole number"),
        (lambda client: client.check("nyc", "public.a", poll_s=-1), "poll_s is -1; give"),
        (lambda client: client.request(7), "request_id is 7; give a text"),
        (lambda client: client.cancel("7", wait=None), "wait is None; give"),
        (lambda client: client.tables(owner=["a"]), "filters is .*; give texts"),
        (lambda client: client.results("nyc", "public.a", since=3), "since is 3; give"),
        (lambda client: Client(client.server, 3), "key is int; give a text"),
        (lambda client: Client(3, "key"), "url is 3; give a text"),
        (lambda client: Client(client.server, "key", timeout=0), "timeout is 0; give a number"),
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_sent(call: Callable[[Client], Any], words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        call(Client("http://127.0.0.1:9", "sx_key"))


def test_a_key_may_end_with_a_line_break_as_in_its_file() -> None:
    assert Client("http://127.0.0.1:9", "sx_key\n").key == "sx_key"


def test_a_gate_has_its_waivers_and_notes() -> None:
    assert (Gate.of(GATE).waivers, Gate.of(GATE).notes) == ((), ())
    found = Gate.of(GATE | {"waivers": [{"id": "1"}], "notes": ["kept"]})
    assert (found.waivers, found.notes) == (({"id": "1"},), ("kept",))


def test_a_list_is_read_to_its_last_page_by_several_threads(serve: Callable[..., str]) -> None:
    pages = iter(range(1000))

    def page(handler: Any) -> dict[str, Any]:
        return {"items": [ENDED | {"request_id": str(next(pages))}], "next_cursor": None if "cursor=x" in handler.path else "x"}

    client, found = Client(serve((200, page)), "sx_key"), list[str]()
    threads = [
        threading.Thread(target=lambda: found.extend(each.request_id for each in client.requests()), daemon=True)
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found, key=int) == [str(number) for number in range(8)]


@pytest.mark.parametrize(
    ("url", "variables", "words"),
    [
        ("x", {"STRINGX_API_KEY": "sx_key"}, "the server is 'x'"),
        ("http://me:secret@127.0.0.1:5002", {"STRINGX_API_KEY": "sx_key"}, "holds a user's name"),
        (None, {"STRINGX_HOME": "/nowhere"}, "no key: set STRINGX_API_KEY"),
        (None, {"STRINGX_API_KEY": "a b"}, "a character that no key has"),
        (None, {"STRINGX_API_KEY": "a", "STRINGX_API_KEY_FILE": "b"}, "keep one"),
    ],
)
def test_what_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, url: str | None, variables: dict[str, str], words: str
) -> None:
    for name in ("STRINGX_API_KEY", "STRINGX_API_KEY_FILE", "STRINGX_BACKEND_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured, match=words) as raised:
        Client(url)
    assert raised.value.exit_code == 2
    assert "secret" not in str(raised.value)


def test_refusals_and_absence_are_told_apart_and_no_repr_has_the_key(serve: Callable[..., str]) -> None:
    refusal = {"detail": "x", "errors": [{"pointer": "/query/not_before", "message": "is no time"}]}
    with Client(serve((422, refusal)), "sx_secret") as client, pytest.raises(Refused, match="/query/not_before: is no time"):
        client.gate("nyc", "public.a", not_before="soon")
    assert "sx_secret" not in repr(client)
    with pytest.raises(Away):
        Client("http://127.0.0.1:9", "sx_key").gate("nyc", "public.a")
    for subject in ({}, {"table": "a.b", "dataset": "c"}):
        with pytest.raises(ValueError, match="either a table or a dataset"):
            client.gate("nyc", **subject)


@pytest.mark.long
def test_a_program_of_a_user_is_typed(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from stringx_dataops import Client, GateClosed\n\n"
        "with Client() as client:\n"
        "    reveal_type(client.gate('t', 'a.b').is_open)\n"
        "    reveal_type([rule.failures for rule in client.check('t', 'a.b').rules])\n"
        "    client.gate(1)\n"
    )
    command = [Path(sys.executable).with_name("mypy"), "--strict", "--no-incremental", "--config-file=", str(program)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert 'Revealed type is "bool"' in said.replace("builtins.", "")
    assert 'Revealed type is "list[int | None]"' in said.replace("builtins.", "").replace("Union[int, None]", "int | None")
    assert said.count("error:") == 1, said
