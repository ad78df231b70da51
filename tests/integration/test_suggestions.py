"""Suggestions from real profiles, decided by real checks: they pass on what they were made of, and notice faults."""

import csv
import io

import pytest

from benchmarks.suggestions.checking import Checker
from benchmarks.suggestions.data import Table
from benchmarks.suggestions.measure import LEARNING
from launch import demo
from stringx_dataops.contract.messages.profiles import KeyShare, Tenths
from stringx_dataops.suggestions import document_with, suggest
from tests.support.databases import Target
from tests.support.documents import CATALOGUE
from tests.support.engine import Engine

# Ten ways to break the register of planes, and the rules that notice. The statements run on a copy.
FAULTS = {
    "NULLs": "update t set manufacturer = null where ctid in (select ctid from t order by md5(tailnum) limit 100)",
    "duplicates": "insert into t select * from t order by md5(tailnum) limit 100",
    "half of a load": "delete from t where ctid in (select ctid from t order by tailnum limit 1661)",
    "another unit": "update t set seats = seats * 1000",
    "negative numbers": "update t set seats = -seats where ctid in (select ctid from t order by md5(tailnum) limit 100)",
    "swapped columns": "update t set engine = type, type = engine",
    "a constant": "update t set model = 'A320'",
    "padded keys": "update t set tailnum = tailnum || ' ' where ctid in (select ctid from t order by md5(tailnum) limit 100)",
    "another encoding": "update t set model = 'Ã¼' || model where ctid in (select ctid from t order by md5(tailnum) limit 100)",
    "another century": "update t set year = year - 100 where ctid in (select ctid from t order by md5(tailnum) limit 100)",
}
EXPECTED = {
    "NULLs": {"manufacturer_not_blank"},
    "duplicates": {"tailnum_unique"},
    "half of a load": {"enough_rows"},
    "another unit": {"seats_between", "seats_stddev"},
    "negative numbers": {"seats_between"},
    "swapped columns": {"engine_accepted", "type_accepted"},
    "a constant": {"model_distinct"},
    "padded keys": {"tailnum_form"},
    "another encoding": {"model_form"},
    "another century": {"year_between"},
}
SUGGESTED = [
    "enough_rows",
    "tailnum_not_blank",
    "type_not_blank",
    "manufacturer_not_blank",
    "model_not_blank",
    "engines_not_null",
    "seats_not_null",
    "engine_not_blank",
    "tailnum_unique",
    "type_accepted",
    "year_between",
    "engines_between",
    "seats_between",
    "tailnum_form",
    "manufacturer_form",
    "model_form",
    "year_not_null",
    "engine_accepted",
    "seats_stddev",
    "engines_stddev",
    "columns_there",
    "year_distinct",
    "manufacturer_distinct",
    "model_distinct",
    "engine_distinct",
    "speed_type",
]


def test_what_is_suggested_for_planes_passes_on_them_and_notices_faults(target: Target, engine: Engine) -> None:
    checker = Checker(engine, target)
    kinds = dict(column.split() for column in demo.TABLES["planes"].split(", "))
    with demo._csv("planes") as file:
        [_, *written] = csv.reader(io.StringIO(file.read().decode()))
    rows: list[list[str | None]] = [[None if value == "NA" else value for value in row] for row in written]
    checker.load("planes", Table(list(kinds), list(kinds.values()), rows))
    found = suggest(checker.profile("planes", list(kinds)), CATALOGUE)
    rules = [each.rule for each in found if each.rule["type"] not in LEARNING]
    assert [rule["id"] for rule in rules] == SUGGESTED
    assert set(checker.statuses("planes", rules).values()) == {"pass"}
    noticed = {}
    for name, statement in FAULTS.items():
        target.execute("drop table if exists t; create table t as select * from planes")
        target.execute(statement)
        noticed[name] = {rule for rule, status in checker.statuses("t", rules).items() if status != "pass"}
    assert noticed == EXPECTED


