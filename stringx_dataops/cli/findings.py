"""What a check found, rule by rule: its sentence, the measured value, who to ask, and failing rows."""

from collections.abc import Iterator, Sequence
from typing import Any

from stringx_dataops.cli.answers import CheckAnswer, GroupAnswer, RuleAnswer, TableAnswer
from stringx_dataops.cli.terminal import cut, faint, filled, folded, plain, screen_width, state, width_of

_ORDER = ("fail", "error", "warn", "pass")
_WIDEST = 30  # cells of a value in a sample
_BELOW = 9  # spaces before what stands below a rule
_ROWS = 10  # of a sample; --json has all
_GROUPS = 5  # of a rule; --json has the worst 20
HIDDEN = "measured: not shown; it is a value of a row, and its column is neither in key nor in sample_columns"
NO_SAMPLES = "failing rows are not shown: the key lacks the scope samples"


def lines(result: CheckAnswer | TableAnswer, *, passed: bool, begin: str = "  ") -> Iterator[str]:
    """The rules that did not pass, the worst first, each with what is known about it; with `passed` the others, too.
    Where all have one error, as of a table that is missing, it stands there once. Each line starts with `begin`."""
    below = begin + " " * _BELOW
    rules = result.get("rules", ())
    if len(rules) > 1 and {(rule["status"], rule["message"]) for rule in rules} == {("error", rules[0]["message"])}:
        yield folded(f"{begin}{state('error', 5)}  all {len(rules)} rules: {plain(rules[0]['message'])}", len(below))
        details = dict.fromkeys(line for rule in rules for line in _details(rule, len(below)))
        yield from (folded(below + line, len(below)) for line in details)
        return
    for status in _ORDER:
        for rule in rules:
            if rule["status"] == status and (status != "pass" or passed):
                yield folded(f"{begin}{state(status, 5)}  {rule['id']}{_mark(rule)}: {plain(rule['message'])}", len(below))
                yield from (folded(below + line, len(below)) for line in _details(rule, len(below)))


def hides_samples(result: CheckAnswer | TableAnswer) -> bool:
    """Whether a rule that found something may have failing rows which this key does not see."""
    return any(rule.get("sample_hidden") and rule["status"] in ("fail", "warn") for rule in result.get("rules", ()))


def _mark(rule: RuleAnswer) -> str:
    marks = [word for word, holds in (("shadow", rule.get("shadow")), ("waived", rule.get("waived"))) if holds]
    return f" ({', '.join(marks)})" if marks else ""


def _details(rule: RuleAnswer, indent: int) -> Iterator[str]:
    if rule.get("finding"):
        yield plain(rule["finding"])
    if rule.get("measured_hidden"):
        yield HIDDEN
    elif rule.get("measured") is not None and str(rule["measured"]) != str(rule.get("failures")):  # rules that count measure it
        yield f"measured: {plain(rule['measured'])}"
    words = (rule.get("baseline") or {}).get("words")
    if words and words not in f"{rule['message']} {rule.get('finding')}":
        yield plain(words)
    yield from _groups(rule)
    if waived := rule.get("waived"):
        yield f"waived by {plain(waived['by'])} until {plain(waived['until'])}: {plain(waived['reason'])}"
    if rule["status"] == "pass":
        return
    named = {"owner": rule.get("owner"), "runbook": rule.get("runbook")}
    about = [f"{name}: {plain(value)}" for name, value in named.items() if value]
    if about:
        yield "; ".join(about)
    if rule.get("sample_dropped"):
        yield "failing rows were left out, because the result would have been too large"
    if sample := rule.get("sample"):
        yield from _rows(sample["columns"], sample["rows"], bool(sample.get("cut")), indent)


def _groups(rule: RuleAnswer) -> Iterator[str]:
    """The worst groups of those that did not pass; how many these are says the rule's sentence."""
    worst = [group for group in rule.get("groups", ()) if group["status"] != "pass"]
    for group in worst[:_GROUPS]:
        yield f"  {state(group['status'], 5)}  {_key(group)}: {_numbers(group)}"
    more = rule.get("groups_failing", 0) - len(worst[:_GROUPS])
    if more > 0 and worst:
        yield f"  … and {more} more"


def _key(group: GroupAnswer) -> str:
    if group["key"] is None:
        return "a group (its columns are neither in key nor in sample_columns)"
    return ", ".join(f"{plain(name)} = {_value(value)}" for name, value in group["key"].items())


def _numbers(group: GroupAnswer) -> str:
    change = f" ({group['change']})" if group.get("change") else ""
    if group["failures"] is None:
        return f"measured {'nothing' if group['measured'] is None else plain(group['measured'])}{change}"
    total = "" if group["total"] is None else f" of {group['total']:,}"
    return f"{group['failures']:,}{total}{change}"


def _rows(names: Sequence[str], rows: Sequence[Sequence[Any]], is_cut: bool, indent: int) -> Iterator[str]:
    """A sample as a small table; on a terminal no wider than it is."""
    shown = [[cut(_value(value), _WIDEST) for value in row] for row in (names, *rows[:_ROWS])]
    widths = [max(width_of(row[index]) for row in shown) for index in range(len(names))]
    room = (screen_width() or 10_000) - indent
    for number, row in enumerate(shown):
        line = cut("  ".join(filled(text, width) for text, width in zip(row, widths, strict=True)).rstrip(), room)
        yield faint(line) if number == 0 else line
    left = len(rows) - _ROWS
    if left > 0 or is_cut:
        yield f"… and {left} more rows; --json has them" if left > 0 else "… further rows were left out for lack of space"


def _value(value: Any) -> str:
    return "NULL" if value is None else plain(value)
