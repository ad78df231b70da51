"""Custom SQL for Trino as we read it and as Trino's own parser does: what is accepted is one expression, or one query, that calls
allowed functions only and reads the tables that we know of. And on a real Trino: it reads no other table and changes nothing."""

import json
import logging
import random
import re
from collections.abc import Iterator, Sequence

import pytest
from trino.exceptions import TrinoQueryError

from stringx_dataops.contract.custom_sql.trino.judging import fault_of_condition, fault_of_query, relations_of_query
from stringx_dataops.contract.custom_sql.trino.sql_words import (
    AGGREGATES,
    ALLOWED_FUNCTIONS,
    BEFORE_PARENTHESIS,
    IN_QUERY,
    WINDOWS,
)
from tests.safety.payloads import corpus
from tests.support import conditions
from tests.support.trino_parser import Parser, parser
from tests.support.trino_server import Trino
from tests.support.trino_sql import CONDITIONS, QUERIES

TRIES = 6000
# Of what Trino's parser makes: what no condition and no query may hold.
NEVER = frozenset(
    [
        "CurrentUser", "CurrentCatalog", "CurrentSchema", "CurrentPath", "LambdaExpression", "Parameter", "QueryPeriod",
        "TableFunctionInvocation", "TableFunctionTableArgument", "PatternRecognitionRelation", "SampledRelation", "JsonTable",
        "FunctionSpecification", "SubscriptExpression", "Format", "DereferenceExpression.all", "Array",
    ]
)  # fmt: skip
# A keyword that calls nothing by itself; in strange places Trino looks for a function of this name, and there is none.
CALLS = ALLOWED_FUNCTIONS | BEFORE_PARENTHESIS
CALLS_OF_QUERY = CALLS | AGGREGATES | WINDOWS | IN_QUERY
NOT_IN_A_CONDITION = frozenset(
    [
        "SubqueryExpression",
        "ExistsPredicate",
        "QuantifiedComparisonExpression",
        "WindowSpecification",
        "AllColumns",
        "TableSubquery",
    ]
)
PIECES = [
    "a", "b", "1", "1.5", "1.", ".5", "'x'", "(", ")", "--", "/*", "*/", "lower", "now", "and", "or", "not", "=", "<", ">", "-", "*",
    "::", "'", '"', "`", ".", ",", "[", "]", "$$", "$1", ":", "?", "@", "#", "|", "||", "&", "!", "~", "%", "\\", "U&'", 'U&"',
    "uescape", "x'", "X", "case", "when", "then", "end", "is", "null", "in", "any", "all", "array", "row", "cast", "as", "interval",
    "date", "timestamp", "time", "with", "zone", "at", "between", "like", "escape", "from", "substring", "trim", "both", "distinct",
    "->", "=>", "==", "//", "select", "union", "values", "table", "table(", "exists", "unnest", "unnest(", "recursive", "order", "by",
    "limit", "over", "filter", "current_user", "current_catalog", "current_path", "current_schema", "localtime", "current_timestamp",
    "for", "version", "as of", "of", "for version as of 3", "tablesample", "bernoulli", "match_recognize", "json_table",
    "random()", "uuid()", "sequence(1, 2)", "format(", "system.", "information_schema.", '"checked$snapshots"', '"$path"', "lateral",
    "function", "describe", "input", "execute", "immediate", "explain", "fetch", "first", "rows", "only", "ties", "grouping",
    "sets", "cube", "rollup", "if", "try", "nullif", "normalize", "nfc", "position", "extract", "year", "listagg", "within",
    "overflow", "truncate", "json_value(", "json_exists(", "lax", "window", "w", "\n", "\t", "\x0b", "\xa0", "\ufeff", "é", " ",
]  # fmt: skip


@pytest.fixture(scope="module")
def reader() -> Iterator[Parser]:
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    with parser() as found:
        yield found


@pytest.fixture(scope="module")
def shop(trino: Trino) -> Iterator[str]:
    """A schema with the table that is checked, and one that must stay as it is and be read by nobody."""
    with trino.a_schema("lake") as name:
        trino.run(
            "create table checked (a bigint, b varchar, c varchar, d timestamp(6))",
            "insert into checked values (1, 'x', 'y', timestamp '2026-01-01 00:00:00'), (null, null, null, null)",
            "create table shop (a bigint)",
            "create table gold (secret varchar)",
            "insert into gold values 'as it was'",
            catalog="lake",
            schema=name,
        )
        yield name
        assert trino.rows("select secret from gold", "lake", name) == [("as it was",)]
        assert trino.value('select count(*) from "gold$snapshots"', "lake", name) == 2


