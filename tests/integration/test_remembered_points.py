"""What DataOps remembers of a rule's earlier points: which checks leave some, and which are compared with."""

import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api import retention
from api.checks import claims, memory
from api.checks.waiving import Decided
from database.pool import Database
from stringx_dataops.contract.gate_test.outcome import MAX_REMEMBERED
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.settings import read_settings
from tests.support.databases import Target
from tests.support.datasets import apply, claimed
from tests.support.datasets import gate as gate_of
from tests.support.engine import Engine
from tests.support.memory import Checks, change, unusual
from tests.support.waivers import waive

DAY = timedelta(days=1)


@pytest.fixture
def checks(database: Database, engine: Engine, target: Target, tmp_path: Path) -> Checks:
    """Of a table t of 100 rows."""
    target.execute(
        "create table t (n integer, at timestamptz, amount numeric); insert into t select n, now(), n from generate_series(1, 100) n"
    )
    return Checks(database, engine, target, tmp_path)


def grow(checks: Checks, rows: int) -> None:
    checks.target.execute("insert into t select 0, now(), 1 from generate_series(1, %s)", (rows,))


def test_a_check_is_compared_with_the_one_before(checks: Checks) -> None:
    checks.configure(change(max_increase="20%", max_decrease=50))
    first = checks.rule()
    assert (first.status, first.measured) == ("pass", 100)
    assert first.message == "the number of rows is 100; learning 0 of 1"
    assert first.baseline.learning.model_dump() == {"have": 0, "need": 1}
    assert gate_of(checks.database, "public.t").gate == "open", "a rule that learns passes"
    grow(checks, 20)
    second = checks.rule()
    assert second.status == "pass"
    assert (second.baseline.center, second.baseline.low, second.baseline.high) == (100, 50, 120)
    grow(checks, 25)
    third = checks.rule()
    assert third.status == "fail"
    assert third.message.startswith("the number of rows is 145; fails unless at least 70 and at most 144; compared with 120 of ")
    assert gate_of(checks.database, "public.t").gate == "closed"
    assert checks.rule().status == "pass", "the point before is taken as it is"
    assert [(row["status"], row["measured"], row["low"], row["high"]) for row in checks.points()] == [
        ("pass", 100, None, None), ("pass", 120, 50, 120), ("fail", 145, 70, 144), ("pass", 145, 95, 174),
    ]  # fmt: skip


def test_trials_and_narrowed_checks_read_points_and_leave_none(checks: Checks) -> None:
    document = checks.configure(change(max_increase=0), change("s", {"function": "sum", "column": "amount"}, max_increase=0))
    checks.check()
    grow(checks, 1)
    tried = checks.check(trial_of=document)
    assert [rule.status for rule in tried.rules] == ["fail", "fail"]
    assert tried.rules[0].baseline.center == 100
    assert checks.rule(rule_ids=["r"]).status == "fail"
    assert checks.rule(rule_ids=["r"]).status == "fail", "the narrowed check before left no point"
    assert len(checks.points()) == len(checks.points("s")) == 1
    assert checks.rule().status == "fail"
    assert len(checks.points()) == 2


def test_thresholds_keep_the_points_and_what_is_measured_begins_anew(checks: Checks) -> None:
    checks.configure(change(max_increase=0))
    checks.check()
    grow(checks, 1)
    for kept in (change(max_increase=1), change(max_decrease="1%"), unusual(learn=5), change(against="previous", max_increase=1)):
        checks.configure(kept)
        found = checks.rule(rule_ids=["r"])
        assert found.baseline.points == 1, kept
    for anew in (
        change(max_increase=0) | {"where": "n > 0"},
        change(of={"function": "sum", "column": "amount"}, max_increase=0),
        change("other", max_increase=0),
    ):
        checks.configure(anew)
        found = checks.rule(anew["id"], rule_ids=[anew["id"]])
        assert (found.status, found.message.rpartition("; ")[2]) == ("pass", "learning 0 of 1")


