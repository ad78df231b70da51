"""Custom SQL for Trino: what is accepted and what is refused. `tests/safety/test_trino_sql.py` holds it to Trino's own parser."""

import pytest

from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.custom_sql.limits import MAX_SQL, MAX_TOKENS
from stringx_dataops.contract.custom_sql.trino.judging import fault_of_condition, fault_of_query, relations_of_query
from tests.support import conditions
from tests.support.trino_sql import CONDITIONS, QUERIES

REFUSED_CONDITIONS = [
    ("", "is empty"),
    ("a = (select 1)", "SELECT"),
    ("a in (values 1, 2)", "VALUES"),
    ("(table t)", "TABLE"),
    ("a = any (b)", "ANY"),
    ("1; drop table t", "semicolon"),
    ("a -- b", "comment"),
    ("a /* b */", "comment"),
    ("a::int = 1", "write cast"),
    ("a == 1", "write ="),
    ("a // 2 = 1", "divided by /"),
    ("a ~ 'x'", "regexp_like"),
    ("a ilike 'x'", "lower(column) like"),
    ("a similar to 'x%'", "regexp_like"),
    (r"a like 'x\%'", "ESCAPE"),
    (r"a not like ('%\_%')", "ESCAPE"),
    (r"a like 'a' || '\%'", "parentheses"),
    (r"a like lower('\_')", "ESCAPE"),
    (r"a like case when true then '\_' end", "ESCAPE"),
    ("a like b", "ESCAPE"),
    ("a like concat(b, '%')", "ESCAPE"),
    ("U&'x' = a", "holds"),
    ('U&"x" = a', "holds"),
    ("x'41' is null", "prefix"),
    ("x '41' is null", "no SQL condition"),
    ("`a` = 1", "double quotes"),
    ("é = 1", "double quotes"),
    ("1a = 1", "holds a number"),
    ("a = 1.", "holds a number"),
    ("1.current_user = 2", "holds a number"),
    ("current_user = 'x'", "CURRENT_USER"),
    ("current_catalog = 'x'", "CURRENT_CATALOG"),
    ("current_schema = 'x'", "CURRENT_SCHEMA"),
    ("current_path = 'x'", "CURRENT_PATH"),
    ("current_timezone() = 'x'", "calls current_timezone"),
    ("current_groups() is null", "calls current_groups"),
    ("random() > 0.5", "calls random"),
    ("rand() > 0.5", "calls rand"),
    ("uuid() is null", "calls uuid"),
    ("shuffle(a) is null", "calls shuffle"),
    ("cardinality(sequence(1, 10000)) > 1", "calls sequence"),
    ("cardinality(repeat(a, 10000)) > 1", "calls repeat"),
    ("lpad(a, 2000000000, 'x') = ''", "calls lpad"),
    ("rpad(a, 2000000000, 'x') = ''", "calls rpad"),
    ("format('%2000000000d', 1) = ''", "calls format"),
    ("cardinality(combinations(a, 5)) > 1", "calls combinations"),
    ("any_match(a, x -> x > 1)", "holds ->"),
    ("any_match(a, b)", "calls any_match"),
    ("a -> 1", "json_extract_scalar"),
    ("a[1] = 2", "bracket"),
    ("array[1] = a", "bracket"),
    ("system.builtin.lower(a) = 'x'", "behind a dot"),
    ("lake.default.mine(a) = 1", "behind a dot"),
    ('"lower"(a) = 1', "not allowed"),
    ("a) or (b", "closes a parenthesis"),
    ("(a", "opens a parenthesis"),
    ("a 'x'(1)", "behind a value"),
    ("sum(a) > 1", "sum"),
    ("row_number() over () = 1", "row_number"),
    ("a > 1 as b", "condition"),
    ("a = ?", "parameter"),
    ("a = '\0'", "NUL"),
    ("a = :x", "holds :"),
    ("a > now() - interval '1 day'", "interval '1' day"),
    ("a > now() - interval 1 day", "interval '1' day"),
    ("replace(replace(a, 'x', b), 'y', b) = ''", "too long"),
    ('"$path" is null', "no column"),
    ("execute immediate 'x'", "EXECUTE"),
    ("x" * (MAX_SQL + 1), "longer than"),
]
REFUSED_QUERIES = [
    ("values (1)", "no SELECT"),
    ("table checked", "TABLE"),
    ("select 1; select 2", "semicolon"),
    ("select * from table(system.query('select 1'))", "TABLE"),
    ("select * from table(sequence(1, 1000000000))", "TABLE"),
    ("select * from unnest(sequence(1, 10000)) as t (n)", "calls sequence"),
    ('select * from "checked$snapshots"', "is about a table"),
    ('select * from public."checked$files"', "is about a table"),
    ('select "$path" from checked', "no column"),
    ("select * from checked for version as of 1", "FOR VERSION"),
    ("select * from checked for timestamp as of timestamp '2026-01-01 00:00:00'", "FOR TIMESTAMP"),
    ("select * from information_schema.tables", "information_schema"),
    ('select * from "INFORMATION_SCHEMA".tables', "information_schema"),
    ("select * from system.runtime.queries", "names a catalog"),
    ("select * from other.public.checked", "names a catalog"),
    ("select a from checked tablesample bernoulli (10)", "TABLESAMPLE"),
    ("select * from checked match_recognize (pattern (x) define x as true)", "MATCH_RECOGNIZE"),
    ("select * from json_table('x', 'y' columns (a bigint path 'z'))", "JSON_TABLE"),
    ("with recursive x (n) as (select 1 union all select n + 1 from x) select * from x", "RECURSIVE"),
    ("select * from checked fetch first 3 rows only", "FETCH"),
    ("select a from checked qualify row_number() over (order by a) = 1", "QUALIFY"),
    ("insert into checked values (1)", "INSERT"),
    ("explain analyze delete from checked", "EXPLAIN"),
    ("call system.sync_partition_metadata()", "CALL"),
    ("prepare x from select 1", "PREPARE"),
    ("execute immediate 'delete from checked'", "EXECUTE"),
    ("set session query_max_run_time = '1d'", "SET"),
    ("create table x as select 1", "CREATE"),
    ("refresh materialized view x", "REFRESH"),
    ("select current_user", "CURRENT_USER"),
    ("select 1 from values checked", "VALUES"),
    ("select * from (show tables)", "SHOW"),
    ("select a from checked where a = ?", "parameter"),
    ("select 1 from public.'x'", "behind a dot"),
    ("with function f() returns bigint return 1 select f()", "calls f"),
]


