"""Custom SQL for DuckDB. What is accepted is held against DuckDB's own reading of it: one expression or one SELECT that calls
allowed functions only and reads the tables that we know of."""

import json
import logging
import random
import re
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pytest

from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.custom_sql.duckdb.judging import fault_of_condition, fault_of_query, relations_of_query
from stringx_dataops.contract.custom_sql.duckdb.sql_words import (
    AGGREGATES,
    ALLOWED_FUNCTIONS,
    BEFORE_PARENTHESIS,
    IN_QUERY,
    WINDOWS,
)
from stringx_dataops.contract.custom_sql.limits import MAX_SQL, MAX_TOKENS
from tests.safety.payloads import corpus
from tests.support import conditions

# Functions behind signs and syntax.
SYNTAX = frozenset(
    ["+", "-", "*", "/", "//", "%", "||", "~~", "!~~", "~~*", "!~~*", "like_escape", "ilike_escape", "row", "timezone"]
)
# A keyword that calls nothing by itself; with strange arguments DuckDB looks for a function of this name, and there is none.
SYNTAX |= BEFORE_PARENTHESIS
TRIES = 2000
CONDITIONS = [
    "a > 1 and status in ('open', 'it''s paid')",
    "extract(year from d) = 2013 or d::date >= date '2020-01-01'",
    "a is distinct from b",
    "cast(a as decimal(10, 2)) between -1 and 1.5e3",
    "case when a then 1 else 2 end = 1",
    "regexp_matches(b, '^x') and not contains(b, 'y')",
    "a>=current_date - interval 1 day",
    "b like 'a%' escape '!'",
    "trim(both ' ' from b) = \"Mixed Case\"",
    "a.b.c = 1 and lower(t.b)=lower(b)",
    "a=-1",
    "coalesce(a, 0) % 2 = 0 and a // 2 <> 3",
]
QUERIES = [
    'select a from "\u017fystem".main.checked',  # DuckDB folds the letters of ASCII alone
    "select * from public.checked where a > 1",
    'select c.a from checked c left join ref.other.shop as s on s.a = c.a, "Ref"."other"."shop" where ref.other.shop.a > 1',
    "select c.a from checked c join other.shop s on s.a = c.a left join shop x using (a)",
    "with x as (select a from checked) select * from x",
    "with x(n) as (select 1), y (n) as (select a from shop) select x.n from x, y",
    "select a, count(*) from checked group by a having count(*) > 1",
    "select a, row_number() over (partition by b order by a desc) from checked qualify 1 = 1",
    "select a from checked where exists (select 1 from other.shop where shop.a = checked.a)",
    "select a from checked union all select b from shop",
    "select distinct a from checked order by a limit 3",
    "select count(*) filter (where a > 1), any_value(b) from checked",
]
REFUSED_CONDITIONS = [
    ("", "is empty"),
    ("cast(a as varchar(2)) <> 'DE'", "cuts no text"),
    ("a::char(2) = 'x'", "cuts no text"),
    ("try_cast(a as text (3)) = 'x'", "cuts no text"),
    ("cast(a as character varying(2)) = 'x'", "cuts no text"),
    ("a = (select 1)", "SELECT"),
    ("(from t)", "FROM"),
    ("a in (from t)", "FROM"),
    ("a = any (b)", "ANY"),
    ("1; drop table t", "semicolon"),
    ("a -- b", "comment"),
    ("a /* b */", "comment"),
    ("'x'.upper() = 'X'", "behind a dot"),
    ("e'x' = 'x'", "prefix"),
    ("$$x$$ = 'x'", "holds a $"),
    ("columns(*) > 1", "COLUMNS"),
    ("getenv('HOME') = 'x'", "calls getenv"),
    ("current_setting('temp_directory') = 'x'", "calls current_setting"),
    ("lambda x", "LAMBDA"),
    ("a -> 'x' = 1", "holds ->"),
    ("a[1] = 2", "bracket"),
    ("a ~ 'x'", "regexp_matches"),
    ("a) or (b", "closes a parenthesis"),
    ("(a", "opens a parenthesis"),
    ("a 'x'(1)", "behind a value"),
    ("sum(a) > 1", "sum"),
    ("a > 1 as b", "condition"),
    ("read_text('/etc/passwd') is null", "calls read_text"),
    ('"read_text"(\'/etc/passwd\') is null', "calls read_text"),
    ("query('select 1') is null", "calls query"),
    ("a = ?", "parameter"),
    ("a = '\0'", "NUL"),
    ("x" * (MAX_SQL + 1), "longer than"),
]  # fmt: skip
REFUSED_QUERIES = [
    ("select 1 from checked tablesample 1% where a > 50", "sample"),
    ("select 1 from checked as c tablesample reservoir(1)", "sample"),
    ("select 1 from checked where a > 50 using sample 1 rows", "sample"),
    ("select 1 from (select a from checked using sample (10 percent) repeatable (1)) as c", "sample"),
    ("select cast(a as bpchar(2)) from checked", "cuts no text"),
    ("from checked", "FROM"),
    ("select 1; select 2", "semicolon"),
    ("select 1 from 'x.csv'", "reads a file"),
    ("select 1 from checked, '/etc/passwd.csv'", "no table"),
    ('select 1 from "/etc/passwd.csv"', "no table"),
    ('select 1 from "x.parquet"', "no table"),
    ("select * from read_csv('/etc/passwd')", "calls read_csv"),
    ("select * from glob('/x')", "calls glob"),
    ("select * from duckdb_settings()", "calls duckdb_settings"),
    ("select * from duckdb_tables", "duckdb_tables"),
    ("select * from pg_catalog.pg_settings", "pg_settings"),
    ("select * from information_schema.tables", "information_schema"),
    ("select * from memory.public.checked", "no database that a target attaches"),
    ('select * from "Main".public.checked', "no database that a target attaches"),
    ("select * from system.main.settings", "name tables of the target, or of databases that it attaches"),
    ("select * from temp.main.settings", "name tables of the target, or of databases that it attaches"),
    ("select * from ref.information_schema.tables", "name tables of the target, or of databases that it attaches"),
    ("select * from ref.Pg_Catalog.pg_class", "name tables of the target, or of databases that it attaches"),
    ("select * from ref.main.duckdb_tables", "reads duckdb_tables"),
    ('select * from ref.main."/etc/passwd.csv"', "no table"),
    ('select * from "/tmp/x".main.t', "no table"),
    ("select * from other.ref.public.checked", "something else than a table"),
    ('select * from "stringx$".unreadable', "no table"),
    ("select * from query('select 1')", "calls query"),
    ("select * from range(1000000000)", "calls range"),
    ("summarize checked", "SUMMARIZE"),
    ("select * from (describe checked)", "DESCRIBE"),
    ("select * from (pivot checked on a)", "PIVOT"),
    ("copy checked to '/tmp/x'", "COPY"),
    ("attach '/x' as y", "ATTACH"),
    ("pragma database_list", "PRAGMA"),
    ("insert into checked values (1)", "INSERT"),
    ("select getenv('x')", "calls getenv"),
    ("values (1)", "no SELECT"),
    ("select 1 from values checked", "VALUES"),
    ("select 1 from public.'x'", "behind a dot"),
    ("select columns(*) from checked", "COLUMNS"),
]
# Queries of tables with one name in two databases, and how each is written. None: columns of both can be named.
NAMESAKES: list[tuple[str, str | None]] = [
    ("select a from sales.t where not exists (select 1 from ref.sales.t where sales.t.a = t.a)", "sales.t and ref.sales.t"),
    ("select a from sales.t where a in (select a from REF.Sales.T as x)", "sales.t and REF.Sales.T"),
    ("select x.a from sales.t as x where a in (select a from ref.sales.t)", "sales.t and ref.sales.t"),
    ('select a from t where not exists (select 1 from "ref"."main".t where t.a = a)', "t and ref.main.t"),
    ("select 1 from ref.sales.t join aside.sales.t using (a)", "ref.sales.t and aside.sales.t"),
    ("with t as (select 1 as a) select 1 from t where a in (select a from ref.sales.t)", "t and ref.sales.t"),
    ("select 1 from sales.t as x, ref.sales.t as y where x.a in (select a from sales.t)", "sales.t and ref.sales.t"),
    ("select a from sales.t union all select a from ref.sales.t", "sales.t and ref.sales.t"),
    ("select x.a from sales.t as x where not exists (select 1 from ref.sales.t as y where x.a = y.a)", None),
    ("select x.a from sales.t x, ref.sales.t y, sales.t z where x.a = y.a and z.a = y.a", None),
    ("select a from sales.t where a in (select a from ref.other.t)", None),
    ("select a from ref.sales.t where a in (select a from ref.sales.t)", None),
    ("select a from sales.t where a in (select a from other.t)", None),
    ("select a from ref.other.t where a in (select a from aside.sales.t)", None),
    ("select a from sales.t where a in (select a from ref.sales.u)", None),
    ("select a from sales.\u00e9 where a in (select a from ref.sales.\u00c9)", None),
]
PIECES = [
    "a",
    "b",
    "1",
    "1.5",
    "'x'",
    "(",
    ")",
    "--",
    "/*",
    "*/",
    "lower",
    "now",
    "and",
    "or",
    "not",
    "=",
    "<",
    ">",
    "-",
    "*",
    "::",
    "int",
    "'",
    '"',
    "`",
    ".",
    ",",
    "[",
    "]",
    "$$",
    "$1",
    ":",
    "?",
    "@",
    "#",
    "|",
    "||",
    "&",
    "!",
    "~",
    "%",
    "\\",
    "e'",
    "E'",
    "x'",
    "case",
    "when",
    "then",
    "end",
    "is",
    "null",
    "in",
    "any",
    "array",
    "row",
    "cast",
    "as",
    "interval",
    "date",
    "between",
    "like",
    "escape",
    "from",
    "substring",
    "trim",
    "both",
    "distinct",
    "columns",
    "columns(",
    "lambda",
    "->",
    "->>",
    ":=",
    "=>",
    "==",
    "//",
    "**",
    "^",
    "@",
    "<->",
    "select",
    "union",
    "values",
    "table",
    "exists",
    "with",
    "recursive",
    "into",
    "order",
    "by",
    "limit",
    "qualify",
    "over",
    "filter",
    "pivot",
    "unpivot",
    "summarize",
    "describe",
    "show",
    "pragma",
    "copy",
    "attach",
    "read_csv(",
    "glob(",
    "query(",
    "getenv(",
    "unnest(",
    "range(",
    "struct_pack(",
    "map",
    "{",
    "}",
    "{{",
    "try_cast",
    "main.",
    "positional",
    "asof",
    "using",
    "sample",
    "tablesample",
    "exclude",
    "replace",
    "at",
    "(from",
]
PIECES += ["\n", "\t", "\x0b", "\xa0", "\ufeff", "-- x\n", " "]


