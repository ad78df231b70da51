"""What DataOps remembers of earlier checks: points of rules that compare with them, and states that rules leave for their next
check.

Both are read before a check runs, and written in the transaction that finishes it. A check without such rules asks for nothing.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from api.baselines.change import by_weekday, judge_change
from api.baselines.definitions import definition_of, remembers
from api.baselines.earlier import Earlier, Made, number_of_json, undecidable
from api.baselines.places import Place, place_of
from api.baselines.unusual import judge_unusual
from api.checks.lookup import InScope
from database.pool import Cursor, Database, Row, json_value
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue, RuleType
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.gate_test.outcome import MAX_REMEMBERED
from stringx_dataops.contract.gate_test.specification import Before
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult, RuleResult, rfc3339

SQL = load_queries(Path(__file__).with_suffix(".sql"))
MAX_POINTS = 1_000  # read of a rule, the newest
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_COMPARABLE = "its earlier points are too large, or too far apart, to be compared with; exclude those that are"

log = logging.getLogger(__name__)

RuleKey = tuple[str, str]  # a table and a rule of it


@dataclass(frozen=True)
class Remembering:
    """A rule whose points or states are kept, and where."""

    table: str
    rule_id: str
    definition: str
    place: Place
    has_points: bool
    weekday_in: str | None = None  # the zone in which only points of the same weekday count

    def as_json(self, judged: datetime | None = None) -> JsonObject:
        """As the statements take it; `judged` is what limits its points."""
        return {
            "table_name": self.table,
            "rule_id": self.rule_id,
            "definition": self.definition,
            "window_key": self.place.window_key,
            "before": None if judged is None else judged.isoformat(),
            "zone": self.weekday_in,
            "most": MAX_POINTS,
        }


@dataclass(frozen=True)
class Memory:
    """What is known before a check, by table and rule."""

    rules: Mapping[RuleKey, Remembering] = field(default_factory=dict)
    baselines: Mapping[RuleKey, Made] = field(default_factory=dict)
    before: Mapping[RuleKey, Before] = field(default_factory=dict)
    faults: Mapping[RuleKey, str] = field(default_factory=dict)  # of rules that would have to compare, and cannot


NOTHING = Memory()


@dataclass(frozen=True)
class Learned:
    """What a check leaves for those after it: how its rules are kept, and the states that they want to be remembered."""

    memory: Memory = NOTHING
    states: Mapping[RuleKey, JsonObject] = field(default_factory=dict)


Asked = tuple[CheckRequest, Sequence[InScope]]  # a check, and what it looks at


def recall(database: Database, asked: Sequence[Asked], catalogue: Catalogue) -> Memory:
    """What the rules of checks have to know of earlier ones. Several checks are of different tables of one target."""
    wanted = [each for request, tables in asked for each in _wanted(request, tables, catalogue)]
    if not wanted:
        return NOTHING
    target = asked[0][0].target
    rules = {(each.table, each.rule_id): each for each, *_ in wanted}
    with_points = [each for each in wanted if each[0].has_points and each[0].place.fault is None]
    with_states = [each[0] for each in wanted if not each[0].has_points and each[0].place.fault is None]
    baselines = {
        (each.table, each.rule_id): undecidable(each.place.fault) for each, *_ in wanted if each.has_points and each.place.fault
    }
    before: dict[RuleKey, Before] = {}
    with database.statements() as cursor:
        if with_points:
            points = [each.as_json(each.place.at) | {"number": n} for n, (each, *_) in enumerate(with_points)]
            for row in cursor.all(SQL["points"], {"target": target, "wanted": json_value(points)}):
                each, document, rule, rule_type = with_points[row["number"]]
                baselines[each.table, each.rule_id] = _judged_or_not(each, document, rule, rule_type, row)
        if with_states:
            states = [each.as_json(each.place.at) | {"number": n} for n, each in enumerate(with_states)]
            for row in cursor.all(SQL["memories"], {"target": target, "wanted": json_value(states)}):
                each = with_states[row["number"]]
                at = rfc3339(row["at"].astimezone(UTC))
                before[each.table, each.rule_id] = {"at": at, "check_id": str(row["check_id"]), "state": row["state"]}
    faults = {
        (each.table, each.rule_id): each.place.fault
        for each, *_ in wanted
        if each.place.fault is not None and not each.has_points
    }
    return Memory(rules, baselines, before, faults)


def keep(cursor: Cursor, result: CheckResult, learned: Learned) -> None:
    """Writes the points and states of a check that has decided, waivers applied: one of all rules, on whole tables or a window.
    In the transaction that finishes it, so that there is one point whatever becomes of its worker."""
    if not learned.memory.rules or result.snapshot_at is None or not (result.full or result.is_window):
        return
    points, states = [], []
    for table, rule in _rules_of(result):
        each = learned.memory.rules.get((table, rule.id))
        if each is None or each.place.fault is not None:
            continue
        if rule.status == "error" and (each.has_points or (table, rule.id) not in learned.states):
            continue  # a state may be left by a rule that could not be decided yet
        at = each.place.at
        named = each.as_json() | {"at": None if at is None else at.isoformat()}
        if each.has_points:
            points.append(named | _point(rule))
        elif (state := learned.states.get((table, rule.id))) is not None and _bytes_of(state) <= MAX_REMEMBERED:
            states.append(named | {"state": state})  # without it the next check compares with the state before
    common = {"target": result.target, "snapshot_at": result.snapshot_at, "check_id": result.check_id}
    if points:
        cursor.run(SQL["put_points"], common | {"new": json_value(points)})
    if states:
        cursor.run(SQL["put_memories"], common | {"new": json_value(states)})


def _wanted(
    request: CheckRequest, tables: Sequence[InScope], catalogue: Catalogue
) -> Iterator[tuple[Remembering, TableDocument, Rule, RuleType]]:
    for table in tables:
        document = table.configured.document
        for rule in table.rules:
            rule_type = catalogue.get(rule.type)
            if rule_type is None or not (rule_type.baseline or remembers(rule, rule_type)):
                continue
            column = None if request.window is None else request.window.column_of(document)
            place = place_of(request.window if rule_type.window else None, column, ZoneInfo(document.timezone))
            kept = Remembering(
                document.table,
                rule.id,
                definition_of(rule, rule_type, table.configured.target.adapter),
                place,
                has_points=rule_type.baseline is not None,
                weekday_in=document.timezone if by_weekday(rule.arguments) and rule_type.baseline == "change" else None,
            )
            yield kept, document, rule, rule_type


def _judged_or_not(each: Remembering, document: TableDocument, rule: Rule, rule_type: RuleType, row: Row) -> Made:
    """Numbers that double precision cannot hold, or not beside each other, leave this rule alone undecided."""
    try:
        return _judged(each, document, rule, rule_type, row)
    except (ArithmeticError, ValueError):
        log.warning("rule %s of %s cannot be compared with its points", each.rule_id, each.table, exc_info=True)
        return undecidable(_NOT_COMPARABLE)


def _judged(each: Remembering, document: TableDocument, rule: Rule, rule_type: RuleType, row: Row) -> Made:
    """The moment judged is the window's `from`, or else now; it is later than every point, whatever the target's clock says."""
    points = [_earlier(*fields) for fields in row["points"] or ()]
    newest = max((point.at for point in points), default=_EPOCH)
    at = each.place.at or max(row["now"], newest + timedelta(microseconds=1))
    zone = ZoneInfo(document.timezone)
    match rule_type.baseline:
        case "change":
            return judge_change(points, at, zone, rule.arguments)
        case "unusual":
            return judge_unusual(points, at, zone, rule.arguments, may_fail=rule_type.severity_of(rule.severity) == "error")
        case None:
            raise AssertionError("has_points")
        case _:
            assert_never(rule_type.baseline)


def _bytes_of(state: JsonObject) -> int:
    """As the gate test has bounded it: characters beyond ASCII are not escaped."""
    return len(json.dumps(state, ensure_ascii=False, separators=(",", ":")).encode())


def _earlier(at: int, check_id: str, measured: str, status: Any, waived: bool, mark: Any) -> Earlier:
    """A point from the fields of the statement; `at` is in microseconds since 1970."""
    return Earlier(_EPOCH + timedelta(microseconds=at), check_id, Decimal(measured), status, waived, mark)


def _point(rule: RuleResult) -> JsonObject:
    """A value of a row that may not be shown is not kept either."""
    measured = None if rule.measured_hidden else number_of_json(rule.measured)
    shown = rule.baseline
    return {
        "status": rule.status,
        "waived": rule.waived is not None,
        "measured": None if measured is None else str(measured),
        "low": None if shown is None or shown.low is None else str(shown.low),
        "high": None if shown is None or shown.high is None else str(shown.high),
    }


def _rules_of(result: CheckResult) -> Iterator[tuple[str, RuleResult]]:
    if result.table is not None:
        yield from ((result.table, rule) for rule in result.rules)
    for table in result.tables:
        yield from ((table.table, rule) for rule in table.rules)
