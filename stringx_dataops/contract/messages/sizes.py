"""How large a result may be, what goes first where it is larger, and shorter forms for a receiver that takes less."""

import json
from collections.abc import Iterator
from typing import Any

from stringx_dataops.contract.messages.samples import Result, with_parts, without_samples

MAX_RESULT_BYTES = 8 * 1024 * 1024
MAX_SUMMARY_BYTES = 64 * 1024
MAX_MESSAGES = 128 * 1024
_MAX_NOTES = 100
_MAX_NUMBERS = 20  # of counts and scores in a summary: a result has one per status and one per dimension
_MAX_WORDS = 500  # characters of a message there
_MAX_CHARACTERS = 1000  # of a note or reason in a result that has to become smaller


def bounded(result: Result) -> tuple[Result, str]:
    """The result, or a smaller copy if it is larger than MAX_RESULT_BYTES, and its JSON text. Samples go first, the largest
    first, then groups, then descriptions and the ends of long messages, then the rules of the largest tables; `notes` say
    what is missing."""
    text = _text(result)
    if (excess := _excess(text)) <= 0:
        return result, text
    result = with_parts(result, _copied)
    rules = sorted((rule for part in _parts(result) for rule in part["rules"] if rule.get("sample")), key=_size_of_sample)
    dropped = 0
    while excess > 0 and rules:
        excess -= _size_of_sample(rule := rules.pop()) - len("null")
        rule.update(sample=None, sample_dropped=True)
        dropped += 1
    if dropped:
        _note(result, f"it would be larger than {_MIB}: the samples of {dropped} rules are left out (sample_dropped)")
    excess = _excess(_text(result))
    grouped = sorted((rule for part in _parts(result) for rule in part["rules"] if rule.get("groups")), key=_size_of_groups)
    emptied = 0
    while excess > 0 and grouped:
        excess -= _size_of_groups(rule := grouped.pop()) - len("[]")
        rule.update(groups=[])
        emptied += 1
    if emptied:
        _note(result, f"it would be larger than {_MIB}: the groups of {emptied} rules are left out")
    if _excess(_text(result)) > 0:
        result["notes"] = _short_notes(result)
        _cut_words(result)
    parts = sorted(_parts(result), key=_size_of_rules)
    while (excess := _excess(text := _text(result))) > 0 and parts:
        while excess > 0 and parts:
            excess -= _size_of_rules(part := parts.pop())
            part["rules"] = []
            _note(part, f"it would be larger than {_MIB}: the rules are left out")
    return result, text


def without_rules(result: Result, why: str) -> Result | None:
    """A copy with the verdict and the counts, and `why` as a note; None if the result has no rules."""
    if not any(part["rules"] for part in _parts(result)):
        return None
    emptied = with_parts(result, lambda part: part | {"rules": []} if part.get("rules") is not None else part)
    return emptied | {"dbt": None, "notes": [*_short_notes(result), why]}  # dbt's command holds the rules, too


def smaller(result: Result, why: str) -> Result | None:
    """A copy without samples; without rules if there are no samples; None if the result has neither."""
    if (found := without_samples(result)) is not None:
        return found | {"notes": [*(found.get("notes") or ()), f"{why}: without samples"]}
    return without_rules(result, f"{why}: without rules")


def summary(result: Result) -> Result:
    """What a list shows: no rules, no tables, nothing whose size is somebody else's choice."""
    left_out = ("rules", "tables", "skipped", "dbt", "asked", "earlier_attempts", "notes", "scope", "profile")
    found = {name: value for name, value in result.items() if name not in left_out}
    cut = {name: dict(list((found.get(name) or {}).items())[:_MAX_NUMBERS]) for name in ("counts", "scores")}
    return found | cut | {"reason": found["reason"][:_MAX_CHARACTERS] if found.get("reason") else None}


def messages(result: Result) -> dict[str, dict[str, str]]:
    """By table and rule: the messages of rules that did not pass, cut, the failed ones first; at most MAX_MESSAGES characters."""
    found: dict[str, dict[str, str]] = {}
    room = MAX_MESSAGES
    parts = [(part["table"], part) for part in _parts(result) if part.get("table")]
    for status in ("fail", "error", "warn"):
        for table, part in parts:
            for rule in (rule for rule in part["rules"] if rule["status"] == status):
                words = rule["message"][:_MAX_WORDS]
                room -= len(words) + len(rule["id"])
                if room < 0:
                    return found
                found.setdefault(table, {})[rule["id"]] = words
    return found


def short(result: Result, why: str) -> Result:
    """At most MAX_SUMMARY_BYTES: without rules, and where that is not enough without tables and what was asked."""
    found = without_rules(result, why) or result
    if len(_text(found).encode()) <= MAX_SUMMARY_BYTES:
        return found
    emptied: Result = {name: [] for name in ("rules", "tables", "skipped") if name in found}
    return summary(found) | emptied | {"dbt": None, "notes": [why]}


_MIB = f"{MAX_RESULT_BYTES // (1024 * 1024)} MiB"


def _parts(result: Result) -> Iterator[Result]:
    """The result, or those of its tables: whatever has `rules`."""
    yield from (part for part in (result, *(result.get("tables") or ())) if part.get("rules") is not None)


def _copied(part: Result) -> Result:
    """A copy whose rules are copies, too."""
    return part | {"rules": [dict(rule) for rule in part["rules"]]} if part.get("rules") is not None else dict(part)


def _note(part: Result, words: str) -> None:
    part["notes"] = [*(part.get("notes") or ()), words]


def _cut_words(result: Result) -> None:
    for rule in (rule for part in _parts(result) for rule in part["rules"]):
        words = rule["message"]
        if rule.get("baseline"):
            rule["baseline"] = rule["baseline"] | {"compared_with": []}
        rule.update(message=words if len(words) <= _MAX_WORDS else f"{words[:_MAX_WORDS]}…", description="")
    _note(result, f"it would be larger than {_MIB}: descriptions are left out, messages cut after {_MAX_WORDS} characters")


def _short_notes(result: Result) -> list[str]:
    return [note[:_MAX_CHARACTERS] for note in (result.get("notes") or ())[:_MAX_NOTES]]


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _excess(text: str) -> int:
    """Bytes above MAX_RESULT_BYTES; 0 or less if the text is small enough, and then perhaps only an upper bound."""
    return len(text) * 4 - MAX_RESULT_BYTES if len(text) * 4 <= MAX_RESULT_BYTES else len(text.encode()) - MAX_RESULT_BYTES


def _size_of_sample(rule: Result) -> int:
    return len(_text(rule["sample"]).encode())


def _size_of_groups(rule: Result) -> int:
    return len(_text(rule["groups"]).encode())


def _size_of_rules(part: Result) -> int:
    return len(_text(part["rules"]).encode())