def test_of_a_window_there_is_one_point_and_it_is_compared_with_earlier_windows_of_its_length(checks: Checks) -> None:
    checks.target.execute(
        "truncate t; insert into t select d, '2026-03-01 00:00+00'::timestamptz + d * interval '1 day', 1"
        " from generate_series(0, 3) d, generate_series(1, 10 + d)"
    )
    checks.configure(change(max_increase=0), timezone="UTC", window_column="at")

    def window(day: int, days: int = 1) -> Any:
        return checks.rule(window={"from": f"2026-03-0{day}", "to": f"2026-03-0{day + days}"})

    assert window(2).baseline.learning is not None
    assert window(4).baseline.center == 11
    assert window(3).baseline.center == 11, "a window is compared with earlier ones, not with those that were checked before"
    assert window(4).baseline.center == 12
    assert window(4).status == "fail", "the window's own point is not in its baseline"
    assert window(1, days=2).baseline.learning is not None
    assert checks.rule().baseline.learning is not None, "the whole table is no window"
    assert [row["measured"] for row in checks.points() if row["window_key"].endswith("86400000000 us")] == [11, 12, 13]
    checks.target.execute("insert into t select 0, '2026-03-03 12:00+00' from generate_series(1, 5)")
    assert window(3).measured == 17
    assert window(4).baseline.center == 17, "a rerun replaces its window's point"
    late = checks.rule(window={"from": "2026-03-01"})
    assert (late.status, late.message) == (
        "error",
        "could not be decided: a window with one end is like no other: give from and to",
    )


def test_points_of_a_dataset_are_its_tables(checks: Checks) -> None:
    checks.target.execute("create table u as select * from t")
    checks.configure(change(max_increase=0))
    checks.configure(change("u", max_increase=0), table="public.u")
    names = {"apiVersion": "stringx/v1", "kind": "Dataset", "name": "both", "target": "shop", "tables": ["public.t", "public.u"]}
    apply(checks.database, names)
    checks.check(dataset="both")
    grow(checks, 1)
    assert checks.rule().status == "fail"
    assert checks.rule("u", dataset="both").status == "pass"
    assert checks.rule().baseline.center == 101, "the dataset's check is the one before"


def test_a_shared_run_leaves_one_point(checks: Checks) -> None:
    checks.configure(change(max_increase=0))
    first, second = checks.ask(), checks.ask()
    assert second.joined == first.check_id
    check = claimed(checks.database)
    checks.finish(check, checks.run(check))
    assert [str(row["check_id"]) for row in checks.points()] == [first.check_id]


def test_a_worker_that_is_lost_before_its_result_is_stored_leaves_no_point(checks: Checks) -> None:
    """Killed after dbt ran, or too late to store what it found: the claim of the next attempt fences it."""
    checks.configure(change(max_increase=0))
    checks.ask()
    lost = claimed(checks.database)
    unstored = checks.run(lost)
    assert checks.points() == []
    with checks.database.transaction() as cursor:
        cursor.run("update dataops.checks set lease_expires_at = now() - interval '1 hour' where status = 'running'")
    claims.rescue(checks.database, 0)
    again = claimed(checks.database)
    assert again.check_id == lost.check_id
    assert not claims.finish(checks.database, lost, unstored, "http://backend")
    assert checks.points() == []
    checks.finish(again, checks.run(again))
    assert len(checks.points()) == 1
    assert not claims.finish(checks.database, lost, unstored, "http://backend")
    assert len(checks.points()) == 1


def test_an_older_snapshot_replaces_nothing_and_the_same_one_is_written_once(checks: Checks) -> None:
    checks.configure(change(max_increase=0), window_column="at")
    ends = []
    for _ in range(2):
        checks.ask(window={"from": "2000-01-01", "to": "2100-01-01"})
        check = claimed(checks.database)
        ends.append(checks.run(check))
        checks.finish(check, ends[-1])
    older, newer = ends
    with checks.database.transaction() as cursor:
        cursor.run("delete from dataops.rule_points")
    for end, kept in ((older, older), (newer, newer), (older, newer), (newer, newer)):
        with checks.database.transaction() as cursor:
            memory.keep(cursor, end.result, end.learned)
        assert [row["snapshot_at"] for row in checks.points()] == [kept.result.snapshot_at]


