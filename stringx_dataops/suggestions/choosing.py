"""Chooses among drafts: nothing that the document has, nothing that fails what was seen, the best first, and few."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from stringx_dataops.contract.adapters import DEFAULT_ADAPTER, Adapter
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.globs import matches, name_of_literal
from stringx_dataops.contract.documents.yaml_writing import rules_as_yaml
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.profiles import Profile
from stringx_dataops.suggestions import keys, numbers, pairs, presence, tables, texts, times, values
from stringx_dataops.suggestions.drafts import Draft, Known
from stringx_dataops.suggestions.engines import Engine
from stringx_dataops.suggestions.judging import Judge
from stringx_dataops.suggestions.reading import computable
from stringx_dataops.suggestions.suggestion import History, SaidOfProfile, StoredProfile, Suggestion

MOST_PER_COLUMN = 3
MOST_SUGGESTIONS = 300  # per table
MOST_OLDER = 20  # older profiles that are looked at, the newest
MOST_CHECKS = 100  # earlier checks, the newest
MAX_ID = 60
_TOLD_BY_LIST = ("regex", "length", "format", "castable")  # what a list of values says of a column already
_MAKERS = (tables, keys, pairs, presence, values, numbers, texts, times)


def suggest(
    profile: Profile,
    catalogue: Catalogue,
    document: JsonObject | None = None,
    history: History | None = None,
    adapter: Adapter = DEFAULT_ADAPTER,
) -> list[Suggestion]:
    """Rules that fit the table and its engine, best first: at most 3 per column. `document`: the table's effective document,
    whose rules are not suggested again. `adapter`: that of its target."""
    history = history or History()
    families = {column.name: column.family for column in profile.columns}
    profile = computable(profile, families)
    stored = [each for each in history.profiles if each.profile.snapshot_at < profile.snapshot_at]
    stored = sorted(stored, key=lambda each: each.profile.snapshot_at)[-MOST_OLDER:]
    stored = [replace(each, profile=computable(each.profile, families)) for each in stored]
    checks = [each for each in history.checks if each.at <= profile.snapshot_at and each.verdict in ("pass", "warn")]
    checks = sorted(checks, key=lambda each: each.at)[-MOST_CHECKS:]
    types = frozenset(each.name for each in catalogue if adapter in each.engines)
    engine = Engine(adapter)
    known = Known(profile, [each.profile for each in stored], checks, types, engine)
    rules = [rule for rule in (document or {}).get("rules") or () if isinstance(rule, dict)]
    drafts = [draft for maker in _MAKERS for draft in maker.drafts(known) if draft.rule["type"] in known.types]
    drafts = [replace(draft, rule=engine.adapted(draft.rule)) for draft in drafts]
    drafts = [draft for draft in drafts if engine.takes(draft.rule, profile, catalogue)]
    judge = Judge(profile)
    fitting = [
        draft for draft in drafts if not _is_there(draft.rule, rules) and judge.said(draft.rule).status in ("pass", "unknown")
    ]
    listed = {draft.rule.get("column") for draft in fitting if draft.rule["type"] == "accepted_values"}
    fitting = [draft for draft in fitting if draft.rule["type"] not in _TOLD_BY_LIST or draft.rule.get("column") not in listed]
    chosen = _few(sorted(fitting, key=lambda draft: -draft.value), Counter(str(rule.get("column")) for rule in rules))
    taken = {rule.get("id") for rule in rules}
    named = zip(chosen, _ids(chosen, taken), strict=True)
    before = [(each, Judge(each.profile)) for each in reversed(stored)]
    return [_suggestion({"id": name, **draft.rule}, draft, judge, before, catalogue) for draft, name in named]


def _suggestion(
    rule: JsonObject, draft: Draft, judge: Judge, before: Sequence[tuple[StoredProfile, Judge]], catalogue: Catalogue
) -> Suggestion:
    return Suggestion(
        id=rule["id"],
        rule=rule,
        yaml=rules_as_yaml([rule], catalogue),
        reason=draft.reason,
        value=draft.value,
        on_this=judge.said(rule),
        on_profiles=[
            SaidOfProfile(**older.said(rule).model_dump(), profile_id=each.profile_id, at=each.profile.snapshot_at)
            for each, older in before
        ],
    )


def _few(drafts: Iterable[Draft], counts: Counter[str]) -> list[Draft]:
    """The first ones, at most so many per column, with those that it has (`counts`), and in all. A rule of several columns
    counts for none of them."""
    chosen: list[Draft] = []
    for draft in drafts:
        column = draft.rule.get("column") or _measured_column(draft.rule)
        if len(chosen) == MOST_SUGGESTIONS:
            break
        if column is None or counts[column] < MOST_PER_COLUMN:
            chosen.append(draft)
            counts[str(column)] += column is not None
    return chosen


def _measured_column(rule: JsonObject) -> str | None:
    """Of a rule that names its column in what it measures."""
    of = _arguments(rule).get("of")
    return of.get("column") if isinstance(of, dict) else None


def _is_there(rule: JsonObject, rules: Sequence[JsonObject]) -> bool:
    """Whether the document has a rule that says as much about the same columns: whatever its bounds are, they are wanted."""
    return any(_is_like(rule, other) for other in rules)


# One of a group is enough: who has the one has thought of the other.
_ALIKE = ({"not_null", "not_blank"}, {"accepted_values", "distinct_values"}, {"unique"}, {"regex", "like", "format"})


def _is_like(rule: JsonObject, other: JsonObject) -> bool:
    types = next((group for group in _ALIKE if rule["type"] in group), {rule["type"]})
    if other.get("type") not in types or other.get("where") is not None:
        return False
    mine, theirs = _names(rule), _names(other)
    if rule["type"] in ("not_null", "not_blank"):
        return all(matches(name, theirs) or name in map(name_of_literal, theirs) for name in map(name_of_literal, mine))
    if sorted(map(name_of_literal, mine)) != sorted(map(name_of_literal, theirs)):
        return False
    arguments, others = _arguments(rule), _arguments(other)
    return all(arguments.get(name) == others.get(name) for name in ("function", "other_column", "of", "sql", "format"))


def _arguments(rule: JsonObject) -> JsonObject:
    found = rule.get("arguments")
    return found if isinstance(found, dict) else {}


def _names(rule: JsonObject) -> list[str]:
    column: Any = rule.get("column")
    return [column] if isinstance(column, str) else [str(name) for name in rule.get("columns") or ()]


def _ids(drafts: Iterable[Draft], taken: set[Any]) -> Iterator[str]:
    """Ids that no rule of the document has, made of the names of columns."""
    used = set(taken)
    for draft in drafts:
        plain = re.sub(r"[^a-z0-9_]+", "_", draft.name.lower())[:MAX_ID].strip("_") or draft.rule["type"]
        name, number = plain, 2
        while name in used:
            name, number = f"{plain}_{number}", number + 1
        used.add(name)
        yield name
