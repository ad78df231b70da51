"""The rule type `compare_rows`: rows of two tables by their key, against Python's own comparison."""

import random
from typing import Any

import pytest

from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

Row = tuple[Any, ...]
PLACES = {"id": 0, "part": 1, "n": 2, "v": 3}


def loaded(target: Target, name: str, columns: str, rows: list[Row]) -> None:
    target.execute(f"create table {name} ({columns})")
    for row in rows:
        target.execute(f"insert into {name} values ({', '.join(['%s'] * len(row))})", row)  # type: ignore[arg-type]


def found_by(engine: Engine, target: Target, *columns: str, where: str | None = None, **arguments: Any) -> dict[str, Any]:
    given = {"other_table": "public.theirs", "key": "id"} | arguments
    spec = gate(
        "mine", rule("r", "compare_rows", *columns, where=where, **given), key=["id"], sample_columns=["v"], sample_rows=9
    )
    return engine.rules(target, spec)["r"]


def test_missing_extra_and_different_rows_are_counted_as_python_counts_them(engine: Engine, target: Target) -> None:
    chance = random.Random(21)
    texts = [None, "a", "A", "ä", "", "it's"]

    def made(keys: list[Any]) -> list[Row]:
        return [(key, chance.choice([None, "x"]), chance.choice([None, 0, 1, 2]), chance.choice(texts)) for key in keys]

    for number in range(12):
        mine = made(chance.sample(range(12), chance.randint(0, 9)) + [None] * chance.randint(0, 2))
        theirs = made(chance.sample(range(12), chance.randint(0, 9)) + [None] * chance.randint(0, 2))
        for name, rows in (("mine", mine), ("theirs", theirs)):
            target.execute(f"drop table if exists {name}")
            loaded(target, name, "id integer, part text, n numeric, v text", rows)
        key = ["id"] if number % 2 else ["part", "id"]
        columns = [("n", "v"), ("v",), ()][number % 3]

        compared = [PLACES[name] for name in (columns or ("part", "n", "v")) if name not in key]

        def by_key(rows: list[Row], key: list[str] = key) -> dict[Row, Row]:
            return {found: row for row in rows if None not in (found := tuple(row[PLACES[name]] for name in key))}

        here, there = by_key(mine), by_key(theirs)
        pairs = here.keys() & there.keys()
        different = sum(any(here[each][place] != there[each][place] for place in compared) for each in pairs)
        missing, extra = len(theirs) - len(pairs), len(mine) - len(pairs)
        told = found_by(engine, target, *columns, key=key)
        assert told["reason"] is None, told
        assert (told["failures"], told["total"]) == (missing + extra + different, missing + extra + len(pairs)), number
        said = told["found"]
        assert (said["missing"] or 0, said["extra"] or 0, said["different"] or 0) == (missing, extra, different)


@pytest.mark.parametrize(("tolerance", "failures"), [(None, 5), (0, 5), (0.5, 4), ("0.5", 4), (1, 3), ("10%", 3), ("100 %", 2)])
def test_numbers_may_differ_by_a_tolerance(engine: Engine, target: Target, tolerance: Any, failures: int) -> None:
    theirs = [(1, "10"), (2, "10"), (3, "10"), (4, "NaN"), (5, "Infinity"), (6, None), (7, "100")]
    mine = [(1, "10.5"), (2, "11"), (3, "12"), (4, "NaN"), (5, "10"), (6, "0"), (7, "100")]
    loaded(target, "theirs", "id integer, v numeric", theirs)
    loaded(target, "mine", "id integer, v double precision", mine)
    told = found_by(engine, target, "v", **({} if tolerance is None else {"tolerance": tolerance}))
    assert (told["reason"], told["failures"], told["total"]) == (None, failures, 7)


def test_a_key_that_repeats_is_no_key(engine: Engine, target: Target) -> None:
    """It never passes, also if the rows that repeat are the same."""
    for mine, theirs in ([(1, "a"), (1, "a")], [(1, "a")]), ([(1, "a")], [(1, "a"), (1, "a")]), ([(1, "a")] * 2, [(1, "a")] * 2):
        target.execute("drop table if exists mine, theirs")
        loaded(target, "mine", "id integer, v text", mine)
        loaded(target, "theirs", "id integer, v text", theirs)
        told = found_by(engine, target, "v")
        assert told["status"] == "error"
        assert told["reason"].startswith("the key does not identify rows")


