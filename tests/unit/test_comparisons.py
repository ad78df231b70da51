"""Comparisons of a column with quoted values in a condition: which are found, and where they stand."""

import pytest

from stringx_dataops.contract.custom_sql.postgres.comparisons import comparisons, patterns_of


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("a = 'x'", [("a = 'x'", "a", "=", ["'x'"])]),
        ("A != 'x'", [("A != 'x'", "a", "<>", ["'x'"])]),
        ("é <> 'ü' and b='y'", [("é <> 'ü'", "é", "<>", ["'ü'"]), ("b='y'", "b", "=", ["'y'"])]),
        ("not (a like '%x' or \"Q t\" NOT  IN ('a', 'b''c'))", [("a like '%x'", "a", "~~", ["'%x'"]), ("\"Q t\" NOT  IN ('a', 'b''c')", "Q t", "<>", ["'a'", "'b''c'"])]),
        ("a ~ '^x'", [("a ~ '^x'", "a", "~", ["'^x'"])]),
        ("a not ilike 'x'", [("a not ilike 'x'", "a", "!~~*", ["'x'"])]),
        ("a = 'x' || 'y'", []),
        ("a = 'x'::text", []),
        ("a || 'x' = 'y'", []),
        ("t.a = 'x'", []),
        ("lower(a) = 'x'", []),
        ("a in (1, 2)", []),
        ("a in ('x', b)", []),
        ("a in ('x'", []),
        ("a is null", [("a is null", "a", "is", [])]),
        ("b and A IS  NOT null or c", [("A IS  NOT null", "a", "is not", [])]),
        ("a is null is true", []),
        ("a is not true", []),
        ("a = 'x", []),
        ("'x' = a", []),
    ],
)  # fmt: skip
def test_plain_comparisons_are_found_by_their_place(sql: str, found: list[tuple[str, str, str, list[str]]]) -> None:
    assert [(sql[one[0] : one[1]], *one[2:]) for one in comparisons(sql)] == found


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("t ~ '('", ["("]),
        ("a.t !~* 'o''p\\d' and x ~ 'y' || z", ["o'p\\d", "y"]),
        ("regexp_like(t, 'a') or regexp_count( t , 'b' ) > 1", ["a", "b"]),
        ("regexp_like(t, '(', 'q')", []),
        ("substring(t, 'c') = 'd'", ["c"]),
        ("t = '~ (' and (a, '(') = b", []),
        ("t like '('", []),
        ("t ~ '('\n'a)'", []),
        ("app.regexp_like(t, '(')", []),
        ("t ~ u", []),
        ("t ~ 'x", []),
    ],
)
def test_patterns_that_are_written_out_are_found(sql: str, found: list[str]) -> None:
    assert patterns_of(sql) == found
