"""Nothing opens because of a waiver but what it is for: random results and waivers against a reference that shares no code."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from api.checks.waiving import Decided, Marks, _Waiver, waived
from backend.gates.decision import DecidingCheck, Facts, GateSubject, Request, decide
from backend.gates.waiving import WaiverFact
from backend.history.state import state_of
from stringx_dataops.contract.documents.tables import GateSettings
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.verdicts import worst
from stringx_dataops.contract.messages.waivers import Waived, claims_of, is_within

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TABLES, RULES = ("public.a", "public.b"), ("x", "y")
STATUSES = ("pass", "warn", "fail", "error")
LIMITS = (None, 0, 3, 10, "0%", "30%", "29.99%", "100%")
ORDER = ("pass", "warn", "error", "fail")


@dataclass(frozen=True)
class Found:
    """What the gate test found for a rule: `mark` is what it adds to the verdict."""

    status: str
    failures: int | None
    total: int | None
    shadow: bool
    mark: str | None


@st.composite
def found(draw: st.DrawFn) -> Found:
    status = draw(st.sampled_from(STATUSES))
    failures = None if status == "error" else draw(st.sampled_from([None, 0, 3, 4, 10]))
    total = draw(st.sampled_from([None, 10])) if failures is not None else None
    shadow = draw(st.booleans())
    mark = None if shadow else draw(st.sampled_from(["error", "warn"] if status == "error" else [status, status, None]))
    return Found(status, failures, total, shadow, mark)


def rule_json(name: str, one: Found) -> dict[str, Any]:
    said = {"id": name, "type": "not_null", "columns": [], "kind": "business", "dimension": "validity", "measured": None}
    said |= {"status": one.status, "failures": one.failures, "total": one.total, "failure_ratio": None, "shadow": one.shadow}
    return said | {"verified_by": "scan", "message": "m", "sample": None}


RESULTS = st.fixed_dictionaries(dict.fromkeys(TABLES, st.fixed_dictionaries(dict.fromkeys(RULES, found()))))
WAIVERS = st.dictionaries(st.tuples(st.sampled_from(TABLES), st.sampled_from(RULES)), st.sampled_from(LIMITS))
EMPTY = st.sampled_from([None, "pass", "warn", "fail"])


def verdict_of(rules: dict[str, Found], empty: str | None) -> str:
    marks = [one.mark for one in rules.values() if one.mark is not None] + ([empty] if empty else [])
    return worst(marks)  # type: ignore[arg-type]


def a_result(tables: dict[str, dict[str, Found]], empty: str | None) -> CheckResult:
    parts = [
        {"table": name, "verdict": verdict_of(rules, empty), "config_version": 1, "rules_hash": "h",
         "rules": [rule_json(rule, one) for rule, one in rules.items()]}
        for name, rules in tables.items()
    ]  # fmt: skip
    body = {"check_id": "c", "request_id": "r", "target": "shop", "queued_at": NOW, "status": "succeeded", "tables": parts}
    return CheckResult.model_validate(body | {"dataset": "d", "verdict": worst(part["verdict"] for part in parts)})  # type: ignore[arg-type]


def holds(limit: int | str | None, failures: int | None, total: int | None) -> bool:
    """In decimals, where the code has fractions."""
    if limit is None:
        return True
    if failures is None or (isinstance(limit, str) and total is None):
        return False
    return failures <= limit if isinstance(limit, int) else Decimal(failures) * 100 <= Decimal(limit[:-1]) * Decimal(total or 0)


@given(RESULTS, WAIVERS, EMPTY, st.booleans())
@settings(max_examples=300)
def test_a_waiver_makes_just_its_failing_rule_warn(
    tables: dict[str, dict[str, Found]], waivers: dict[tuple[str, str], Any], empty: str | None, has_marks: bool
) -> None:
    before = a_result(tables, empty)
    marks = {name: Marks({rule: one.mark for rule, one in rules.items()}, empty) for name, rules in tables.items()}  # type: ignore[misc, arg-type]
    active = {place: _Waiver(Waived(id="w", by="me", until=NOW, reason="so"), limit) for place, limit in waivers.items()}
    after = waived(Decided(before, marks if has_marks else {}), active)
    for old, new in zip(before.tables, after.tables, strict=True):
        left = dict(tables[old.table])
        for one, other in zip(old.rules, new.rules, strict=True):
            place = (old.table, one.id)
            may = has_marks and place in waivers and one.status == "fail" and not one.shadow and old.verdict == "fail"
            if may and holds(waivers[place], one.failures, one.total):
                assert (other.status, other.waived is not None) == ("warn", True)
                left[one.id] = replace(left[one.id], mark="warn" if left[one.id].mark == "fail" else left[one.id].mark)
            else:
                assert other == one, "no other rule, status or error is touched"
        assert new.verdict == verdict_of(left, empty)
        if not any(rule.waived for rule in new.rules):
            assert new == old
        if any(mark.mark == "fail" for mark in left.values()) or empty == "fail":
            assert new.verdict == "fail"
        if any(mark.mark == "error" for mark in left.values()):
            assert new.verdict in ("fail", "error")
    assert after.verdict == worst(table.verdict for table in after.tables)
    claimed = {(claim["table"], claim["rule"]) for claim in claims_of(after.as_json())}
    assert claimed == {(table.table, rule.id) for table in after.tables for rule in table.rules if rule.waived is not None}


@given(st.sampled_from(LIMITS), st.none() | st.integers(0, 20), st.none() | st.integers(0, 20))
def test_limits_are_exact(limit: Any, failures: int | None, total: int | None) -> None:
    assert is_within(limit, failures, total) == holds(limit, failures, total)


FACTS = st.builds(
    WaiverFact, id=st.sampled_from(["1", "2"]), target=st.sampled_from(["shop", "shop", "other"]), table=st.sampled_from(TABLES),
    rule=st.sampled_from(RULES), by=st.just("me"), reason=st.just("so"), until=st.just(NOW + timedelta(days=1)),
    at_most=st.sampled_from([None, None, 3, "30%"]), ended_because=st.sampled_from([None, None, None, "expired", "deleted", "changed"]),
    ended_by=st.just("you"),
)  # fmt: skip
CLAIMS = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from(["1", "2", "3"]), "table": st.sampled_from(TABLES), "rule": st.sampled_from(RULES),
         "failures": st.sampled_from([None, 3, 4]), "total": st.sampled_from([None, 10])}
    ),
    max_size=3,
)  # fmt: skip


@given(
    st.lists(FACTS, max_size=2, unique_by=lambda fact: fact.id), CLAIMS, st.sampled_from(["a table", "a dataset", "a load"]),
    st.sampled_from(["pass", "warn", "error", "fail"]), st.sampled_from(["open", "closed"]), st.booleans(), st.booleans(),
)  # fmt: skip
@settings(max_examples=500)
def test_a_gate_that_leans_on_a_waiver_is_open_only_while_that_very_waiver_holds(
    facts: list[WaiverFact], claims: list[Any], of: str, verdict: str, on_other: str, changed: bool, is_kept: bool
) -> None:
    is_dataset = of == "a dataset"
    settings_ = GateSettings.model_validate({"on_warn": on_other, "on_error": on_other})
    name = {"table": None, "dataset": "d"} if is_dataset else {"table": "public.a", "dataset": None}
    subject = GateSubject("shop", **name, settings=settings_, rules_hash="now", target_hash="here", has_rules=True)
    rules = [{"id": "x", "status": verdict, "message": "m"}]
    parts = [{"table": table, "verdict": verdict, "reason": None, "rules": rules} for table in TABLES]
    result = {"verdict": verdict, "reason": None, "tables": parts, "skipped": []}
    check = DecidingCheck("c", verdict, "succeeded", "before" if changed else "now", NOW, NOW, 1.0, result, leans_on=claims)  # type: ignore[arg-type]
    asked = Request("r", "succeeded", True) if of == "a load" else None
    by_id = {fact.id: fact for fact in facts}
    view = decide(Facts(subject, check, asked, is_kept=is_kept, waivers=by_id))
    without = decide(Facts(subject, replace(check, leans_on=()), asked, is_kept=is_kept))

    def stands(claim: dict[str, Any]) -> bool:
        fact = by_id.get(claim["id"])
        return (
            fact is not None and fact.ended_because is None
            and fact.target == "shop" and fact.table == claim["table"] and fact.rule == claim["rule"]
            and holds(fact.at_most, claim["failures"], claim["total"])
        )  # fmt: skip

    about = [claim for claim in claims if is_dataset or claim["table"] == "public.a"]
    assert (view.gate == "open") == (without.gate == "open" and all(map(stands, about)))
    assert (view.gate == "open") == (not view.reasons)
    assert {(each.table, each.rule) for each in view.waivers} <= {(claim["table"], claim["rule"]) for claim in about}
    may_open = verdict == "pass" or (verdict != "fail" and on_other == "open")
    if changed and asked is None:
        may_open = may_open and is_kept
    assert (without.gate == "open") == may_open
    if asked is None:
        state = state_of(Facts(subject, check, is_kept=is_kept, waivers=by_id))
        assert (state.name == "open") == (view.gate == "open")
        assert state.gate != "open" or all(map(stands, about))
