"""Verdicts and thresholds as the macros decide them: pure, so they are called here as dbt calls them, and held to exact arithmetic."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment
from jinja2.runtime import Macro

from stringx_dataops.contract.messages.verdicts import worst
from stringx_dataops.contract.settings import ROOT

STATUSES = ("pass", "warn", "fail", "error")
ORDER = ("pass", "warn", "error", "fail")  # from best to worst


class Returned(BaseException):
    """What dbt's `return` does: the call of the macro has this value."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _return(value: Any) -> None:
    raise Returned(value)


@pytest.fixture(scope="module")
def macros() -> Iterator[Callable[..., Any]]:
    """Calls a macro of the file that decides, by its name."""
    invoke = Macro._invoke

    def returning(self: Macro, arguments: list[Any], autoescape: bool) -> Any:
        try:
            return invoke(self, arguments, autoescape)
        except Returned as returned:
            return returned.value

    text = (ROOT / "stringx" / "macros" / "gate" / "outcome.sql").read_text(encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Macro, "_invoke", returning)
        module = Environment(extensions=["jinja2.ext.do"]).from_string(text, globals={"return": _return}).module
        yield lambda name, *arguments: getattr(module, name)(*arguments)


def planned(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule about rows that may fail, or only warn."""
    thresholds = {"fail_above": {"count": 0} if rule["may_fail"] else None, "warn_above": {"count": 0}}
    spec = thresholds | {"about_rows": rule["about_rows"], "arguments": {}}
    return {"sql": {"decides_empty": rule["decides_empty"]}, "spec": spec, "scope": {"where": None}, "whole_table": False}


RULES = st.lists(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(STATUSES),
            "may_fail": st.booleans(),
            "about_rows": st.booleans(),
            "decides_empty": st.booleans(),
        }
    ),
    max_size=5,
)


def verdict(macros: Callable[..., Any], rules: list[dict[str, Any]], row_count: int, on_empty: str = "fail") -> str:
    table = {"rules": [planned(rule) for rule in rules], "spec": {"on_empty": on_empty}}
    outcomes = [{"status": rule["status"], "total": row_count} for rule in rules]
    found: dict[str, str] = macros("stringx_verdict", table, outcomes, [{}] * len(rules), row_count)
    return found["verdict"]


@given(
    failures=st.integers(0, 10**18), total=st.integers(1, 10**18),
    share=st.decimals(0, 1, places=12).map(lambda value: f"{value:f}"), count=st.integers(0, 10**18),
)  # fmt: skip
def test_a_threshold_is_compared_exactly(macros: Callable[..., Any], failures: int, total: int, share: str, count: int) -> None:
    outcome = {"failures": failures, "total": total}
    assert macros("stringx_above", outcome, {"share": share}) == (Fraction(failures, total) > Fraction(share))
    assert macros("stringx_above", outcome, {"count": count}) == (failures > count)
    assert macros("stringx_above", outcome, None) is False


def test_a_share_that_is_met_exactly_is_not_above(macros: Callable[..., Any]) -> None:
    for failures, total, share in ((29, 100, "0.29"), (1, 3, "0.333333333333"), (7, 10, "0.7"), (3, 10, "0.1")):
        above = Fraction(failures, total) > Fraction(share)
        assert macros("stringx_above", {"failures": failures, "total": total}, {"share": share}) == above


@given(st.lists(st.sampled_from(STATUSES)))
def test_the_worst_of_several_is_the_same_in_macros_and_services(macros: Callable[..., Any], verdicts: list[Any]) -> None:
    assert macros("stringx_worst", verdicts) == worst(verdicts)


@given(RULES)
def test_with_rows_the_verdict_is_the_worst_status_and_an_undecided_warning_warns(
    macros: Callable[..., Any], rules: list[dict[str, Any]]
) -> None:
    statuses = ["warn" if rule["status"] == "error" and not rule["may_fail"] else rule["status"] for rule in rules]
    assert verdict(macros, rules, 10) == (worst(statuses) if statuses else "error")


@given(RULES, st.sampled_from(["fail", "warn", "pass"]))
def test_without_rows_rules_about_rows_say_nothing(
    macros: Callable[..., Any], rules: list[dict[str, Any]], on_empty: str
) -> None:
    undecided = ["error" if rule["may_fail"] else "warn" for rule in rules if rule["status"] == "error"]
    decided = [rule for rule in rules if rule["status"] != "error"]
    of_counts = [rule["status"] for rule in decided if rule["decides_empty"]]
    of_others = [rule["status"] for rule in decided if not rule["decides_empty"] and not rule["about_rows"]]
    expected = worst([*undecided, *of_others, worst(of_counts) if of_counts else on_empty]) if rules else "error"  # type: ignore[list-item]
    assert verdict(macros, rules, 0, on_empty) == expected


@given(RULES, st.integers(0, 4), st.sampled_from([0, 10]))
def test_a_worse_status_makes_no_verdict_better(
    macros: Callable[..., Any], rules: list[dict[str, Any]], index: int, row_count: int
) -> None:
    if index >= len(rules) or not rules[index]["may_fail"] or (row_count == 0 and rules[index]["about_rows"]):
        return  # without rows, what a rule about rows finds says nothing, and only its error counts
    before = verdict(macros, rules, row_count)
    for status in ORDER[ORDER.index(rules[index]["status"]) :]:
        changed = [*rules[:index], rules[index] | {"status": status}, *rules[index + 1 :]]
        assert ORDER.index(verdict(macros, changed, row_count)) >= ORDER.index(before)
