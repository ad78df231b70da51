"""Words before a parenthesis that may be functions, and functions whose result is as large as an argument says."""

import pytest

from stringx_dataops.contract.custom_sql.postgres.conditions import fault_of_condition, fault_of_fragment
from stringx_dataops.contract.custom_sql.postgres.queries import fault_of_query


@pytest.mark.parametrize(
    "sql",
    [
        "select a from t group by cube (a)",
        "select a from t group by b, cube(a), rollup (c)",
        "select a from t group by grouping sets ((a), cube(a))",
        "select a from t order by (a) fetch first (3) rows only",
        "select count(*) filter (where a > 1), sum(a) over (partition by (b) order by (c)) from t",
        "select first_value(a) over () from t",
        "select 1 from a join (select 1) x on true left join (b join c using (id)) on true",
        "with x as materialized (select 1), y as not materialized (select 2) select 1 from x",
        "select a at time zone (b) from t",
        "select a::timestamptz(3), a::character varying(3) from t where a not ilike (b) and name ilike (c)",
        "select 1 from t where exists (select 1) and a in (values (1))",
    ],
)
def test_a_word_of_the_grammar_before_a_parenthesis_is_no_call(sql: str) -> None:
    assert fault_of_query(sql) is None


@pytest.mark.parametrize(
    "sql",
    [
        *(
            f"select {word}(a) from t"
            for word in ("next", "first", "cube", "rollup", "sets", "join", "materialized", "partition")
        ),
        *(
            f"select 1 from t where {word}(a)"
            for word in ("zone", "varying", "by", "filter", "over", "is", "at", "similar", "ilike")
        ),
        "select distinct on (a) over() from t",
        "select distinct on (a) ilike(b) from t",
        "select distinct on (a) join(b) from t",
        "select a from t where not ilike(b, c)",
        "select a from t where a at time zone ilike(b, c)",
        "select a from t group by a + cube(b)",
        "select a from t group by rollup (a, cube(b))",
        "select a from t group by (a, cube(b))",
        "select a from t group by a having cube(a)",
        "select a from t group by a order by cube(a)",
        "select a from (select b from t group by b) x, cube(1)",
        "select a from t limit first (3)",
        "select a from join(b)",
    ],
)
def test_the_same_word_elsewhere_is_a_call(sql: str) -> None:
    assert "which is not allowed" in str(fault_of_query(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "repeat(a, 10000) = b",
        "lpad(trim(replace(a, '-', '')), 3, '0') = b",
        "replace(lpad(a::text, 6, '0'), '0', 'x') = b",
        "format('%s-%10s', a, b) = c",
        "replace(replace(a, 'x', ''), 'y', '') = ''",
        "a::char(10) = b and a::numeric(10, 2) > 1",
        "bpchar(a || 'x') = b and pg_catalog.bpchar(c) = d and a::bpchar(3) = b",
        "replace(replace(replace(replace(lower(a), 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'ß', 'ss') = b",
        "replace(replace(replace(replace(a, chr(10), ''), chr(13), ' '), ' ', ''), '-', '') = b",
        "regexp_replace(regexp_replace(regexp_replace(a, '[^0-9]', '', 'g'), '^00', '+'), '(.)(.)', '\\1 \\2') = b",
        "replace(replace(a, b, c), d, e) = f and translate(translate(translate(a, 'b', 'c'), d, e), f, g) = h",
    ],
)
def test_small_results_are_allowed(sql: str) -> None:
    assert fault_of_condition(sql) is None


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("repeat(a, 10001) = b", "repeat"),
        ("repeat(a, b) = c", "repeat"),
        ("REPEAT('x', 1e9) is null", "repeat"),
        ("\"repeat\"('x', 100000) is null", "repeat"),
        ("repeat('x', 100 * 100000) is null", "repeat"),
        ("repeat('x', '100000') is null", "repeat"),
        ("num_nulls(repeat('x', 100000000)) = 0", "repeat"),
        ("pg_catalog.lpad(a, 100000000) = b", "lpad"),
        ("rpad(a, length(b)) = b", "rpad"),
        ("repeat(repeat('x', 100), 100) is null", "repeat"),
        ("replace(repeat('x', 9999), 'x', repeat('y', 9999)) = a", "repeat"),
        ("format('%1000000000s', a) = c", "format"),
        ("format('%2$-99999s', a, b) = c", "format"),
        ("format('%*s', 5, a) = c", "format"),
        ("format(a, b) = c", "format"),
        ("a::char(100000000) = b", "char"),
        ("cast(a as bit(10000001)) = b", "bit"),
        ("cast(a as bpchar(10000001)) = b", "bpchar"),
        ("octet_length(bpchar(name::bpchar, 100000004, true)) > 0", "bpchar"),
        ("pg_catalog.bpchar(a, 100000004, true) = b", "bpchar"),
        ("a::bpchar(0x989680) = b", "bpchar"),
        ("a::bpchar(1_000_000) = b", "bpchar"),
        ("a::bpchar('1000000') = b", "bpchar"),
        ('a::pg_catalog.bpchar("1000000") = b', "bpchar"),
        ("bpchar('1000000') 'x' = b", "bpchar"),
        ("a::char(0x989680) = b", "char"),
        ("a::bit('1000000') = b", "bit"),
        ("format('%--2000000s', a) = b", "format"),
        ("format('%1$--2000000s', a) = b", "format"),
        ("format('%0002000000s', a) = b", "format"),
        (f"replace(replace(replace('a', 'a', '{'a' * 1000}'), 'a', '{'a' * 1000}'), 'a', '{'a' * 1000}') = b", "replace"),
        ("replace(replace(replace(a, b, c), d, e), f, g) = h", "replace"),
        ("regexp_replace(replace(regexp_replace(a, b, c), d, e), f, g) = h", "regexp_replace"),
        ("regexp_replace(" * 14 + "a" + ", '', 'x', 'g')" * 14 + " = b", "regexp_replace"),
        (f"repeat(replace(a, 'a', '{'b' * 1000}'), 100) = b", "repeat"),
    ],
)
def test_a_result_as_large_as_an_argument_says_is_refused(sql: str, name: str) -> None:
    for fault in (fault_of_condition(sql), fault_of_query(f"select 1 from t where {sql}"), fault_of_fragment(sql)):
        assert fault is not None
        assert name in fault.removeprefix("is neither a plain value nor one SQL expression: ").split()[:5]


