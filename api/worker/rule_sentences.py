"""A rule's message: one sentence with its numbers."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, assert_never

from api.baselines.earlier import Bounds, Made
from stringx_dataops.contract.catalogue.rule_types import RuleType
from stringx_dataops.contract.catalogue.words import age, decimal, number, share
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.rule_messages import filled_in
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.gate_test.outcome import GroupsOutcome, RuleOutcome
from stringx_dataops.contract.messages.verdicts import RuleStatus


def message_and_finding(
    rule: Rule, rule_type: RuleType | None, outcome: RuleOutcome, made: Made | None = None
) -> tuple[str, str | None]:
    """What a result says of the rule. If the rule has a message of its own and fails or warns, that message, with its numbers
    filled in, and the sentence that it replaces. A rule that passes, or could not be decided, keeps the sentence. `made`: what
    its earlier points say."""
    finding = message(rule, rule_type, outcome, made)
    if rule.message is None or rule_type is None or outcome["status"] not in ("fail", "warn"):
        return finding, None
    return filled_in(rule.message, _numbers(rule, rule_type, outcome)), finding


def _numbers(rule: Rule, rule_type: RuleType, outcome: RuleOutcome) -> dict[str, str]:
    """The placeholders' values. A value of a row is never shown, as in no message."""
    failures, total, measured = outcome.get("failures"), outcome.get("total"), outcome.get("measured")
    shares = [Fraction(limit.rstrip("% ")) for limit in rule.thresholds if isinstance(limit, str)]
    is_row_value = outcome.get("row_value") or outcome.get("measured_hidden")
    return {
        "failures": "unknown" if failures is None else f"{failures:,}",
        "total": "unknown" if total is None else f"{total:,}",
        "ratio": share(failures, total, shares) if failures is not None and total else "unknown",
        "measured": "hidden" if is_row_value else "unknown" if measured is None else _measured(rule, rule_type, outcome),
    }


def message(rule: Rule, rule_type: RuleType | None, outcome: RuleOutcome, made: Made | None = None) -> str:
    """DataOps' own sentence with the numbers. It never contains a value of a row. Of the rule it contains columns, thresholds,
    and the arguments that its type's sentence names."""
    if outcome["status"] == "error" or rule_type is None:
        return f"could not be decided: {outcome.get('reason') or 'unknown'}"
    if outcome.get("nothing_there") and rule_type.decides != "count":
        return "passes, as there is no row under its `where`"
    if (groups := outcome.get("groups")) is not None:
        return _grouped(groups, _decided(rule, rule_type, {**outcome, "status": groups["of_rows"]}, made), rule, rule_type)
    return _decided(rule, rule_type, outcome, made)


def _grouped(groups: GroupsOutcome, of_rows: str, rule: Rule, rule_type: RuleType) -> str:
    """The sentence of a rule with `per`. `of_rows` is that of all rows, or of the worst group where something is measured."""
    count, failing, warning = groups["count"] + groups["missing"], groups["failing"], groups["warning"]
    if failing or warning:
        words = [f"{failing or warning:,} of {count:,} groups {_verb('fail' if failing else 'warn', failing or warning)}"]
        words[0] += f", {warning:,} {_verb('warn', warning)}" if failing and warning else ""
    else:
        words = [f"all {count:,} groups pass" if count > 1 else "the only group passes" if count else "there is no group"]
    words += [f"{groups['new']:,} new since the check before"] if groups["new"] else []
    words += [f"{groups['missing']:,} missing since the check before"] if groups["missing"] else []
    if (rule.new_groups or rule.missing_groups) and not groups["compared"]:
        words.append("no check before to compare the groups with")
    if groups["count"]:
        words.append(f"{'in the worst' if rule_type.decides == 'bounds' else 'in all'} {of_rows}")
    return "; ".join(words)


def _verb(verb: str, number: int) -> str:
    return f"{verb}s" if number == 1 else verb


def _decided(rule: Rule, rule_type: RuleType, outcome: RuleOutcome, made: Made | None) -> str:
    finding = outcome.get("finding") or rule_type.words(
        outcome["status"] == "pass",
        rule.all_columns,
        rule.arguments,
        _measured(rule, rule_type, outcome, made),
        outcome.get("found"),
    )
    match rule_type.decides:
        case "holds":
            return finding
        case "bounds":
            has_none = (
                outcome.get("measured") is None
                and not outcome.get("measured_hidden")
                and not (outcome.get("found") or {}).get("learning")
            )
            nothing = " (there is no value)" if has_none else ""
            bounds = _bounds(rule, rule_type, outcome) if made is None else _bounds_made(made, outcome)
            return f"{finding}{nothing}{bounds}"
        case "count":
            return _counted(rule, rule_type, outcome, finding)
        case _:
            assert_never(rule_type.decides)