@pytest.fixture(scope="module")
def reader() -> Iterator[duckdb.DuckDBPyConnection]:
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    with duckdb.connect() as connection:
        yield connection


def tree_of(reader: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any] | None:
    """DuckDB's tree of the statements; None if it cannot read them."""
    row = reader.execute("select json_serialize_sql(?)", [sql]).fetchone()
    assert row is not None
    found: dict[str, Any] = json.loads(row[0])
    return None if found.get("error") else found


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
    for part in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from nodes(part)


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


@pytest.mark.parametrize(("sql", "named"), NAMESAKES)
def test_tables_of_one_name_in_two_databases_have_aliases(sql: str, named: str | None) -> None:
    """DuckDB would compare a column of one with itself."""
    fault = f"reads {named}, which columns cannot tell apart: give each an alias" if named else None
    assert fault_of_query(sql) == fault
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as ref; attach ':memory:' as aside")
        for database in ("memory", "ref", "aside"):
            for schema in ("sales", "other", "main"):
                connection.execute(f"create schema if not exists {database}.{schema}")
                for name in ("t", "u", "\u00e9", "\u00c9"):
                    connection.execute(f"create table {database}.{schema}.{name} as select 1 as a")
        connection.execute(sql)  # DuckDB itself says nothing


@pytest.mark.parametrize("sql", CONDITIONS)
def test_a_condition_is_allowed_and_duckdb_reads_it(reader: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert fault_of_condition(sql) is None
    assert tree_of(reader, f"select (\n{sql}\n) from checked") is not None


@pytest.mark.parametrize("sql", QUERIES)
def test_a_query_is_allowed_and_duckdb_reads_it(reader: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert fault_of_query(sql) is None
    assert tree_of(reader, f"select count(*) from (\n{sql}\n) as q") is not None


@pytest.mark.parametrize(("sql", "word"), REFUSED_CONDITIONS)
def test_a_condition_is_refused_with_the_reason(sql: str, word: str) -> None:
    fault = str(fault_of_condition(sql))
    assert word in fault
    assert "\n" not in fault


@pytest.mark.parametrize(("sql", "word"), REFUSED_QUERIES)
def test_a_query_is_refused_with_the_reason(sql: str, word: str) -> None:
    fault = str(fault_of_query(sql))
    assert word in fault
    assert "\n" not in fault


def test_what_postgresql_refuses_is_refused_too() -> None:
    for sql, _ in conditions.REFUSED:
        assert fault_of_condition(sql), sql


def test_accepted_conditions_call_what_is_allowed_and_read_nothing_else(reader: duckdb.DuckDBPyConnection) -> None:
    read = 0
    for sql in (*CONDITIONS, *conditions.ALLOWED, *(payload.text for payload in corpus()), *changed(CONDITIONS, 1)):
        if fault_of_condition(sql) is not None or (tree := tree_of(reader, f"select (\n{sql}\n) from checked")) is None:
            continue
        read += 1
        assert len(tree["statements"]) == 1, sql
        for node in nodes(tree):
            assert node.get("class") not in ("SUBQUERY", "WINDOW", "LAMBDA", "STAR", "POSITIONAL_REFERENCE", "PARAMETER"), sql
            assert node.get("class") != "FUNCTION" or node["function_name"] in ALLOWED_FUNCTIONS | SYNTAX, sql
            assert node.get("type") != "BASE_TABLE" or node["table_name"] == "checked", sql
    assert read > 200


def test_accepted_queries_read_the_tables_that_we_know_of(reader: duckdb.DuckDBPyConnection) -> None:
    read = 0
    allowed = ALLOWED_FUNCTIONS | AGGREGATES | WINDOWS | SYNTAX | {"unnest"}  # of `= any b`
    for sql in (*QUERIES, *(payload.text for payload in corpus()), *changed(QUERIES, 2)):
        if fault_of_query(sql) is not None or (tree := tree_of(reader, f"select count(*) from (\n{sql}\n) as q")) is None:
            continue
        read += 1
        assert len(tree["statements"]) == 1, sql
        known = {tuple(part.casefold() for part in parts) for parts in relations_of_query(sql)}
        for node in nodes(tree):
            maps = node["cte_map"].get("map", []) if isinstance(node.get("cte_map"), dict) else []
            known |= {(each["key"].casefold(),) for each in maps}
        for node in nodes(tree):
            assert node.get("class") not in ("LAMBDA", "POSITIONAL_REFERENCE", "PARAMETER"), sql
            assert node.get("type") not in ("TABLE_FUNCTION", "SHOW_REF", "PIVOT"), sql
            assert node.get("class") != "FUNCTION" or node["function_name"] in allowed, sql
            if node.get("type") == "BASE_TABLE":
                named = tuple(name.casefold() for name in (node["catalog_name"], node["schema_name"], node["table_name"]) if name)
                assert named in known, sql
    assert read > 100


def test_each_allowed_function_exists_in_duckdb(reader: duckdb.DuckDBPyConnection) -> None:
    """A list of functions that are not there would hide that another name is meant."""
    rows = reader.execute("select distinct lower(function_name) from duckdb_functions()").fetchall()
    by_grammar = {"coalesce", "nullif", "ifnull", "extract", "position", "trim", "typeof", "substring"}
    keywords = (BEFORE_PARENTHESIS | IN_QUERY) & {name for (name,) in rows}
    assert keywords <= {"filter", "left", "right"}
    assert {name for (name,) in rows} | by_grammar | WINDOWS >= ALLOWED_FUNCTIONS | AGGREGATES | WINDOWS


def test_long_and_deep_texts_are_answered() -> None:
    fault_of_condition("(" * 3000 + "a" + ")" * 3000)
    fault_of_query("select " + "(" * 3000 + "1" + ")" * 3000)
    for judged, begin in ((fault_of_condition, ""), (fault_of_query, "select ")):
        assert "nested too deeply" in str(judged(begin + "decimal(" * 24 + "a" + ")" * 24)), (
            "sqlglot takes twice as long for each more"
        )
    dialect = dialect_of("duckdb")
    assert dialect.are_too_many(["a = 1 and " * (MAX_TOKENS // 4)]) is False, "too long for one"
    assert dialect.are_too_many([f"a = {number} and " * 1000 + "b" for number in range(MAX_TOKENS // 4000 + 2)])
    assert dialect.bare_names('a.b = c and lower(d) > "E"') == ["c", "and", "d", "E"]
    assert dialect.bare_names('ÉTAT > "État"') == ["État"], "only letters of ASCII are folded: no column état is meant"
    assert dialect.bare_names("É > 1 and \u212a is null") == ["É", "and", "\u212a", "is", "null"]


@pytest.mark.parametrize(
    "sql",
    [
        "a similar to 'x%'",
        r"a like 'x\%'",
        r"a not ilike 'x\_y' and b > 1",
        r"a like ('%\_%')",
        r"a like 'a' || '\%'",
        r"a like lower('\_')",
        r"a like case when true then '\_' end",
        "a like b",
        "a like concat(b, '%')",
        "a like t.b and b = 1",
        "replace(replace(a, 'x', b), 'y', b) = ''",
        "length(regexp_replace(upper(replace(a, 'x', b)), 'y', b)) > 1",
    ],
)
def test_what_means_something_else_or_grows_without_end_is_refused(sql: str) -> None:
    assert fault_of_condition(sql) is not None
    assert fault_of_query(f"select 1 from sales.orders where {sql}") is not None


@pytest.mark.parametrize(
    "sql",
    [
        r"a like 'x\%' escape '\'",
        "replace(a, 'x', 'y') = replace(b, 'x', 'y')",
        "a like 'x%' and b = '\\'",
        r"a like b escape '\'",
        r"a like lower(t.b) escape '\'",
        "lower(a like 'x%') = 'true'",
        "coalesce(a like 'x%', b)",
    ],
)
def test_what_only_looks_like_it_is_allowed(sql: str) -> None:
    assert fault_of_condition(sql) is None


def test_not_materialized_is_refused() -> None:
    assert fault_of_query("with a as not materialized (select 1 as x) select * from a") is not None
    assert fault_of_query("with a as materialized (select 1 as x) select * from a") is None


def test_names_are_one_by_the_case_of_ascii_letters_only() -> None:
    assert relations_of_query("with Ab as (select 1) select 1 from aB") == []
    assert relations_of_query("select id from t where id in (with T as (select 1 as id) select id from t)") == [["t"]]
    assert relations_of_query("with a as (select 1 from b), b as (select 1) select 1 from a, B") == [["b"]]
    assert relations_of_query('with "é" as (select 1 as a) select a from "É"') == [["É"]]
    with duckdb.connect() as conn:
        conn.execute('create table "É" as select 2 as a')
        assert conn.execute('with "é" as (select 1 as a) select a from "É"').fetchall() == [(2,)]