def changed(texts: Sequence[str], seed: int) -> Iterator[str]:
    """Texts with pieces put in, taken out and exchanged; the same ones each time."""
    chance = random.Random(seed)
    for _ in range(TRIES):
        parts = re.findall(r"\w+|\s+|.", chance.choice(texts), re.DOTALL)
        for _ in range(chance.randint(1, 3)):
            at, what = chance.randrange(len(parts) + 1), chance.random()
            if what < 0.4:
                parts.insert(at, f" {chance.choice(PIECES)} ")
            elif what < 0.6:
                del parts[at : at + 1]
            else:
                parts[at : at + 1] = [chance.choice(PIECES)]
        yield "".join(parts)


def accepted_conditions(*more: str) -> list[str]:
    texts = dict.fromkeys([*CONDITIONS, *conditions.ALLOWED, *(payload.text for payload in corpus()), *more])
    return [text for text in texts if fault_of_condition(text) is None]


def accepted_queries(*more: str) -> list[str]:
    texts = dict.fromkeys([*QUERIES, *(payload.text for payload in corpus()), *more])
    return [text for text in texts if fault_of_query(text) is None]


@pytest.mark.parametrize("sql", CONDITIONS)
def test_an_allowed_condition_is_one_of_trino(reader: Parser, sql: str) -> None:
    assert reader.read(f"select (\n{sql}\n) from checked") is not None


@pytest.mark.parametrize("sql", QUERIES)
def test_an_allowed_query_is_one_of_trino(reader: Parser, sql: str) -> None:
    assert reader.read(f"select count(*) from (\n{sql}\n) as q") is not None


def test_accepted_conditions_call_what_is_allowed_and_read_nothing_else(reader: Parser) -> None:
    read = 0
    for sql in accepted_conditions(*changed(CONDITIONS, 1)):
        found = reader.read(f"select (\n{sql}\n) from checked")
        if found is None:
            continue
        read += 1
        assert not found.kinds & (NEVER | NOT_IN_A_CONDITION), (sql, found.kinds)
        assert found.calls <= CALLS, (sql, found.calls)
        assert found.tables == {("checked",)}, (sql, found.tables)
        assert found.kinds >= {"Query", "QuerySpecification"}, sql
    assert read > 500


def test_accepted_queries_read_the_tables_that_we_know_of(reader: Parser) -> None:
    read = 0
    for sql in accepted_queries(*changed(QUERIES, 2)):
        found = reader.read(f"select count(*) from (\n{sql}\n) as q")
        if found is None:
            continue
        read += 1
        assert not found.kinds & NEVER, (sql, found.kinds)
        assert found.calls <= CALLS_OF_QUERY, (sql, found.calls)
        known = {tuple(parts) for parts in relations_of_query(sql)}
        assert {tuple(part.lower() for part in table) for table in found.tables} - {(name,) for name in found.named} <= known, sql
    assert read > 300


def test_each_allowed_function_is_trinos(trino: Trino) -> None:
    """A list of functions that are not there would hide that another name is meant. Nothing that a run decides by chance is among them."""
    rows = trino.rows("show functions")
    by_grammar = {
        "coalesce", "extract", "grouping", "if", "listagg", "localtime", "localtimestamp", "current_timestamp", "nullif", "position",
        "try",
    }  # fmt: skip
    allowed = ALLOWED_FUNCTIONS | AGGREGATES | WINDOWS
    assert {row[0] for row in rows} | by_grammar >= allowed
    assert not {row[0] for row in rows if not row[4]} & allowed, "not deterministic"
    keywords = (BEFORE_PARENTHESIS | IN_QUERY) & {row[0] for row in rows}
    assert keywords <= {"filter"}, "which needs a lambda"


def test_accepted_texts_run_on_trino_and_read_the_checked_table_alone(trino: Trino, shop: str) -> None:
    """Trino itself says which tables a statement reads; then it is run."""
    ran, faults = 0, {}
    with trino.cursor("lake", shop) as cursor:
        for sql in accepted_conditions():
            statement = f"select count(*) from checked where (\n{sql}\n)"
            try:
                cursor.execute(f"explain (type io, format json) {statement}")
                told = json.loads(cursor.fetchall()[0][0])
                tables = {one["table"]["schemaTable"]["table"] for one in told["inputTableColumnInfos"]}
                assert tables <= {"checked"}, sql
                assert "outputTable" not in told, sql
                cursor.execute(statement)
                cursor.fetchall()
            except TrinoQueryError as error:
                faults[sql] = error.error_type
                continue
            ran += 1
    assert ran > len(CONDITIONS)
    assert set(faults.values()) <= {"USER_ERROR"}, faults