def test_marks_say_which_points_count(checks: Checks) -> None:
    checks.configure(change(max_increase=0), unusual("u", learn=5))
    first = checks.check()
    with checks.database.transaction() as cursor:
        for rule_id in ("r", "u"):
            cursor.run(
                "insert into stringx.point_marks (target, table_name, rule_id, snapshot_at, check_id, mark, by)"
                " values ('shop', 'public.t', %(rule_id)s, %(at)s, %(check_id)s, 'exclude', 'me')",
                {"rule_id": rule_id, "at": first.snapshot_at, "check_id": first.check_id},
            )
    found = checks.check()
    assert [rule.message.rpartition("; ")[2] for rule in found.rules] == ["learning 0 of 1", "learning 0 of 5"]
    with checks.database.transaction() as cursor:
        cursor.run("update stringx.point_marks set mark = 'none'")
    found = checks.check(rule_ids=["u"])
    assert found.rules[0].message.endswith("learning 2 of 5")


def test_what_is_unusual_warns_and_is_left_out_of_the_band_unless_it_is_expected(checks: Checks) -> None:
    checks.configure(unusual(learn=5, season="none"))
    checks.check()
    checks.history([100, 101, 99, 100, 102, 98, 100], DAY, datetime.now(UTC))
    usual = checks.rule()
    assert (usual.status, usual.baseline.center, usual.baseline.points) == ("pass", 100, 7)
    assert usual.message == f"the number of rows is 100; {usual.baseline.words}"
    checks.target.execute("delete from t where n > 50")
    odd = checks.check()
    assert (odd.verdict, odd.rules[0].status, odd.rules[0].measured) == ("warn", "warn", 50)
    assert odd.rules[0].message.startswith("the number of rows is 50; warns unless at least ")
    assert odd.rules[0].baseline.words in odd.rules[0].message
    checks.configure(unusual(learn=5, season="none", severity="error"))
    again = checks.check()
    assert (again.verdict, again.rules[0].baseline.points) == ("fail", 8), "the odd one is not in the band"
    with checks.database.transaction() as cursor:
        cursor.run(
            "insert into stringx.point_marks (target, table_name, rule_id, snapshot_at, check_id, mark, by)"
            " values ('shop', 'public.t', 'r', %(at)s, %(check_id)s, 'expected', 'me')",
            {"at": odd.snapshot_at, "check_id": odd.check_id},
        )
    assert checks.rule().baseline.points == 9


def test_a_waived_failure_and_a_shadow_rule_leave_points(checks: Checks) -> None:
    checks.configure(unusual(learn=5, season="none", severity="error"), change("s", max_increase=0) | {"active": "shadow"})
    checks.check()
    checks.history([100] * 6, DAY, datetime.now(UTC))
    grow(checks, 900)
    waive(checks.database, table="public.t", rule="r")
    found = checks.check()
    assert [(rule.status, rule.waived is not None) for rule in found.rules] == [("warn", True), ("fail", False)]
    assert [(row["status"], row["waived"]) for row in checks.points()][-1] == ("warn", True)
    assert [(row["status"], row["measured"]) for row in checks.points("s")] == [("pass", 100), ("fail", 1000)]
    assert checks.check(rule_ids=["r"]).rules[0].baseline.points == 6


def test_on_empty_still_decides_beside_what_compares_the_number_of_rows(checks: Checks) -> None:
    checks.configure(unusual(learn=5, season="none"), on_empty="fail")
    checks.target.execute("truncate t")
    for _ in range(2):
        found = checks.check()
        assert (found.verdict, found.rules[0].status) == ("fail", "pass"), "an empty table is usual for it, and on_empty decides"
        assert gate_of(checks.database, "public.t").gate == "closed"
    checks.configure({"id": "rows", "type": "row_count", "arguments": {"min": 0}}, unusual(learn=5, season="none"))
    assert checks.check().verdict == "pass", "a row_count rule decides in its place"
    checks.configure(change(max_decrease="50%"), on_empty="pass")
    grow(checks, 10)
    assert checks.check().verdict == "pass"
    checks.target.execute("truncate t")
    assert checks.check().verdict == "fail", "on_empty says that it may be empty, and not that it may lose half of its rows"


