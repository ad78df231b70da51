"""The gate as a pure function of its facts: open only if everything says so, closed with reasons."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.gates.decision import DecidingCheck, Facts, GateSubject, Request, closes_at, decide, decides
from backend.gates.waiving import WaiverFact
from stringx_dataops.contract.documents.tables import GateSettings
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LAGGING = NOW - timedelta(minutes=15)
VERDICTS = ("pass", "warn", "fail", "error")
OPENING = ("open", "closed")


def result(verdict: str, tables: list[str] | None = None, skipped: tuple[str, ...] = ()) -> dict[str, Any]:
    part = {"verdict": verdict, "reason": None, "rules": [{"id": "a", "status": verdict, "message": "1 row"}]}
    if tables is None:
        return part | {"skipped": []}
    return part | {"rules": [], "tables": [part | {"table": name} for name in tables], "skipped": list(skipped)}


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    is_dataset = draw(st.booleans())
    settings_ = GateSettings.model_validate(
        {"on_warn": draw(st.sampled_from(OPENING)), "on_error": draw(st.sampled_from(OPENING))}
        | draw(st.sampled_from([{}, {"max_age": "1h"}, {"max_age": "1ms"}]))
    )
    name = {"table": None, "dataset": "sales"} if is_dataset else {"table": "public.a", "dataset": None}
    subject = GateSubject("shop", **name, settings=settings_, rules_hash="now", target_hash="here", has_rules=draw(st.booleans()))
    check = None
    if draw(st.booleans()):
        verdict, age = draw(st.sampled_from(VERDICTS)), draw(st.sampled_from([0.0, 1800.0, 3601.0]))
        tables = draw(st.sampled_from([None, ["public.a", "public.b"], ["public.b"]]))
        skipped = draw(st.sampled_from([(), ("public.a",)])) if tables == ["public.b"] else ()
        check = DecidingCheck(
            check_id="c", verdict=verdict, status=draw(st.sampled_from(["succeeded", "canceled", "errored"])),
            rules_hash=draw(st.sampled_from([None, "now", "before"])), snapshot_at=NOW - timedelta(seconds=age),
            decided_at=NOW - timedelta(seconds=age), age_s=age,
            result=result(verdict, tables, skipped) | draw(st.sampled_from([{}, {"target_hash": "here"}, {"target_hash": "there"}]))
            | draw(st.sampled_from([{}, *({"standby": {"replayed_at": at}} for at in (None, LAGGING.isoformat(), NOW.isoformat()))])),
        )  # fmt: skip
    asked = draw(st.none() | st.builds(Request, st.just("r"), st.sampled_from(["queued", "running", "succeeded"]), st.booleans()))
    return Facts(subject, check, asked, draw(st.sampled_from([None, "newer"])))


def may_open(facts: Facts, not_before: datetime | None) -> bool:
    """The same, in the words of docs: written without the code."""
    check, subject = facts.check, facts.subject
    if check is None or (not_before is not None and check.decided_at < not_before):
        return False
    if not_before is not None and "standby" in check.result:
        replayed_at = check.result["standby"]["replayed_at"]
        if replayed_at is None or datetime.fromisoformat(replayed_at) < not_before:
            return False
    if {"pass": "open", "warn": subject.settings.on_warn, "error": subject.settings.on_error, "fail": "closed"}[
        check.verdict
    ] != "open":
        return False
    if check.result.get("target_hash") == "there":
        return False
    if facts.request is not None:
        return check.status != "canceled" and not (subject.table and subject.table in check.result["skipped"])
    limits = {None: float("inf"), "1h": 3600.0, "1ms": 0.001}
    return (
        subject.has_rules and facts.newer_request is None and check.rules_hash in (None, subject.rules_hash)
        and check.age_s <= limits[subject.settings.max_age]
    )  # fmt: skip


@given(facts(), st.sampled_from([None, NOW - timedelta(hours=2), LAGGING, NOW - timedelta(minutes=10), NOW]))
def test_it_is_open_exactly_if_everything_says_so(facts: Facts, not_before: datetime | None) -> None:
    view = decide(facts, not_before)
    assert (view.gate == "open") == may_open(facts, not_before)
    assert (view.gate == "open") == (not view.reasons)
    assert all(reason and "\n" not in reason for reason in view.reasons)
    assert len(view.reasons) == len(set(view.reasons))


@pytest.mark.parametrize(
    ("standby", "reason", "pending"),
    [
        (None, None, False),
        ({"replayed_at": "2026-03-01T11:50:00Z"}, None, False),
        (
            {"replayed_at": "2026-03-01T11:49:59.999999Z"},
            "the newest snapshot, of a standby, shows what was committed until 2026-03-01T11:49:59.999999+00:00,"
            " before not_before (2026-03-01T11:50:00+00:00)",
            True,
        ),
        ({"replayed_at": None}, "the target is a standby that does not say until when it has replayed: not_before needs the primary", False),
    ],
)  # fmt: skip
def test_a_late_snapshot_of_a_standby_that_is_behind_does_not_show_the_load(
    standby: dict[str, Any] | None, reason: str | None, pending: bool
) -> None:
    subject = GateSubject("shop", "public.a", None, GateSettings(), rules_hash="now", target_hash="here", has_rules=True)
    found = result("pass") | ({"standby": standby} if standby else {})
    check = DecidingCheck("c", "pass", "succeeded", "now", snapshot_at=NOW, decided_at=NOW, age_s=0, result=found)
    view = decide(Facts(subject, check), NOW - timedelta(minutes=10))
    assert (view.reasons, view.pending) == ([reason] if reason else [], pending)
    assert decide(Facts(subject, check)).gate == "open"


@given(
    st.sampled_from([None, "30m", "1h", "1ms"]), st.floats(0, 5000), st.none() | st.integers(-60, 3600), st.booleans(),
    st.one_of(st.floats(0, 5000), st.sampled_from([1800.0, 3600.0])),
)  # fmt: skip
def test_an_open_gate_is_closed_by_time_alone_exactly_when_it_is_said_to_be(
    max_age: str | None, age_s: float, waived_s: int | None, of_request: bool, later_s: float
) -> None:
    """What signed verdicts go by: they end no later than this."""
    settings_ = GateSettings.model_validate({"max_age": max_age} if max_age else {})
    subject = GateSubject("shop", "public.a", None, settings_, rules_hash="now", target_hash="here", has_rules=True)
    decided_at = NOW - timedelta(seconds=age_s)
    claims: list[Any] = (
        [{"id": "w", "table": "public.a", "rule": "a", "failures": 1, "total": 10}] if waived_s is not None else []
    )
    check = DecidingCheck("c", "pass", "succeeded", "now", decided_at, decided_at, age_s, result("pass"), leans_on=claims)
    until = NOW + timedelta(seconds=waived_s or 0)
    request = Request("r", "succeeded", is_finished=True) if of_request else None

    def gate_at(seconds: float) -> str:
        ended: Any = "expired" if NOW + timedelta(seconds=seconds) >= until else None
        waiver = WaiverFact("w", "shop", "public.a", "a", "me", "because", until, ended_because=ended)
        return decide(Facts(subject, replace(check, age_s=age_s + seconds), request, waivers={"w": waiver})).gate

    if gate_at(0) == "closed":
        return
    fact = WaiverFact("w", "shop", "public.a", "a", "me", "because", until)
    end = closes_at(Facts(subject, check, request, waivers={"w": fact}))
    limits = [{None: 1e8, "30m": 1800, "1h": 3600, "1ms": 0.001}[max_age] - age_s, waived_s or 1e8]
    for each in (later_s, *(limit + beside for limit in limits for beside in (-0.5, 0.5))):
        at = NOW + timedelta(seconds=max(0.0, each))
        is_open = gate_at(max(0.0, each)) == "open"
        if end is None or at < end:
            assert is_open
        elif at > end and not of_request:
            assert not is_open
        if waived_s is not None and at >= until:
            assert not is_open


@given(facts())
def test_what_makes_it_worse_never_opens_it(facts: Facts) -> None:
    if decide(facts).gate == "open":
        return
    worse = [
        replace(facts, newer_request="newer"),
        replace(facts, subject=replace(facts.subject, has_rules=False)),
        replace(facts, subject=replace(facts.subject, rules_hash="another")),
        replace(facts, subject=replace(facts.subject, target_hash="another")),
        replace(facts, check=None),
    ]
    if facts.check is not None:
        worse += [replace(facts, check=replace(facts.check, age_s=facts.check.age_s + 7200))]
        worse += [replace(facts, check=replace(facts.check, verdict="fail", result=result("fail")))]
    for one in worse:
        assert decide(one).gate == "closed"


def a_gate(**changes: Any) -> Facts:
    subject = GateSubject("shop", "public.a", None, GateSettings(), "now", "here", True)
    check = DecidingCheck("c", "pass", "succeeded", "now", NOW, NOW, 1.0, result("pass"))
    return replace(Facts(subject, check), **changes)


def test_a_gate_that_was_never_checked_says_how_to_go_on() -> None:
    assert decide(a_gate()).gate == "open"
    assert decide(a_gate(check=None)).reasons == ["never checked: ask for a check first"]
    assert decide(a_gate(check=None, newer_request="n")).reasons == ["a newer request is not finished: n"]


def asked(status: str, is_finished: bool) -> Facts:
    return a_gate(check=None, request=Request("r", status, is_finished))


@pytest.mark.parametrize(
    ("facts", "pending"),
    [
        (a_gate(), False),
        (a_gate(check=None), True),
        (a_gate(newer_request="n"), True),
        (asked("queued", False), True),
        (asked("running", False), True),
        (asked("errored", True), False),
        (a_gate(check=replace(a_gate().check, verdict="fail", result=result("fail"))), False),  # type: ignore[type-var]
        (a_gate(check=replace(a_gate().check, rules_hash="before")), False),  # type: ignore[type-var]
        (a_gate(subject=replace(a_gate().subject, has_rules=False), check=None), False),
    ],
)
def test_it_says_whether_waiting_may_open_it(facts: Facts, pending: bool) -> None:
    assert decide(facts).pending == pending
    if facts.check is not None:
        assert decide(facts, NOW + timedelta(hours=1)).pending, "the snapshot is too old: a newer one may come"


@pytest.mark.parametrize(("rules", "reasons"), [(20, 21), (21, 22), (1000, 22)])
def test_its_reasons_are_bounded(rules: int, reasons: int) -> None:
    failed = {
        "verdict": "fail",
        "reason": None,
        "rules": [{"id": f"r{n}", "status": "fail", "message": "x"} for n in range(rules)],
    }
    check = DecidingCheck("c", "fail", "succeeded", "now", NOW, NOW, 1.0, failed)
    view = decide(a_gate(check=check))
    assert len(view.reasons) == reasons
    assert (view.reasons[-1] == f"and {rules - 20} more rules") == (rules > 20)


WINDOWS = st.just({"column": "at", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"})
NARROWED = st.fixed_dictionaries(
    {}, optional={"kinds": st.just(["business"]), "dimensions": st.just(["validity"]), "rule_ids": st.just(["a"])}
)


@given(NARROWED, st.none() | WINDOWS, st.sampled_from(["full", "window"]), st.sampled_from(["succeeded", "errored", "canceled"]))
def test_what_decides_covers_every_rule_and_a_window_only_if_it_may(
    narrowed: dict[str, Any], window: dict[str, Any] | None, decided_by: str, status: str
) -> None:
    asked = CheckRequest.model_validate({"target": "shop", "table": "public.a", "window": window} | narrowed)
    body = {"request_id": "r", "check_id": "c", "target": "shop", "table": "public.a", "status": status, "queued_at": NOW}
    check = CheckResult.model_validate(body | {"scope": asked.scope()})
    settings = GateSettings.model_validate({"decided_by": decided_by})
    may = status != "canceled" and not narrowed and (window is None or decided_by == "window")
    assert decides(settings, check) == may
    assert check.full == asked.full
