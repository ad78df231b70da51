"""Calls of functions that a target no longer allows, in texts that were judged before."""

import pytest

from stringx_dataops.contract.custom_sql.dialects import fault_of_calls


@pytest.mark.parametrize(
    ("sql", "function"),
    [
        (r"name ~ '\bx' and not public.is_fine(id)", "public.is_fine"),  # a fault of its own stands in front
        ("repeat(name, id) = 'x' or public . is_fine (id)", "public.is_fine"),
        ('public."is_fine"\n(id)', "public.is_fine"),
        ('"f"(a)', "f"),
        ("f/* x */(a)", "f"),
        ("f--x\n(a)", "f"),
        ("abs(1) > 0 and F\t(a)", "f"),
        ("public.abs(a) > 1", "public.abs"),
        ("année(a) = 1", "année"),
        ("(((f(a))))", "f"),
    ],
)
def test_a_call_is_found_whatever_else_is_wrong(sql: str, function: str) -> None:
    for text, is_query in ((sql, False), (f"select a as lock from s.t where {sql}", True)):
        fault = fault_of_calls(text, is_query=is_query, allow_functions=["public.other"])
        assert str(fault).startswith(f"calls {function}, ")
        assert fault_of_calls(text, is_query=is_query, allow_functions=[function]) is None


@pytest.mark.parametrize(
    "sql",
    [
        "abs(a) in (1, 2) and CAST(a as numeric(3)) > (a)",
        "lower(substring(a from 1 for 2)) = 'f(x)' and not (b)",
        "extract(year from d) > 3 and coalesce(a, b) > 0",
        "pg_catalog.abs(a) > 0",
        "price > 0",
        "'it is not closed",
    ],
)
def test_what_is_built_in_is_no_fault(sql: str) -> None:
    assert fault_of_calls(sql, is_query=False, allow_functions=[]) is None
