"""Profiles of tables of Trino: what is measured is true, suggestions from it run there, and samples are the same for all statements."""

import json
from collections.abc import Iterator
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
from tests.support.documents import CATALOGUE
from tests.support.trino_server import Trino
from tests.support.trino_tables import TrinoTables, trino_tables

HEAD: dict[str, Any] = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "adapter": "trino", "host": "127.0.0.1"}
ORDERS = """
create table orders as select
    cast(n as bigint) as id, 'u' || cast(n as varchar) || '@example.com' as mail, element_at(array['open', 'paid', 'lost'], cast(1 + n % 3 as integer)) as status,
    cast(n % 97 as double) * 1.5e0 as weight, cast(n % 13 * decimal '0.25' + 1 as decimal(10, 2)) as price, date_add('day', n % 400, date '2024-01-01') as day,
    cast(date_add('hour', n % 900, timestamp '2024-01-01 10:00:00') as timestamp(6)) as made, cast(date_add('hour', n % 900, timestamp '2024-02-01 10:00:00 UTC') as timestamp(6) with time zone) as sent,
    n % 2 = 0 as flag, array[n] as tags, cast(row(n) as row(a bigint)) as part, to_utf8('b' || cast(n as varchar)) as raw, time '10:00:00' as clock,
    'ö' || element_at(array['ä', 'Zoë', 'Bär', 'Öl'], cast(1 + n % 4 as integer)) || cast(n % 60 as varchar) as note, if(n % 10 = 0, null, n % 7) as grade,
    cast(cast(n % 8 as integer) as real) as half, n % 4 + 10 as low, n % 4 + 11 as high, upper(to_hex(md5(to_utf8(cast(n as varchar))))) as code, 'it is ' || cast(n % 70 as varchar) as words
from unnest(sequence(0, 249)) as t (n)
"""


@pytest.fixture(scope="module")
def lake(trino: Trino, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrinoTables]:
    with trino.a_schema() as schema, trino_tables(tmp_path_factory.mktemp("trino"), trino, "lake", schema) as made:
        yield made


def target(lake: TrinoTables) -> dict[str, Any]:
    return HEAD | {"port": lake.trino.port, "catalog": lake.catalog, "schema": lake.schema, "user": "tests"}


def measured(lake: TrinoTables, table: str, *shown: str, **changes: Any) -> Profile:
    answer = lake.answer(profiles.specification(table, shown, schema=lake.schema, **changes))
    return profiles.read(answer, target(lake), f"{lake.schema}.{table}")


def decided(lake: TrinoTables, table: str, rules: list[Any]) -> dict[str, str]:
    """What each rule says of a table, after the document was accepted. Those that learn first are left out then."""
    written = {"apiVersion": "stringx/v1", "target": "shop", "table": f"{lake.schema}.{table}", "rules": rules}
    document = parse_table(written, CATALOGUE, lambda _: Judge(dialect_of("trino")))
    connection = parse_target(target(lake))
    in_scope = InScope(Configured(document, connection, 1, ""), [rule for rule in document.rules if rule.type != "unusual"])
    order = CheckOrder(target="shop", table=f"{lake.schema}.{table}")
    spec = build(order, connection, [in_scope], CATALOGUE, 60)
    return {rule["id"]: f"{rule['status']} {rule}" for rule in lake.outcome(json.loads(json.dumps(spec)))["rules"]}


def test_what_is_measured_is_what_python_computes(lake: TrinoTables) -> None:
    lake.execute(f"create table odd ({profiled.columns('trino')})", f"insert into odd values {profiled.rows('trino')}")
    found = measured(lake, "odd", *profiled.SHOWN)
    profiled.require_true(found)
    assert any("was read at its snapshot" in note for note in found.notes)
    assert [column.tenths for column in found.columns if column.tenths is not None] == []