def _counted(rule: Rule, rule_type: RuleType, outcome: RuleOutcome, finding: str) -> str:
    failures, total = outcome["failures"], outcome.get("total")
    assert failures is not None  # a decided rule of such a type has counted
    unit = rule_type.failures or "rows"
    counted = f"{failures:,} of {total:,} {unit}" if total is not None else f"{failures:,} {unit}"
    if total is None and failures == 1:
        counted, (verb, space, rest) = f"1 {unit.removesuffix('s')}", finding.partition(" ")
        finding = {"are": "is", "have": "has"}.get(verb, verb) + space + rest
    shares = [Fraction(limit.rstrip("% ")) for limit in rule.thresholds if isinstance(limit, str)]
    of_all = f" ({share(failures, total, shares)})" if total and failures else ""
    proof = f"; proved by {outcome['proof']}" if outcome.get("proof") else ""
    return f"{counted}{of_all} {finding}{_threshold(rule, outcome, failures)}{proof}"


def _threshold(rule: Rule, outcome: RuleOutcome, failures: int) -> str:
    status = outcome["status"]
    if "threshold" in outcome:  # of the dbt test that the rule runs
        return f"; {outcome['threshold']}"
    warn_above, fail_above = rule.thresholds
    if status == "fail":
        return f"; fails above {fail_above}"
    if status == "warn":
        return f"; warns above {warn_above}"
    limit = warn_above if warn_above is not None else fail_above
    return f"; up to {limit} pass" if failures else ""


def _measured(rule: Rule, rule_type: RuleType, outcome: RuleOutcome, made: Made | None = None) -> str:
    """What was measured, in words; empty if it is a row's value, which may not be shown."""
    value = outcome.get("measured")
    if value is None and not outcome.get("measured_hidden"):
        return "unknown"
    if outcome.get("row_value"):
        return ""
    sides = [rule.arguments, rule.arguments.get("warn") or {}]
    limits = [side[name] for side in sides for name in rule_type.bounds.values() if side.get(name) is not None]
    if made is not None:
        limits = [limit for bounds in (made.fails, made.warns) for limit in (bounds.low, bounds.high) if limit is not None]
    if rule_type.unit == "seconds" and (seconds := decimal(value)) is not None and seconds.is_finite():
        return age(seconds, [Decimal(str(parse_duration(limit))) for limit in limits])
    return number(value, [limit for limit in map(decimal, limits) if limit is not None])


def _bounds(rule: Rule, rule_type: RuleType, outcome: RuleOutcome) -> str:
    status = outcome["status"]
    bounds = rule.arguments.get("warn", {}) if status == "warn" else rule.arguments
    low, high = (bounds.get(rule_type.bounds[side]) for side in ("min", "max"))
    of_other = (outcome.get("found") or {}).get("other")
    parts = [
        f"{'more than' if bounds.get('exclusive_min') else 'at least'} {_limit(low, of_other)}" if low is not None else "",
        f"{'less than' if bounds.get('exclusive_max') else 'at most'} {_limit(high, of_other)}" if high is not None else "",
    ]
    return _unless(status, parts)


def _bounds_made(made: Made, outcome: RuleOutcome) -> str:
    """The bounds that earlier points have made, and which points these are."""
    if outcome["status"] == "pass" and made.says_bounds:
        return f"; {made.shown.words}"
    bounds = made.warns if outcome["status"] == "warn" or made.fails == Bounds() else made.fails
    parts = [
        f"at least {number(bounds.low)}" if bounds.low is not None else "",
        f"at most {number(bounds.high)}" if bounds.high is not None else "",
    ]
    return f"{_unless(outcome['status'], parts)}; {made.shown.words}"


def _unless(status: RuleStatus, parts: Sequence[str]) -> str:
    limits = " and ".join(part for part in parts if part)
    verb = "warns unless" if status == "warn" else "fails unless" if status == "fail" else "must be"
    return f"; {verb} {limits}" if limits else ""


def _limit(limit: Any, of_other: Any) -> str:
    """A limit in words; a share is followed by the value that it is a share of."""
    if not isinstance(limit, str) or not limit.rstrip().endswith("%"):
        return number(limit)
    return f"{limit} of {'the other value' if of_other is None else number(of_other)}"