@pytest.mark.parametrize("sql", CONDITIONS)
def test_a_condition_is_allowed(sql: str) -> None:
    assert fault_of_condition(sql) is None


@pytest.mark.parametrize("sql", QUERIES)
def test_a_query_is_allowed(sql: str) -> None:
    assert fault_of_query(sql) is None


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


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("select * from a, B.c, (select 1 from d) as e", [["a"], ["b", "c"], ["d"]]),
        ("with a as (select 1 from b) select * from A", [["b"]]),
        ("with a as (select 1 from a) select * from a", [["a"]]),
        ("with a as (select 1 from b), b as (select 1) select * from a, b", [["b"]]),
        ("select * from (with a as (select 1) select * from a) as x, a", [["a"]]),
        ("with a as (with b as (select 1) select * from b) select * from a, b", [["b"]]),
        ("with a as (select 1), b as (with c as (select * from a) select * from c) select * from b", []),
        ('select * from "Mixed Case"', [["mixed case"]]),
    ],
)
def test_the_tables_of_a_query_are_told_from_what_it_names_itself(sql: str, tables: list[list[str]]) -> None:
    assert sorted(relations_of_query(sql)) == tables
    assert fault_of_query(sql) is None


def test_expressions_that_double_each_other_are_refused() -> None:
    def doubled(times: int) -> str:
        parts = ["x0 as (select 1 as a)", *(f"x{n} as (select l.a from x{n - 1} as l, x{n - 1} as r)" for n in range(1, times))]
        return f"with {', '.join(parts)} select * from x{times - 1}"

    assert fault_of_query(doubled(8)) is None
    assert "too often" in str(fault_of_query(doubled(40)))


def test_long_and_deep_texts_are_answered() -> None:
    fault_of_condition("(" * 3000 + "a" + ")" * 3000)
    fault_of_query("select " + "(" * 3000 + "1" + ")" * 3000)
    for judged, begin in ((fault_of_condition, ""), (fault_of_query, "select ")):
        assert "nested too deeply" in str(judged(begin + "decimal(" * 24 + "a" + ")" * 24))
    dialect = dialect_of("trino")
    assert dialect.are_too_many(["a = 1 and " * (MAX_TOKENS // 4)]) is False, "too long for one"
    assert dialect.are_too_many([f"a = {number} and " * 1000 + "b" for number in range(MAX_TOKENS // 4000 + 2)])
    assert dialect.bare_names('a.b = c and lower(d) > "E"') == ["c", "and", "d", "e"]


@pytest.mark.parametrize(
    "sql",
    [
        r"a like 'x\%' escape '\'",
        r"a like lower(t.b) escape '\'",
        "coalesce(a like 'x%', b)",
        "replace(a, 'x', 'y') = replace(b, 'x', 'y')",
        "interval = 1",
        "a.similar = 1",
        '"table" = 1',
    ],
)
def test_what_only_looks_like_it_is_allowed(sql: str) -> None:
    assert fault_of_condition(sql) is None
