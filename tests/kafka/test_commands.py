"""`dataops dlq` and the script that sends messages, as processes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.settings import ROOT
from tests.kafka.conftest import Trigger
from tests.support.broker import Topics, header
from tests.support.installation import Installation
from tests.support.processes import eventually, free_port

Done = subprocess.CompletedProcess[str]

FORGOTTEN = """
update stringx.requests set status = 'errored', verdict = 'error', reason = 'refused', finished_at = clock_timestamp()
where table_name = %(table)s and finished_at is null;
delete from stringx.publications where request_id in (select request_id from stringx.requests where table_name = %(table)s)
"""


def run(topics: Topics, servers: str, *command: str, text: str | None = None) -> Done:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    environment |= {"KAFKA_BOOTSTRAP_SERVERS": servers, "KAFKA_TOPIC_PREFIX": topics.prefix}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def dlq(topics: Topics, servers: str, *arguments: str) -> Done:
    return run(topics, servers, "-c", "from stringx_dataops.cli.main import main; main()", "dlq", *arguments)


def send(topics: Topics, servers: str, *arguments: str, text: str | None = None) -> Done:
    return run(topics, servers, "sending_kafka_messages.py", *arguments, text=text)


def test_a_dead_letter_is_listed_mended_and_replayed(
    installation: Installation, trigger: Trigger, topics: Topics, servers: str
) -> None:
    trigger()
    assert (dlq(topics, servers, "list").stdout, dlq(topics, servers, "list").returncode) == ("", 0)
    event_id = new_id()
    later = installation.table("dirty")
    body = {"event_id": event_id, "target": "unheard-of", "table": later.relation}
    topics.send(body, b"{never}")
    letters = topics.refused(2)
    listed = dlq(topics, servers, "list")
    assert listed.returncode == 0
    lines = listed.stdout.splitlines()
    assert len(lines) == 2
    assert "there is no target unheard-of" in lines[0]
    assert f"{topics.requests}-" in lines[0]
    said = [json.loads(line) for line in dlq(topics, servers, "list", "--json").stdout.splitlines()]
    assert [item["error"] for item in said] == [header(letter, "error") for letter in letters]
    assert [json.loads(said[0]["value"]), said[1]["value"]] == [body, "{never}"]
    installation.configure_target("unheard-of")
    installation.put(
        f"tables/unheard-of/{later.relation}",
        {
            "apiVersion": "stringx/v1",
            "target": "unheard-of",
            "table": later.relation,
            "rules": [{"id": "r", "type": "row_count", "arguments": {"min": 1}}],
        },
    )
    one = dlq(topics, servers, "replay", said[0]["place"])
    assert (one.returncode, one.stdout) == (0, f"1 sent to {topics.requests}\n"), one.stderr
    assert topics.verdicts(event_id)[event_id]["verdict"] == "pass"
    assert len(dlq(topics, servers, "list").stdout.splitlines()) == 2, "one that is named does not move where the list begins"
    everything = dlq(topics, servers, "replay", "--all")
    assert (everything.returncode, everything.stdout) == (0, f"2 sent to {topics.requests}\n"), everything.stderr
    again = topics.refused(3)[2]
    assert again.value == b"{never}"
    assert [name for name, _ in again.headers].count("error") == 1
    [line] = dlq(topics, servers, "list").stdout.splitlines()
    assert line.startswith("0:2 ")
    assert len(dlq(topics, servers, "list", "--all").stdout.splitlines()) == 3
    limited = dlq(topics, servers, "list", "--all", "--limit", "1")
    assert len(limited.stdout.splitlines()) == 1
    assert "there are more than 1" in limited.stderr


def test_a_replay_of_nothing_is_one_line(installation: Installation, trigger: Trigger, topics: Topics, servers: str) -> None:
    trigger()
    for arguments, words in (
        (("replay",), "name the letters as PARTITION:OFFSET"),
        (("replay", "0:1", "--all"), "name the letters as PARTITION:OFFSET"),
        (("replay", "first"), "'first' is no dead letter's place"),
        (("replay", "0:99"), "there is no dead letter at 0:99"),
    ):
        done = dlq(topics, servers, *arguments)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
        assert words in done.stderr


@pytest.mark.parametrize("command", [dlq, send], ids=["dlq", "send"])
def test_no_broker_is_one_line(command: object, topics: Topics) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    arguments = ("list",) if command is dlq else ()
    done = command(topics, nowhere, *arguments)  # type: ignore[operator]
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1), done.stderr
    assert f"no Kafka broker answers at {nowhere}" in done.stderr


def test_no_topic_is_one_line(topics: Topics, servers: str) -> None:
    for done in (dlq(topics, servers, "list"), send(topics, servers)):
        assert (done.returncode, len(done.stderr.splitlines())) == (3, 1), done.stderr
        assert "start the Kafka trigger, which makes it" in done.stderr


def test_samples_are_sent_with_new_ids_and_their_verdicts_printed(
    installation: Installation, trigger: Trigger, topics: Topics, servers: str
) -> None:
    trigger()
    clean, dirty = installation.table("clean"), installation.table("dirty")
    arguments = ("--target", "shop", "--table", clean.relation, "--table", dirty.relation, "--wait")
    done = send(topics, servers, *arguments)
    assert done.returncode == 1, done.stderr
    assert re.search(rf"^{clean.relation}: pass \(request ", done.stdout, re.MULTILINE)
    assert re.search(rf"^{dirty.relation}: fail \(request .*\n(  .*\n)*  fail   id_unique|  fail ", done.stdout, re.MULTILINE)
    assert send(topics, servers, "--target", "shop", "--table", clean.relation, "--count", "3", "--wait", "60").returncode == 0
    sent = topics.read(topics.requests, lambda found: len(found) == 5)
    assert len({json.loads(record.value)["event_id"] for record in sent}) == 5
    assert {record.key.decode() for record in sent} == {clean.relation, dirty.relation}


def test_a_refused_message_is_told_and_does_not_wait(
    installation: Installation, trigger: Trigger, topics: Topics, servers: str
) -> None:
    trigger()
    done = send(topics, servers, "--target", "shop", "--table", "public.nowhere", "--wait", "60")
    assert done.returncode == 2
    assert "refused: no configuration for table public.nowhere" in done.stdout


def test_nobody_who_answers_is_told_after_the_time(topics: Topics, servers: str, trigger: Trigger) -> None:
    assert trigger().stop() == 0
    done = send(topics, servers, "--table", "public.t", "--wait", "2")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith("sending_kafka_messages: 1 not answered within 2 s, such as ")


def test_a_file_of_lines_is_sent_whole_or_not_at_all(
    installation: Installation, trigger: Trigger, topics: Topics, servers: str, tmp_path: Path
) -> None:
    trigger()
    table = installation.table()
    named = new_id()
    line = {"target": "shop", "table": table.relation}
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(json.dumps(item) for item in (line, line | {"event_id": named})) + "\n\n")
    assert send(topics, servers, "--file", str(file), "--wait").returncode == 0
    assert topics.verdicts(named)[named]["verdict"] == "pass"
    again = send(topics, servers, "--file", "-", "--wait", text=json.dumps(line | {"event_id": named}))
    assert again.returncode == 0, "the same event replays its verdict"
    before = len(topics.read(topics.requests))
    for text, words in (
        ("{}\n{no", "line 2: not JSON"),
        ("[1]", "line 1: must be an object"),
        ("", "holds no line"),
    ):
        done = send(topics, servers, "--file", "-", text=text)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
        assert words in done.stderr
    assert send(topics, servers, "--file", "/nowhere.jsonl").returncode == 2
    assert send(topics, servers, "--file", str(file), "--table", "x").returncode == 2
    assert len(topics.read(topics.requests, lambda found: len(found) >= before)) == before


def test_a_rate_is_kept_and_many_are_sent(installation: Installation, trigger: Trigger, topics: Topics, servers: str) -> None:
    trigger()
    table = installation.table()
    installation.to_api.refuse()  # taken in and no more: nobody looks at their results, and the next test would wait for them
    done = send(topics, servers, "--target", "shop", "--table", table.relation, "--count", "30", "--rate", "10")
    assert done.returncode == 0, done.stderr
    times = sorted(record.timestamp for record in topics.read(topics.requests, lambda found: len(found) == 30))
    assert times[-1] - times[0] >= 2800, "milliseconds"
    done = send(topics, servers, "--target", "shop", "--table", table.relation, "--count", "2000")
    assert "sent 2000 to" in done.stderr
    eventually(lambda: topics.committed() == 2030, 60, "that all are taken in")
    installation.rows(FORGOTTEN, {"table": table.relation})