@pytest.mark.parametrize("call", ["replace({}, 'a', '')", "format('x', {})", "bpchar({})"])
def test_many_nested_calls_are_refused_at_once(call: str) -> None:
    before, after = call.split("{}")
    fault = fault_of_condition(f"{before * 3000}a{after * 3000} = b")
    assert "with more than 50 calls" in str(fault)


def test_a_cast_of_a_query_has_a_length_too() -> None:
    for kind in ("bpchar", "nchar", "char"):
        assert fault_of_query(f"select 1 from t where cast(a as {kind}(10)) = b") is None
        assert f"the type {kind}" in str(fault_of_query(f"select 1 from t where cast(a as {kind}(10000000)) = b"))


@pytest.mark.parametrize(
    ("arguments", "is_allowed"),
    [
        ("1, 6000000", True),
        ("10, 1, -2", True),
        ("'2013-01-01'::date, '2013-12-31', '1 day'", True),
        ("date '2013-01-01', date '2013-12-31', interval '1 day'", True),
        ("timestamptz '2013-01-01 00:00', timestamptz '2013-01-31 00:00', interval '1 hour'", True),
        ("1, 6000001", False),
        ("-3000000, 3000000", False),
        ("0, 1, 0.0000001", False),
        ("1, 100, 0", False),
        ("1, a", False),
        ("1, (select max(n) from t)", False),
        ("timestamp '2013-01-01', timestamp '2013-12-31', interval '1 second'", False),
        ("timestamp '2013-01-01', 'infinity', interval '1 day'", False),
        ("date '2013-01-01', date '2013-12-31', '0 days'", False),
        ("date '2013-01-01', current_date, interval '1 day'", False),
    ],
)
def test_a_series_has_at_most_six_million_rows(arguments: str, is_allowed: bool) -> None:
    fault = fault_of_query(f"select * from generate_series({arguments})")
    assert fault is None if is_allowed else "generate_series" in str(fault)
