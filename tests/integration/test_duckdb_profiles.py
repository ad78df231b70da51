"""Profiles of tables of DuckDB: what is measured is true, suggestions from it run there, and nothing is shown that is hidden."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.checks.lookup import Configured, InScope
from api.checks.specification import build
from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.messages.profiles import Profile
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.suggestions import document_with, suggest
from tests.support import profiled, profiles
from tests.support.databases import Target
from tests.support.documents import CATALOGUE
from tests.support.duckdb_target import DuckdbFiles, duckdb_files
from tests.support.engine import Engine

TARGET: dict[str, Any] = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "adapter": "duckdb"}
UNLIKE = {"type", "castable", "formats", "min", "max", "quantiles", "top", "tenths"}  # written otherwise, or not measured
ORDERS = """
create table main.orders as select
    range as id, 'u' || range || '@example.com' as mail, ['open', 'paid', 'lost'][1 + range % 3] as status, (range % 97) * 1.5 as weight,
    cast((range % 13) * 0.25 + 1 as decimal(10,2)) as price, cast('2024-01-01' as date) + cast(range % 400 as integer) as day,
    timestamp '2024-01-01 10:00:00' + to_hours(range % 900) as made, timestamptz '2024-02-01 10:00:00+00' + to_hours(range % 900) as sent,
    range % 2 = 0 as flag, cast(['sad', 'ok'][1 + range % 2] as enum('sad', 'ok')) as mood, [range] as tags, {'a': range} as part,
    cast(range as bit) as bits, cast('{"a": 1}' as json) as doc, to_days(cast(range as integer)) as span, encode('b' || range) as raw,
    time '10:00:00' as clock, 'ö' || ['ä', 'Zoë', 'Bär', 'Öl'][1 + range % 4] || (range % 60) as note, if(range % 10 = 0, null, range % 7) as grade,
    cast(md5(cast(range as varchar)) as uuid) as ident, cast(range as utinyint) % 5 as tiny, cast(range % 8 as float) as half,
    cast(range as hugeint) * 1000 as huge, range % 4 + 10 as low, range % 4 + 11 as high
from range(250)
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckdbFiles]:
    with duckdb_files(tmp_path_factory.mktemp("duckdb")) as made:
        yield made


def measured(files: DuckdbFiles, path: Path, table: str, *shown: str, schema: str = "main", **changes: Any) -> Profile:
    answer = files.answer(path, profiles.specification(table, shown, schema=schema, **changes))
    return profiles.read(answer, TARGET | {"path": str(path)}, f"{schema}.{table}")


def decided(files: DuckdbFiles, path: Path, table: str, rules: list[Any]) -> dict[str, str]:
    """What each rule says of a table, after the document was accepted. Those that learn first are left out then."""
    written = {"apiVersion": "stringx/v1", "target": "shop", "table": f"main.{table}", "rules": rules}
    document = parse_table(written, CATALOGUE, lambda _: Judge(dialect_of("duckdb")))
    connection = parse_target(TARGET | {"path": str(path)})
    in_scope = InScope(Configured(document, connection, 1, ""), [rule for rule in document.rules if rule.type != "unusual"])
    order = CheckOrder(target="shop", table=f"main.{table}")
    spec = build(order, connection, [in_scope], CATALOGUE, 60)
    return {rule["id"]: f"{rule['status']} {rule}" for rule in files.outcome(path, json.loads(json.dumps(spec)))["rules"]}


def test_what_is_measured_is_what_python_and_postgresql_compute(files: DuckdbFiles, engine: Engine, target: Target) -> None:
    path = files.file(
        f"create table main.odd ({profiled.columns('duckdb')})", f"insert into main.odd values {profiled.rows('duckdb')}"
    )
    found = measured(files, path, "odd", *profiled.SHOWN)
    profiled.require_true(found)
    target.execute(f"create table odd ({profiled.columns('postgres')}); insert into odd values {profiled.rows('postgres')}")
    there = profiles.measured(engine, target, "odd", shown=profiled.SHOWN)
    profiled.require_true(there)
    for one, other in zip(found.columns, there.columns, strict=True):
        mine, theirs = (each.model_dump(exclude=UNLIKE) for each in (one, other))
        for each in (mine, theirs):
            each.update({name: pytest.approx(each[name], rel=1e-6) for name in ("mean", "stddev") if each[name] is not None})
        assert mine == theirs


