"""Writes down what a stored result says: a point per check and rule, and the present state of what it is about."""

import logging
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from backend.gates import facts
from backend.gates.decision import DecidingCheck, Facts, GateSubject, decides
from backend.history.state import state_of
from database.pool import Cursor, json_value
from database.queries import load_queries
from stringx_dataops.contract.documents.fields import RULE_OF_TABLE
from stringx_dataops.contract.documents.tables import GateSettings
from stringx_dataops.contract.messages.baselines import Baseline
from stringx_dataops.contract.messages.checks import CheckResult, RuleResult
from stringx_dataops.contract.messages.verdicts import Verdict, gate_of
from stringx_dataops.contract.messages.waivers import claims_of
from stringx_dataops.contract.problems import Unavailable

SQL = load_queries(Path(__file__).with_suffix(".sql"))
log = logging.getLogger(__name__)
RECENT = 30  # verdicts that a state shows
TRIES = 3  # of writing the history of a result
_LARGEST = 2**63 - 1
_NUMBER = re.compile(r"-?((?:0|[1-9][0-9]*)(?:[.][0-9]+)?)(?:[eE][+-]?[0-9]+)?")
_EXACT_DIGITS = 15  # of a number in JSON
_LATE = timedelta(hours=12)  # days are summed a day after they end
_LONGEST = 1000  # characters of a reason


@dataclass(frozen=True)
class Part:
    """What a result says of one table, or of a dataset as a whole."""

    kind: str
    name: str
    verdict: Verdict
    rules_hash: str | None
    counts: Mapping[str, int]
    row_count: int | None
    score: float | None
    config_version: int | None
    rules: list[RuleResult]


def record(cursor: Cursor, result: CheckResult, body: dict[str, Any], *, is_new: bool = True) -> None:
    """In the transaction that stores the result. `body` is the result as it is stored. Without `is_new`, its points alone: the
    result is of the past, and states are as they are. No result is lost for its history: what cannot be written is logged, and
    tried again later, at most TRIES times in all."""
    try:
        with cursor.savepoint():
            _record(cursor, result, body, is_new)
    except Unavailable:
        raise
    except Exception:
        tried = cursor.one(SQL["refused"], {"check_id": result.check_id, "tries": TRIES}) or {"tries": TRIES}
        words = "given up" if tried["tries"] >= TRIES else "tried again later"
        log.exception("history of check %s not written; %s", result.check_id, words, extra={"check_id": result.check_id})
        look_again(cursor, result)


def record_all(cursor: Cursor, stored: Sequence[tuple[CheckResult, dict[str, Any]]]) -> None:
    """The same for several new results, each with its body, none late; raises if the history of one cannot be written."""
    parts: list[dict[str, Any]] = []
    for target in sorted({result.target for result, _ in stored}):
        of_target = [(result, body) for result, body in stored if result.target == target]
        tables = sorted({name for result, _ in of_target for name in _tables(result)})
        subjects = facts.subjects_of_results(
            cursor, target, sorted({result.dataset or "" for result, _ in of_target} - {""}), tables
        )
        for result, body in of_target:
            parts += _rows(cursor, subjects, result, body, is_new=True)
    _write(cursor, parts)


def is_late(result: CheckResult) -> bool:
    """Whether the day of its points may be summed up already."""
    return datetime.now(UTC) - _moment(result) > _LATE


def _record(cursor: Cursor, result: CheckResult, body: dict[str, Any], is_new: bool) -> None:
    datasets = [result.dataset] if result.dataset is not None else []
    subjects = facts.subjects_of_results(cursor, result.target, datasets, _tables(result))
    parts = _rows(cursor, subjects, result, body, is_new)
    if is_late(result):  # before states are locked: it may wait while a day is summed
        cursor.run(SQL["late"], {"at": _moment(result)})
    _write(cursor, parts)


def _moment(result: CheckResult) -> datetime:
    """Of its points."""
    return result.snapshot_at or result.finished_at or datetime.now(UTC)


def _tables(result: CheckResult) -> list[str]:
    return [part.name for part in _parts(result) if part.kind == "table"]


def _rows(
    cursor: Cursor, subjects: Mapping[facts.Subject, GateSubject], result: CheckResult, body: dict[str, Any], is_new: bool
) -> list[dict[str, Any]]:
    """A row per part, with its points."""
    at = _moment(result)
    of_check = {
        "target": result.target,
        "at": at.isoformat(),
        "check_id": result.check_id,
        "request_id": result.request_id,
        "status": result.status,
        "is_full": result.full,
        "narrowed_to": None if result.full else result.scope.model_dump(mode="json", exclude_none=True),
        "duration_ms": _bounded(result.duration_ms),
        "snapshot_at": _iso(result.snapshot_at),
        "checked_at": _iso(result.finished_at),
    }
    rows: list[dict[str, Any]] = []
    for part in _parts(result):
        subject = subjects.get((part.kind, part.name))
        settings = subject.settings if subject is not None else GateSettings()
        has_points = result.scope.window is None or settings.by_window
        row = of_check | _row(part) | {
            "gate": gate_of(part.verdict, settings.on_warn, settings.on_error),
            "points": list(_points(part)) if has_points else [],
        }  # fmt: skip
        if subject is not None and is_new and decides(settings, result):
            row |= _state(cursor, subject, _deciding(result, part, at, body))
        rows.append(row)
    return rows