@pytest.mark.parametrize("shown", [True, False])
def test_any_column_gets_rules_that_pass_on_its_data(target: Target, engine: Engine, shown: bool) -> None:
    """Types, names and values as they come: odd ones, too."""
    target.execute(
        """
        create type mood as enum ('sad', 'ok', 'happy');
        create function is_good(text) returns boolean immutable language sql as 'select true';
        create table odd (
            id bigint generated always as identity primary key, "na*me?[" text, mood mood, flag boolean, price numeric(12, 2) check (price >= 0),
            ratio double precision, big numeric, day date, at timestamptz, local timestamp, span interval, hour time, key uuid unique, doc jsonb,
            list integer[], bytes bytea, net inet, code char(4), empty text, void integer, parent bigint references odd (id), zip text check (is_good(zip)),
            size text default 'm' check (size in ('s', 'm', 'it''s')));
        insert into odd ("na*me?[", mood, flag, price, ratio, big, day, at, local, span, hour, key, doc, list, bytes, net, code, empty, parent, zip)
        select case when n % 50 = 0 then null else 'O''Neill "' || n || '" ü' end, (array['sad', 'ok'])[1 + n % 2]::mood, n % 3 = 0, n * 1.25,
            case when n = 7 then 'NaN' else n / 7.0 end, n * 1e30, date '2020-01-01' + n, now() - n * interval '1 hour', '2020-01-01', interval '1 day' * n,
            '12:00', gen_random_uuid(), json_build_object('n', n), array[n], '\\x00', '10.0.0.1', 'ab', '', nullif(n, 1) - 1, lpad(n::text, 5, '0')
        from generate_series(1, 400) n
        """
    )
    checker = Checker(engine, target)
    names = [name for (name,) in target.query("select attname from pg_attribute where attrelid = 'odd'::regclass and attnum > 0")]
    profile = checker.profile("odd", names if shown else ())
    found = suggest(profile, CATALOGUE)
    rules = [rule for rule in document_with(None, profile, found)["rules"] if rule["type"] not in LEARNING]
    assert len(rules) > 30
    assert {rule: status for rule, status in checker.statuses("odd", rules).items() if status != "pass"} == {}


def test_shapes_of_texts_and_rows_that_repeat_are_measured(target: Target, engine: Engine) -> None:
    rows: list[list[str | None]] = [["A1", "x"], ["A1", "x"], ["b 2", "É"], ["07", "Ã©"], [None, "a\tb"], [None, "a\tb"]]
    checker = Checker(engine, target)
    checker.load("t", Table(["code", "word", "n"], ["text", "text", "integer"], [[*row, "1"] for row in rows] * 20))
    profile = checker.profile("t")
    code, word = profile.columns[:2]
    assert code.shapes == {"ascii": 80, "alphanumeric": 60, "digits": 20, "upper": 60, "lower": 40, "capital": 60, "clean": 80}
    assert word.shapes == {"ascii": 40, "alphanumeric": 40, "digits": 0, "upper": 40, "lower": 120, "capital": 40, "clean": 60}
    assert not profile.key_shares
    checker.load(
        "t", Table(["code", "word", "n"], ["text", "text", "integer"], [[f"{n}", f"{n % 7}", "1"] for n in [*range(199), 0]])
    )
    assert KeyShare(columns=["code", "word", "n"], share=0.995, origin="measured") in checker.profile("t").key_shares


def test_how_steady_columns_are_along_the_table_and_which_are_never_above_others_is_measured(
    target: Target, engine: Engine
) -> None:
    checker = Checker(engine, target)
    rows: list[list[str | None]] = []
    for n in range(5000):
        rows.append(
            [str(n), str(n % 10), None if n < 1000 else "x", f"2026-01-{1 + n % 20:02}", f"2026-01-{1 + n % 20 + n % 3:02}"]
        )
    checker.load("t", Table(["n", "digit", "word", "since", "until"], ["integer", "integer", "text", "date", "date"], rows))
    profile = checker.profile("t")
    n, digit, word, since, _ = (column.tenths or Tenths(fewest_nulls=-1, most_nulls=-1) for column in profile.columns)
    assert (n.greatest_mean or 0) - (n.least_mean or 0) > 4000
    assert (digit.least_mean, digit.greatest_mean, digit.tenth) == (4.5, 4.5, 500)
    assert (word.fewest_nulls, word.most_nulls, since.most_nulls) == (0, 1, 0)
    compared = {(each.column, each.other_column): (each.rows, each.at_most, each.at_least) for each in profile.comparisons}
    assert compared["since", "until"] == (5000, 5000, 1667)
    target.execute("create view v as select * from t")
    seen = checker.profile("v")
    assert [column.tenths for column in seen.columns] == [None] * 5
    assert not seen.comparisons


def test_of_a_large_table_blocks_are_compared(target: Target, engine: Engine) -> None:
    target.execute(
        "create table big as select n, n % 10 as digit, case when n > 100000 then n end as late from generate_series(1, 120000) n"
    )
    columns = {column.name: column.tenths for column in Checker(engine, target).profile("big").columns}
    n, digit, late = columns["n"], columns["digit"], columns["late"]
    assert n is not None
    assert digit is not None
    assert late is not None
    assert (n.greatest_mean or 0) - (n.least_mean or 0) > 90_000
    assert (digit.greatest_mean or 9) - (digit.least_mean or 0) < 0.5
    assert (late.fewest_nulls, late.most_nulls) == (0, 1)