def test_what_the_catalog_knows(files: DuckdbFiles) -> None:
    path = files.file(
        "create table main.shops (id integer primary key, name varchar)",
        """create table main.t (id integer primary key, shop integer references main.shops (id), mood enum('sad', 'it''s') not null,
            price decimal(10,2) check (price > 0), twice integer generated always as (id * 2), unique (shop, mood))""",
        "comment on table main.t is 'orders'; comment on column main.t.mood is 'how it was'",
        "insert into main.shops values (1, 'a'); insert into main.t (id, shop, mood, price) values (1, 1, 'sad', 1), (2, 1, 'it''s', 2)",
    )
    found = measured(files, path, "t", "id", "mood")
    assert found.comment == "orders"
    mood = profiled.of(found, "mood")
    assert (mood.comment, mood.enum, mood.not_null, mood.min) == ("how it was", ["sad", "it's"], True, None)
    assert profiled.of(found, "twice").is_generated
    assert [(each.kind, each.columns, each.definition) for each in found.constraints] == [
        ("primary_key", ["id"], "PRIMARY KEY(id)"),
        ("unique", ["shop", "mood"], "UNIQUE(shop, mood)"),
        ("check", ["price"], "CHECK (price > 0)"),
    ]
    assert [(each.columns, each.other_table, each.other_columns) for each in found.foreign_keys] == [
        (["shop"], "main.shops", ["id"])
    ]
    assert (profiled.of(found, "id").distinct, found.key_shares[0].origin) == (2, "constraint")


def test_what_is_not_decided_as_on_postgresql_is_not_measured(files: DuckdbFiles) -> None:
    found = measured(files, files.file(ORDERS), "orders", "doc", "span", "mood", "mail")
    doc, span, mood, mail = (profiled.of(found, name) for name in ("doc", "span", "mood", "mail"))
    assert (doc.distinct, doc.blanks, doc.top, span.distinct, span.quantiles, mood.min) == (None, None, None, None, None, None)
    assert mail.castable is None
    assert "json" not in (mail.formats or {"json": 1})
    assert any("not measured on DuckDB" in note for note in found.notes)


def test_suggestions_are_accepted_pass_and_notice_a_broken_copy(files: DuckdbFiles) -> None:
    path = files.file(
        ORDERS,
        "create table main.known (id bigint primary key, price decimal(10,2) check (price > 0), shop bigint references main.known (id))",
        "insert into main.known select range, 1 + range, null from range(40)",
        """create table main.broken as select * replace (case when id % 5 = 0 then null else mail end as mail, 'gone' as status, weight * 1000 as weight,
            price - 1000 as price, day + 365000 as day, null as grade, ' ' || note as note, 7 as tiny, 100 - low as low) from main.orders limit 100""",
    )
    everything = [column.name for column in measured(files, path, "orders").columns]
    for shown in (everything, []):
        found = measured(files, path, "orders", *shown)
        suggested = suggest(found, CATALOGUE, adapter="duckdb")
        rules = document_with(None, found, suggested)["rules"]
        assert {rule["type"] for rule in rules} >= {
            "row_count",
            "unique",
            "format",
            "not_blank",
            "columns",
            "column_type",
            "regex",
        }
        said = decided(files, path, "orders", rules)
        assert [words for words in said.values() if not words.startswith("pass")] == []
        assert len(said) > 30
        noticed = {id for id, words in decided(files, path, "broken", rules).items() if words.startswith("fail")}
        assert noticed >= {"mail_not_blank", "enough_rows", "low_up_to_high", "note_form"}, noticed
        assert noticed >= ({"weight_between", "price_between", "status_accepted"} if shown else set()), noticed
    found = measured(files, path, "known", "id", "price")
    rules = [each.rule for each in suggest(found, CATALOGUE, adapter="duckdb")]
    assert {"unique", "expression", "relationship"} <= {rule["type"] for rule in rules}
    assert not [rule for rule in rules if "verify" in rule]
    assert {words.split()[0] for words in decided(files, path, "known", rules).values()} == {"pass"}