def _write(cursor: Cursor, parts: Sequence[dict[str, Any]]) -> None:
    named = ("kind", "target", "name", "at", "check_id", "config_version")
    points = [{name: part[name] for name in named} | point for part in parts for point in part["points"]]
    rows = [{name: value for name, value in part.items() if name != "points"} for part in parts]
    cursor.run(SQL["record"], {"parts": json_value(rows), "points": json_value(points), "recent": RECENT})


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def look_again(cursor: Cursor, result: CheckResult) -> None:
    """Have the states of what a result is about looked at, soon."""
    subjects = [{"kind": part.kind, "target": result.target, "name": part.name} for part in _parts(result)]
    cursor.run(SQL["look_again"], {"subjects": json_value(subjects)})


def rule_ids(result: CheckResult) -> list[str]:
    """The rules that ran, of all its tables, each once."""
    rules = [*result.rules, *(rule for table in result.tables for rule in table.rules)]
    return sorted({rule.id for rule in rules if _is_rule_id(rule.id)})


def cut(reasons: Sequence[str]) -> list[str]:
    """As a list of states shows them: short, and without NUL, which no text of PostgreSQL holds."""
    plain = [reason.replace("\0", "") for reason in reasons]
    return [reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]}…" for reason in plain]


def _parts(result: CheckResult) -> Iterator[Part]:
    """The result as a whole; of a dataset also each of its tables."""
    assert result.verdict is not None  # it is stored only when it has ended
    kind, name = ("table", result.table) if result.table is not None else ("dataset", result.dataset)
    assert name is not None  # it is of one of the two
    yield Part(
        kind=kind,
        name=name,
        verdict=result.verdict,
        rules_hash=result.rules_hash,
        counts=result.counts,
        row_count=result.row_count,
        score=result.scores.get("overall"),
        config_version=result.config_version,
        rules=result.rules,
    )
    for table in result.tables:
        yield Part(
            kind="table",
            name=table.table,
            verdict=table.verdict,
            rules_hash=table.rules_hash,
            counts=table.counts,
            row_count=table.row_count,
            score=table.scores.get("overall"),
            config_version=table.config_version,
            rules=table.rules,
        )


def _row(part: Part) -> dict[str, Any]:
    return {
        "kind": part.kind,
        "name": part.name,
        "verdict": part.verdict,
        "rules_hash": part.rules_hash,
        "counts": {status: part.counts.get(status, 0) for status in ("pass", "warn", "fail", "error")},
        "row_count": _bounded(part.row_count),
        "score": part.score,
        "config_version": _version(part),
    }


def _deciding(result: CheckResult, part: Part, at: datetime, body: dict[str, Any]) -> DecidingCheck:
    return DecidingCheck(
        check_id=result.check_id,
        verdict=part.verdict,
        status=result.status,
        rules_hash=part.rules_hash,
        snapshot_at=result.snapshot_at,
        decided_at=at,
        age_s=0.0,
        result=body,
        request_id=result.request_id,
        leans_on=claims_of(body),
    )


def _state(cursor: Cursor, subject: GateSubject, check: DecidingCheck) -> dict[str, Any]:
    is_kept = facts.is_kept(cursor, subject, check)
    state = state_of(Facts(subject, check, is_kept=is_kept, waivers=facts.waivers_of(cursor, check)))
    stale_at = state.stale_at.isoformat() if state.stale_at is not None else None
    return {"state": state.name, "rank": state.rank, "reasons": cut(state.reasons), "stale_at": stale_at}


def _points(part: Part) -> Iterator[dict[str, Any]]:
    """One per rule. A rule in error has no numbers."""
    for rule in part.rules:
        if not _is_rule_id(rule.id):
            continue  # of a foreign sender: no document can have such a rule
        has_numbers = rule.status != "error"
        yield {
            "rule_id": rule.id,
            "status": rule.status,
            "failures": _bounded(rule.failures) if has_numbers else None,
            "total": _bounded(rule.total) if has_numbers else None,
            "measured": _number(rule) if has_numbers else None,
            "waived": rule.waived is not None,
            "shadow": rule.shadow,
            "baseline": _baseline(rule.baseline) if rule.baseline is not None and has_numbers else None,
        }


def _baseline(found: Baseline) -> dict[str, Any]:
    """As a point keeps it: without the points that it was compared with, which the result has."""
    numbers = {name: _finite(getattr(found, name)) for name in ("center", "low", "high")}
    others = found.model_dump(mode="json", include={"points", "season", "learning", "moved_at"})
    return numbers | others | {"words": cut([found.words])[0]}


@lru_cache(maxsize=10_000)  # the same ids come again and again
def _is_rule_id(text: str) -> bool:
    try:
        RULE_OF_TABLE.check(text)
    except ValueError:
        return False
    return True


def _number(rule: RuleResult) -> float | None:
    """What was measured if it is a finite number. A number is a text only where JSON would round it; any other text, such as
    00123, is a row's value, which may look like a number, and no list, message or event shows one."""
    if rule.measured is None or rule.measured_hidden or (isinstance(rule.measured, str) and not _is_long(rule.measured)):
        return None
    return _finite(rule.measured)


def _finite(value: int | float | str | None) -> float | None:
    """None for what is no finite number."""
    try:
        number = float(value) if value is not None else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _is_long(text: str) -> bool:
    """Whether it is a number with more digits than JSON keeps (`stringx_number` in stringx/macros/gate/outcome.sql)."""
    found = _NUMBER.fullmatch(text)
    return found is not None and len(re.sub("[^0-9]", "", found[1]).lstrip("0")) > _EXACT_DIGITS


def _bounded(number: int | None) -> int | None:
    """None for what no bigint holds: only a foreign sender counts so far."""
    return number if number is not None and abs(number) <= _LARGEST else None


def _version(part: Part) -> int | None:
    return part.config_version if part.config_version is not None and 0 <= part.config_version < 2**31 else None