def test_a_fault_is_found_beside_more_words_than_an_outcome_holds(engine: Engine, target: Target) -> None:
    """Names whose characters JSON escapes by six others each."""
    names = [f"{chr(1) * 59}{number}" for number in range(10, 90)]
    quoted = ", ".join(f'"{name}" integer' for name in names)
    target.execute(f"create table mine (id integer, {quoted}); create table theirs (id integer, {quoted})")
    target.execute(
        f"insert into mine (id, {quoted.replace(' integer', '')}) select 1{', 1' * len(names)} from generate_series(1, 2)"
    )
    target.execute("insert into theirs (id) values (1)")
    tested = rule("r", "compare_rows", *names, fail_above=99, other_table="public.theirs", key="id")
    told = engine.rules(target, gate("mine", tested))["r"]
    assert (told["status"], told["reason"]) == (
        "error",
        "the key does not identify rows: its values repeat in one of the two tables",
    )


def test_conditions_narrow_each_side_and_rows_are_shown(engine: Engine, target: Target) -> None:
    loaded(target, "mine", "id integer, v text, secret text", [(1, "a", "s"), (2, "b", "s"), (3, "c", "s"), (9, "x", "s")])
    loaded(target, "theirs", "id integer, v text, secret text", [(1, "a", "s"), (2, "B", "s"), (4, "d", "t"), (8, "x", "s")])
    told = found_by(engine, target, "v", "secret", where="id < 9", other_where="id < 8")
    assert (told["failures"], told["total"]) == (3, 4)
    assert told["found"]["by_column"] == ["v 1"]
    assert told["sample"] == {"columns": ["id", "v"], "rows": [[2, "b"], [3, "c"], [4, None]]}


@pytest.mark.parametrize(
    ("mine", "theirs", "columns", "words"),
    [
        ("id integer", "id integer, v text", (), 'this table has no column "v", and the other one has'),
        ("id integer, v text", "id integer", (), 'the other table has no column "v"; name the columns'),
        ("id integer, v text", "id integer", ("v",), 'the other table has no column "v"'),
        ("v text", "id integer, v text", ("v",), 'this table has no column "id"'),
        ("mine text, v text", "mine text, v text", ("mine",), 'this table has no column "id"'),
        ("id integer, v integer", "id integer, v text", ("v",), "operator does not exist"),
    ],
)
def test_tables_that_cannot_be_compared_are_an_error(
    engine: Engine, target: Target, mine: str, theirs: str, columns: tuple[str, ...], words: str
) -> None:
    target.execute(f"create table mine ({mine}); create table theirs ({theirs})")
    target.execute("insert into mine values (null)")
    told = found_by(engine, target, *columns)
    assert told["status"] == "error"
    assert told["reason"].startswith(words), told["reason"]


def test_a_table_that_is_not_there_is_named(engine: Engine, target: Target) -> None:
    loaded(target, "mine", "id integer, v text", [(1, "a")])
    told = found_by(engine, target, "v", other_table="public.nowhere")
    assert (told["status"], told["reason"]) == ("error", 'relation "public.nowhere" does not exist')


def test_columns_of_every_type_are_compared(engine: Engine, target: Target) -> None:
    types = {
        "j": ("json", '{"a": 1}', '{ "a":1.0}'), "p": ("point", "(1,2)", "(1,2)"), "t": ("text", "ä", "ä"),
        "c": ('text collate "C"', "a", "a"), "a": ("integer[]", "{1,NULL}", "{1,NULL}"), "r": ("int4range", "[1,3)", "[1,2]"), "b": ("bytea", "\\x00", "\\x00"),
        "i": ("inet", "10.0.0.1", "10.0.0.1/32"), "n": ("numeric", "1.0", "1.00"), "d": ("char(5)", "a", "a  "), "ja": ("json[]", "{}", "{}"),
    }  # fmt: skip
    for name, place in (("mine", 1), ("theirs", 2)):
        columns = ", ".join(
            f"{column} {made[0].replace(' collate', ' collate') if place == 1 else made[0].split(' ')[0]}"
            for column, made in types.items()
        )
        target.execute(f"create table {name} (id integer, {columns})")
        values = ", ".join(f"'{made[place]}'" for made in types.values())
        target.execute(f"insert into {name} values (1, {values})")
    told = found_by(engine, target)
    assert (told["reason"], told["failures"], told["total"]) == (None, 0, 1)
    for column in types:
        target.execute(f"update mine set {column} = null")
        told = found_by(engine, target)
        assert (told["failures"], told["found"]["by_column"]) == (1, [f"{column} 1"])
        target.execute(f"update theirs set {column} = null")


def test_a_condition_that_no_row_meets_makes_all_rows_missing(engine: Engine, target: Target) -> None:
    loaded(target, "mine", "id integer, v text", [(1, "a")])
    loaded(target, "theirs", "id integer, v text", [(1, "a"), (2, "b")])
    told = found_by(engine, target, "v", where="id > 5")
    assert (told["status"], told["failures"], told["total"]) == ("fail", 2, 2)
