"""How a history is written: by whichever release runs, and at the same cost however much of it there is."""

from backend.history import recording
from database.pool import Database, json_value
from stringx_dataops.contract.ids import new_id
from tests.support.datasets import ask, check_now, claimed, now, result
from tests.support.history import points, states


def test_the_history_of_a_result_is_written_without_reading_that_of_others(shop: Database) -> None:
    with shop.transaction() as cursor:
        many = "select 'table', 'shop', 'public.t' || n from generate_series(1, 5000) n"
        cursor.run(f"insert into stringx.subjects (kind, target, name) {many}")
        cursor.run("insert into stringx.subject_rules (subject_id, rule_id) select subject_id, 'r' from stringx.subjects")
        cursor.run("analyze stringx.subjects, stringx.subject_rules")
    ask(shop, dataset="sales")
    found = result(shop, claimed(shop))
    read_whole = (
        "select relname, seq_scan from pg_stat_xact_user_tables where relname in ('subjects', 'subject_rules') order by 1"
    )
    with shop.transaction() as cursor:
        before = cursor.all(read_whole)
        recording.record(cursor, found, found.as_json())
        after = cursor.all(read_whole)
    assert after == before
    assert len(points(shop)) == 1


def test_the_release_before_writes_its_history_beside_this_one(shop: Database) -> None:
    about = {"kind": "table", "target": "shop", "name": "public.a"}
    part = about | {
        "verdict": "fail",
        "gate": "closed",
        "counts": {"fail": 1},
        "row_count": 10,
        "score": 0.0,
        "config_version": 1,
    }
    part |= {"state": "closed", "rank": 0, "reasons": ["a: 10 of 10 rows"], "rules_hash": "hash", "stale_at": None}
    point = about | {"rule_id": "a", "status": "fail", "failures": 10, "total": 10, "measured": None, "config_version": 1}
    values = {"parts": json_value([part]), "points": json_value([point]), "at": now(shop), "check_id": new_id()}
    with shop.transaction() as cursor:
        cursor.run(
            "select stringx.record_history(%(parts)s, %(points)s, %(at)s, %(check_id)s, 'before', 'succeeded', true, null, 5, %(at)s,"
            " %(at)s, true, 30)",
            values,
        )
    assert [each["failures"] for each in points(shop)] == [10]
    assert states(shop)["public.a"]["state"] == "closed"
    check_now(shop, table="public.a")
    assert [each["failures"] for each in points(shop)] == [0, 10]
    assert states(shop)["public.a"]["recent"] == ["fail", "pass"]


def test_a_release_that_knows_no_baselines_writes_points_without_one(shop: Database) -> None:
    point = {"rule_id": "a", "status": "pass", "failures": None, "total": 10, "measured": 7.0, "waived": False, "shadow": False}
    part = {"kind": "table", "name": "public.a", "verdict": "pass", "gate": "open", "counts": {"pass": 1}, "row_count": 10}
    part |= {"score": 1.0, "config_version": 1, "points": [point]}
    values = {"parts": json_value([part]), "at": now(shop), "check_id": new_id()}
    with shop.transaction() as cursor:
        cursor.run(
            "select stringx.write_history(%(parts)s, 'shop', %(at)s, %(check_id)s, 'before', 'succeeded', true, null, 5, %(at)s, %(at)s, 30)",
            values,
        )
    (found,) = points(shop)
    assert (found["measured"], "baseline" in found, "mark" in found) == (7.0, False, False)
