"""Custom SQL: what may stand in a rule and what may not; the boundary that holds is the target's role."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stringx_dataops.contract.custom_sql.conditions import fault_of_condition, fault_of_fragment

ALLOWED = [
    "a > 1",
    "true",
    "not a",
    "carrier <> 'XX'",
    "t.a > 1",
    '"Mixed Case" > 1',
    '"select" = 1',
    "-a < 0 and a % 2 = 0",
    "(a = 1) is not false",
    "a is null or b is not null",
    "a is not unknown",
    "a is distinct from b",
    "(a, b) = (1, 2)",
    "a in (1, 2) and b not in ('x', 'y')",
    "a = any(array[1, 2])",
    "a <> all (array[1, 2])",
    "a between 1 and 2",
    "case when a > 1 then true else false end",
    "a like '%x' escape '!'",
    "a ilike any (array['x', 'y'])",
    "a similar to 'x%'",
    "a ~ '^x' and a !~* 'y'",
    "a collate \"C\" < 'b'",
    "a::int = 1",
    "a::varchar(3) = 'x'",
    "a::timestamp with time zone > now()",
    "cast(a as numeric(10, 2)) > 0",
    "d < current_timestamp - interval '1 day'",
    "d >= date '2013-01-01'",
    "(d at time zone 'UTC')::date = current_date",
    "(d1, d2) overlaps (d3, d4)",
    "extract(year from d) = 2013",
    "date_trunc('day', d) = d",
    "make_date(year, month, day) = d",
    "position('a' in b) > 0",
    "substring(a from 1 for 2) = 'x'",
    "trim(both ' ' from a) = ''",
    "length(trim(a)) > 0",
    "coalesce(a, 0) >= 0",
    "greatest(a, b) <= 5",
    "num_nulls(a, b) = 0",
    "pg_catalog.lower(a) = 'x'",
    "LOWER(a) = 'x'",
    "a->>'b' = 'c'",
    "a #>> '{b,c}' = 'd'",
    "a @> '{}'::jsonb",
    "a[1] = 2",
    "a || b = 'x'",
    "count > 1 and year = 2013 and name = 'x' and type = 'a'",
    "'-- {{ x }} /* ; $1' = a",
    "a = '$1' or b = '{{ x }}'",
    '"{{ x }}" = "$1" and "{% raw %}" is null',
    '"{" > 1',  # a quoted name may be anything
    "a = 'it''s; drop table x'",
    "a = '\\'",
]

REFUSED = [
    ("", "empty"),
    (" \n", "empty"),
    ("\0", "NUL"),
    ("a >", "no SQL condition"),
    ("a = 1 and", "no SQL condition"),
    ("a, b", ""),
    ("a as b", ""),
    ("*", ""),
    ("t.*", ""),
    ("unclosed = 'x", "quote"),
    ("1=1; drop table x", "semicolon"),
    ("true;", "semicolon"),
    ("a = 1 -- x", "comment"),
    ("a = 1 /* x */", "comment"),
    ("a is null) --", ""),
    ("a) or (1=1", "parenthesis"),
    ("(a = 1", "parenthesis"),
    ("a = $1", ""),
    ("a = :x", ""),
    ("a = @x", ""),
    ("a = %(x)s", ""),
    ("a = {{ x }}", "brace"),
    ("{% if a %}", ""),
    ("a = E'\\''", "prefix"),
    ("a = U&'\\0061'", ""),
    ('U&"pg\\005fsleep"(1) is null', ""),
    ("u&\"\\0061\" = 'x'", "prefix"),
    ("a = $$x$$", ""),
    ("a = $t$x$t$", ""),
    ("select 1", "SELECT"),
    ("exists (select 1)", "EXISTS"),
    ("a in (select b from c)", "SELECT"),
    ("a = (with x as (select 1) select 1)", "WITH"),
    ("a = (values (1))", "VALUES"),
    ("a = (table x)", "TABLE"),
    ("table x", "TABLE"),
    ("a = 1 union select 1", "UNION"),
    ("a = 1 limit 1", ""),
    ("a = 1 order by 1", ""),
    ("a = 1 group by a", ""),
    ("a = 1 for update", ""),
    ("count(*) > 1", "count"),
    ("sum(a) > 1", "sum"),
    ("lag(a) > 1", "lag"),
    ("row_number() over () = 1", ""),
    ("generate_series(1, 2) = 1", "generate_series"),
    ("unnest(a) = 1", "unnest"),
    ("pg_sleep(1) is null", "pg_sleep"),
    ("PG_SLEEP\n(1) is null", "pg_sleep"),
    ('"pg_sleep"(1) is null', "pg_sleep"),
    ("pg_catalog.pg_sleep(1) is null", "pg_catalog.pg_sleep"),
    ("db.pg_catalog.pg_sleep(1) is null", "pg_sleep"),
    ("cast(pg_sleep(1) as text) = ''", "pg_sleep"),
    ("lower(pg_sleep(1)::text) = ''", "pg_sleep"),
    ("array[pg_sleep(1)] is null", "pg_sleep"),
    ("case when true then pg_sleep(1) end is null", "pg_sleep"),
    ("numeric(pg_sleep(1)) = 1", "pg_sleep"),
    ("'a' || pg_read_file('x') = ''", "pg_read_file"),
    ("lo_import('/etc/passwd') > 0", "lo_import"),
    ("nextval('s') > 0", "nextval"),
    ("current_setting('x') = 'y'", "current_setting"),
    ("set_config('a', 'b', false) = 'b'", "set_config"),
    ("query_to_xml('select 1', true, true, '') is null", "query_to_xml"),
    ("dblink('x') = 1", "dblink"),
    ("random() > 0.5", "random"),
    ("other.lower(a) = 'x'", "other.lower"),
    ("\"Lower\"(a) = 'x'", "Lower"),
    ("my.fn(a)", "my.fn"),
]


@pytest.mark.parametrize("sql", ALLOWED)
def test_allowed(sql: str) -> None:
    assert fault_of_condition(sql) is None


@pytest.mark.parametrize(("sql", "word"), REFUSED)
def test_refused_with_the_reason(sql: str, word: str) -> None:
    fault = fault_of_condition(sql)
    assert fault is not None
    assert word in fault
    assert "\n" not in fault


def test_a_function_that_the_target_allows() -> None:
    assert fault_of_condition("my.fn(a)", ["my.fn"]) is None
    assert "my.other" in str(fault_of_condition("my.other(my.fn(a))", ["my.fn"]))
    assert "allow_functions" in str(fault_of_condition("fn(a)", ["my.fn"]))


def test_deep_nesting_is_answered() -> None:
    fault_of_condition("(" * 3000 + "a" + ")" * 3000)
    fault_of_condition(" and ".join(["a = 1"] * 3000))


PIECES = [
    "a",
    "1",
    "'x'",
    "(",
    ")",
    ";",
    "--",
    "/*",
    "*/",
    "select",
    "pg_sleep",
    "lower",
    "and",
    "=",
    "$1",
    '"',
    "'",
    ".",
    ",",
    "::",
    "{{",
    "\\",
    "\n",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join) | st.text(max_size=30))
def test_any_text_is_answered(sql: str) -> None:
    fault = fault_of_condition(sql)
    assert fault is None or fault.strip()


@pytest.mark.parametrize(
    "text", ["open", "2013-01-01", "public.orders", "price > 0 and status = 'open'", '"Mixed Case" > 1', "now()"]
)
def test_an_argument_of_a_dbt_test(text: str) -> None:
    assert fault_of_fragment(text) is None


@pytest.mark.parametrize(
    "text",
    ["it's", "x; drop table y", "pg_sleep(1)", "' || pg_sleep(1) || '", "a = ' || pg_sleep(1) || '", '" || pg_sleep(1) || "', "n'); select 1; ('"],
)  # fmt: skip
def test_an_argument_that_would_be_sql_with_quotes_around_it_or_without(text: str) -> None:
    assert fault_of_fragment(text)