def test_the_command_by_hand_has_the_same_bounds_and_the_same_verdict(checks: Checks) -> None:
    checks.configure(change(max_decrease="50%"), unusual("u", of={"function": "avg", "column": "amount"}, learn=5, season="none"))
    checks.check()
    checks.history([100.5] * 6, DAY, datetime.now(UTC), "u")
    checks.target.execute("delete from t where n > 40")
    found = checks.check()
    assert [rule.status for rule in found.rules] == ["fail", "warn"]
    assert checks.check().verdict == "warn", "the next check compares with the fewer rows"
    done = by_hand(checks, found.dbt.command)
    table = done["tables"][0]
    assert (table["verdict"], [rule["status"] for rule in table["rules"]]) == ("fail", ["fail", "warn"]), (
        "the bounds of its check"
    )


def by_hand(checks: Checks, command: str) -> JsonObject:
    """The outcome of a result's command."""
    home = Path(command.split("--target-path ")[1].split()[0].strip("'\"")) if "--target-path" in command else checks.home
    done = subprocess.run(
        ["/usr/bin/env", "-i", f"DBT_ENV_SECRET_TARGET_PASSWORD={checks.target.password}", "/bin/bash", "-c", command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    answer = json.loads((home / "run_results.json").read_text())["results"][0]["adapter_response"]["_message"]
    outcome: JsonObject = json.loads(answer)
    return outcome


def test_points_are_forgotten_after_their_time_and_memories_with_their_table(checks: Checks, tmp_path: Path) -> None:
    checks.configure(change(max_increase=0))
    checks.check()
    checks.history([1, 2, 3], 200 * DAY, datetime.now(UTC))
    with checks.database.transaction() as cursor:
        for table in ("public.t", "public.gone"):
            cursor.run(
                "insert into dataops.rule_memories values ('shop', %(table)s, 'r', '', 'd', now() - interval '500 days',"
                " now() - interval '500 days', gen_random_uuid(), '{}')",
                {"table": table},
            )
    retention.clean(checks.database, read_settings({"STRINGX_HOME": str(tmp_path)}))
    assert [row["measured"] for row in checks.points()] == [3]
    with checks.database.statements() as cursor:
        assert [row["table_name"] for row in cursor.all("select table_name from dataops.rule_memories")] == ["public.t"]
    checks.history([1, 2, 3], 200 * DAY, datetime.now(UTC))
    retention.clean(checks.database, read_settings({"STRINGX_HOME": str(tmp_path), "RETENTION_POINTS_DAYS": "0"}))
    assert len(checks.points()) == 3


def test_a_rule_that_remembers_gets_what_the_last_deciding_check_left(checks: Checks) -> None:
    rule = {"id": "g", "type": "not_null", "column": "n", "per": "at", "missing_groups": "fail"}
    checks.target.execute("truncate t; insert into t values (1, '2026-01-01'), (1, '2026-01-02'), (1, '2026-01-03')")
    document = checks.configure(rule)
    assert checks.rule("g").status == "pass"
    checks.target.execute("delete from t where at = '2026-01-03'")
    for narrowed in ({"rule_ids": ["g"]}, {"trial_of": document}):
        assert checks.rule("g", **narrowed).status == "fail", "it compares, and leaves nothing"
    assert checks.rule("g").status == "fail"
    assert checks.rule("g").status == "pass", "the check before had no such group"
    checks.configure(rule | {"where": "n > 0"})
    checks.target.execute("delete from t where at = '2026-01-02'")
    assert checks.rule("g").status == "pass", "of another definition there is no memory"
    late = checks.rule("g", window={"column": "at", "from": "2026-01-01"})
    assert (late.status, late.message.rpartition(": ")[2]) == ("error", "give from and to"), "a pass would mean that it compared"
    with checks.database.statements() as cursor:
        (kept,) = cursor.all("select * from dataops.rule_memories")
    assert kept["at"] == kept["snapshot_at"]


def test_a_distribution_is_compared_with_that_of_the_check_before(checks: Checks) -> None:
    checks.target.execute("alter table t add c text default 'a'")
    arguments = {"test": "kl", "against": "previous", "max": 0.1}
    checks.configure({"id": "d", "type": "distribution", "column": "c", "arguments": arguments})
    first = checks.rule("d")
    assert (first.status, first.measured) == ("pass", None)
    assert first.message == "the Kullback-Leibler divergence of c is unknown (learning 0 of 1); 100 values; must be at most 0.1"
    assert (checks.rule("d").status, checks.rule("d").measured) == ("pass", 0)
    checks.target.execute("update t set c = 'b' where n = 1")
    assert checks.rule("d").measured == "Infinity"
    last = checks.rule("d")
    assert (last.status, last.measured) == ("pass", 0)
    assert "compared with the check of 20" in last.message
    checks.configure({"id": "d", "type": "distribution", "column": "n", "arguments": arguments | {"bins": [0, 50, 200]}})
    assert checks.rule("d").measured is None, "of other bins there is no memory"


def test_a_memory_is_replaced_by_a_newer_snapshot_alone_and_has_a_bound(checks: Checks) -> None:
    checks.configure({"id": "g", "type": "not_null", "column": "n", "per": "at", "missing_groups": "fail"})
    ends = []
    for _ in range(2):
        checks.ask()
        check = claimed(checks.database)
        ends.append(checks.run(check))
        checks.finish(check, ends[-1])
    older, newer = ends

    def kept(end: Decided, state: JsonObject | None = None) -> Any:
        learned = end.learned if state is None else replace(end.learned, states=dict.fromkeys(end.learned.states, state))
        with checks.database.transaction() as cursor:
            memory.keep(cursor, end.result, learned)
            row = cursor.one("select snapshot_at, state from dataops.rule_memories")
        assert row is not None
        return row

    assert kept(older)["snapshot_at"] == newer.result.snapshot_at
    assert kept(newer, {"a": "x" * (MAX_REMEMBERED - 9)})["state"]["a"].startswith("x")
    assert kept(newer, {"b": "x" * MAX_REMEMBERED})["state"].keys() == {"a"}, "too large: the state before stays"


def test_points_that_numbers_cannot_hold_beside_each_other_leave_their_rule_alone_undecided(checks: Checks) -> None:
    checks.configure(unusual(), {"id": "s", "type": "row_count", "arguments": {"min": 1}})
    checks.check()
    checks.history([1.7e308, -1.7e308] * 15, DAY, datetime.now(UTC))
    found = {rule.id: rule for rule in checks.check().rules}
    assert (found["r"].status, found["s"].status) == ("error", "pass")
    assert "its earlier points are too large, or too far apart, to be compared with" in found["r"].message


def test_the_same_weekday_is_found_behind_thousands_of_points(checks: Checks) -> None:
    """Of a table that is checked every five minutes; the days are those of the document's zone, where it is about noon."""
    zone = ZoneInfo(f"Etc/GMT{datetime.now(UTC).hour - 12:+}")
    checks.configure(change(against="same_weekday", max_increase=0), timezone=zone.key)
    checks.check()
    now = datetime.now(UTC)
    checks.history([float(number) for number in range(2_100)], timedelta(minutes=5), now)
    found = checks.rule()
    (against,) = found.baseline.compared_with
    moment = now.astimezone(zone)
    earlier = [
        (abs((at - moment.replace(tzinfo=None) + 7 * DAY).total_seconds()), number)
        for number in range(2_100)
        if (at := (now - timedelta(minutes=5) * (2_100 - number)).astimezone(zone).replace(tzinfo=None)).date()
        == moment.date() - 7 * DAY
    ]
    assert against.measured == min(earlier)[1]
    assert against.at.astimezone(zone).weekday() == moment.weekday()