def test_a_broken_column_hides_no_other(files: DuckdbFiles) -> None:
    path = files.file(
        "create table main.base as select range as a, if(range = 7, 'x', '1') as b from range(20)",
        "create view main.t as select a, cast(b as integer) as broken, a * 2 as c from main.base",
    )
    found = measured(files, path, "t", "a", "broken", "c")
    a, broken, c = found.columns
    assert (a.error, c.error, a.distinct, c.max, found.relation) == (None, None, 20, "38", "view")
    assert broken.error == "invalid text representation (SQLSTATE 22P02)"


def test_numbers_too_large_for_a_mean_are_measured_but_for_that(files: DuckdbFiles) -> None:
    path = files.file(
        "create table main.huge as select cast(x as double) as x, 1 as y from (values (1e308), (1e308), (0)) as t(x)"
    )
    x, y = measured(files, path, "huge").columns
    assert (x.mean, x.stddev, x.zeros, x.distinct, y.mean) == (None, None, 1, 2, 1)


def test_a_sample_is_the_same_each_time_and_views_are_read_whole(files: DuckdbFiles) -> None:
    path = files.file(
        "create table main.t as select range as a, range % 10 as b from range(40000)", "create view main.w as from main.t"
    )
    one, other = (measured(files, path, "t", "a", sample_rows=4000) for _ in range(2))
    assert one.sample is not None
    assert 3000 < one.sample.rows < 5000
    assert (one.row_count, one.is_estimated, one.sample.method) == (40000, True, "bernoulli")
    assert one.columns == other.columns
    a = one.columns[0]
    assert (a.distinct, a.nulls, a.is_distinct_exact) == (one.sample.rows, 0, False)
    large = measured(files, path, "t", sampled_above=20000, default_rows=10000)
    assert large.sample is not None
    assert large.sample.method == "system"
    whole = measured(files, path, "w", sample_rows=4000)
    assert (whole.sample, whole.row_count) == (None, 40000)
    assert "a view cannot be sampled: all of its rows were read" in whole.notes


@pytest.mark.parametrize("rows", [20_000, 400_000])
def test_what_moves_along_the_table(files: DuckdbFiles, rows: int) -> None:
    path = files.file(
        f"create table main.t as select if(range < {rows // 10}, null, range) as a, range % 7 as b, 5 as c from range({rows})"
    )
    found = measured(files, path, "t")
    a, b, _ = (column.tenths for column in found.columns)
    assert a is not None
    assert b is not None
    assert (a.fewest_nulls, a.most_nulls) == (0, pytest.approx(1, abs=0.2))
    assert a.least_mean is not None
    assert a.greatest_mean is not None
    assert a.greatest_mean - a.least_mean > rows / 2
    assert (b.least_mean, b.greatest_mean) == (pytest.approx(3, abs=0.1), pytest.approx(3, abs=0.1))
    assert ("b", "c") not in {(each.column, each.other_column) for each in found.comparisons}


def test_each_column_of_a_wide_table(files: DuckdbFiles) -> None:
    columns = ", ".join(f"range * {n} as i{n}, 'a' || range % {n + 2} as t{n}, range / {n + 1}.0 as f{n}" for n in range(30))
    found = measured(files, files.file(f"create table main.wide as select {columns} from range(20000)"), "wide")
    assert [column.name for column in found.columns if column.error is not None or column.tenths is None] == []
    assert {("i1", "i2"), ("f0", "i2")} <= {(each.column, each.other_column) for each in found.comparisons}


def test_a_key_of_two_columns_and_whole_rows(files: DuckdbFiles) -> None:
    path = files.file("create table main.t as select range // 20 as a, range % 20 as b, 'x' as c from range(400)")
    shares = {tuple(each.columns): each.share for each in measured(files, path, "t").key_shares}
    assert shares[("a", "b")] == shares[("a", "b", "c")] == 1


def test_a_table_that_is_not_there_and_a_column_that_is_not(files: DuckdbFiles) -> None:
    path = files.file("create table main.t as select 1 as a")
    for table, columns, reason in (
        ("gone", None, "there is no table main.gone"),
        ("t", ["b"], 'column "b" does not exist'),
    ):
        answer = files.answer(path, profiles.specification(table, schema="main", columns=columns))
        assert json.loads(answer.outcome or "")["tables"][0]["reason"] == reason
