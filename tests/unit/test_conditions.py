"""Custom SQL: what may stand in a rule and what may not; the boundary that holds is the target's role."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stringx_dataops.contract.custom_sql.postgres.conditions import fault_of_condition, fault_of_fragment
from tests.support.conditions import ALLOWED, REFUSED


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