def test_suggestions_are_accepted_pass_and_notice_a_broken_copy(lake: TrinoTables) -> None:
    lake.execute(
        ORDERS,
        """create table broken as select id, if(id % 5 = 0, null, mail) as mail, 'gone' as status, weight * 1e3 as weight, cast(price - 1000 as decimal(10, 2)) as price,
            date_add('year', 1000, day) as day, made, sent, flag, tags, part, raw, clock, ' ' || note as note, cast(null as bigint) as grade, half, low, high, lower(code) as code, words
            from orders where id < 100""",
    )
    everything = [column.name for column in measured(lake, "orders").columns]
    for shown in (everything, []):
        found = measured(lake, "orders", *shown)
        assert [(column.name, column.error) for column in found.columns if column.error is not None] == []
        rules = document_with(None, found, suggest(found, CATALOGUE, adapter="trino"))["rules"]
        assert {rule["type"] for rule in rules} >= {
            "row_count",
            "unique",
            "format",
            "not_blank",
            "columns",
            "column_type",
            "regex",
        }
        said = decided(lake, "orders", rules)
        assert [words for words in said.values() if not words.startswith("pass")] == []
        assert len(said) > 30
        noticed = {id for id, words in decided(lake, "broken", rules).items() if words.startswith("fail")}
        assert noticed >= {"mail_not_blank", "enough_rows", "note_form", "code_form"}, noticed
        assert noticed >= ({"weight_between", "price_between", "status_accepted"} if shown else set()), noticed


def test_what_the_catalog_knows_and_what_is_not_measured(lake: TrinoTables) -> None:
    lake.execute(
        "create table known (id bigint not null comment 'the key', doc row(a integer), tags array(integer), text varchar)",
        "comment on table known is 'orders'",
        "insert into known values (1, row(1), array[], 'a'), (2, null, array[1, 2], '')",
        "create view seen as select * from known",
    )
    found = measured(lake, "known", "id", "doc", "tags")
    id, doc, tags, text = (profiled.of(found, name) for name in ("id", "doc", "tags", "text"))
    assert (found.comment, id.comment, id.not_null, doc.not_null) == ("orders", "the key", True, False)
    assert (doc.nulls, doc.distinct, doc.top, tags.distinct, tags.blanks) == (1, None, None, None, 1)
    assert tags.length is not None
    assert (tags.length.min, tags.length.max, tags.length.mean) == (0, 2, 1)
    assert (text.castable, text.blanks) == (None, 1)
    assert any("not measured on Trino" in note for note in found.notes)
    whole = measured(lake, "seen", sample_rows=1)
    assert (whole.relation, whole.sample, whole.row_count) == ("view", None, 2)


def test_a_broken_column_hides_no_other(lake: TrinoTables) -> None:
    lake.execute(
        "create table base as select n as a, if(n = 7, 'x', '1') as b from unnest(sequence(0, 19)) as t (n)",
        "create view halves as select a, cast(b as integer) as broken, a * 2 as c from base",
    )
    a, broken, c = measured(lake, "halves", "a", "broken", "c").columns
    assert (a.error, c.error, a.distinct, c.max) == (None, None, 20, "38")
    assert broken.error == "invalid character value for cast (SQLSTATE 22018)"


def test_a_sample_is_the_same_for_all_statements_and_each_time(lake: TrinoTables) -> None:
    numbers = "unnest(sequence(0, 9999)) as t (n) cross join unnest(sequence(0, 3)) as u (m)"
    lake.execute(
        f"create table many as select n * 4 + m as a, n % 10 as b, 'x' as c from {numbers}",
        f"create table alike as select n % 10 as b, 'x' as c from {numbers}",
    )
    one, other = (measured(lake, "many", "a", "b", sample_rows=4000) for _ in range(2))
    assert one.sample is not None
    assert (one.row_count, one.is_estimated) == (40000, True)
    assert 3500 < one.sample.rows < 4500
    assert one.columns == other.columns
    a, b = one.columns[:2]
    assert (a.distinct, a.singles, sum(each.count for each in b.top or ())) == (one.sample.rows,) * 3
    whole = measured(lake, "alike", sample_rows=4000)
    assert (whole.sample, whole.row_count) == (None, 40000)
    assert any("no column tells its rows apart" in note for note in whole.notes)


def test_a_table_that_is_not_there_and_a_column_that_is_not(lake: TrinoTables) -> None:
    lake.execute("create table here as select 1 as a")
    missing = f"Table 'lake.{lake.schema}.gone' does not exist"
    for table, columns, reason in (("gone", None, missing), ("here", ["b"], 'column "b" does not exist')):
        answer = lake.answer(profiles.specification(table, schema=lake.schema, columns=columns))
        assert json.loads(answer.outcome or "")["tables"][0]["reason"] == reason
