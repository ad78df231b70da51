"""Rules about time: the future, lags, gaps, freshness."""

from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import assume
from hypothesis import strategies as st

from tests.truth.kinds import DATE, NAIVE, TIMESTAMP, TIMESTAMPTZ, Endless, Kind
from tests.truth.tables import Draft, Row
from tests.truth.truth import Counted, Measured, Scope, Tested, row_rule, rule_type

STEADY = ("UTC", "Asia/Kolkata")  # zones without summer time: a local time is one moment
HOUR = 3600
DURATIONS = {
    "0s": 0,
    "1500ms": 1.5,
    "45s": 45,
    "90m": 90 * 60,
    "1.5h": 1.5 * HOUR,
    "26h": 26 * HOUR,
    "3d": 72 * HOUR,
    "400000d": 400000 * 24 * HOUR,
}


def temporal(draft: Draft) -> Kind:
    return draft.choose(TIMESTAMPTZ, TIMESTAMPTZ, TIMESTAMP, DATE)


def moment(value: Any, timezone: str) -> datetime:
    """When it is: local values are of the document's time zone, a date is its midnight."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=ZoneInfo(timezone))
    assert isinstance(value, date)
    return datetime.combine(value, time(), ZoneInfo(timezone))


def from_now(draft: Draft, kind: Kind, hours: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    """Values of the type so many hours from now."""

    zone = ZoneInfo(draft.timezone)

    def build(away: int) -> Any:
        found = (draft.clock + timedelta(hours=away)).astimezone(zone)
        if kind is TIMESTAMP and found.replace(fold=0).utcoffset() != found.replace(fold=1).utcoffset():
            found -= timedelta(hours=2)  # an hour that comes twice
        if kind is DATE:
            return found.date() + timedelta(days=2 if away > 0 else -2)
        return found.replace(tzinfo=None) if kind is TIMESTAMP else found.astimezone(UTC)

    return hours.map(build)


def is_ahead(value: Any, horizon: datetime, timezone: str) -> bool:
    return value.sign > 0 if isinstance(value, Endless) else moment(value, timezone) > horizon


def now_plus(clock: datetime, seconds: float) -> datetime:
    try:
        return clock + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


@rule_type("not_in_future")
def not_in_future(draft: Draft, wish: str) -> Tested:
    kind = temporal(draft)
    tolerance = draft.choose(None, *DURATIONS) if wish != "fail" else draft.choose(None, "0s", "45s", "90m", "26h")
    seconds = DURATIONS[tolerance or "0s"]
    limit = int(seconds // HOUR)
    good = st.integers(-100_000, min(limit - 1, 60) if limit else -1)
    bad = st.integers(limit + 50, limit + 100_000) if limit < 10**6 else good
    if kind is DATE:
        good = st.integers(-100_000, -1)
    past, future = from_now(draft, kind, good), from_now(draft, kind, bad)
    column = draft.add(
        kind, draft.cells(wish, st.one_of(past, past, st.just(Endless(-1))), st.one_of(future, future, st.just(Endless(1))))
    )
    arguments = {} if tolerance is None else {"tolerance": tolerance}

    def truth(scope: Scope) -> Counted:
        horizon = now_plus(scope.clock, seconds)
        return Counted(sum(is_ahead(value, horizon, scope.timezone) for value in scope.cells(column)), len(scope.rows))

    return Tested("not_in_future", [column], arguments, truth)


ENDLESS = st.sampled_from([Endless(1), Endless(-1)])
LAGS = {"0s": 0, "500ms": 0.5, "90m": 90 * 60, "1.5h": 1.5 * HOUR, "36h": 36 * HOUR, "7d": 168 * HOUR}


@rule_type("max_lag")
def max_lag(draft: Draft, wish: str) -> Tested:
    kind = temporal(draft) if draft.timezone in STEADY else TIMESTAMPTZ
    at_most = draft.choose(*LAGS)
    limit = timedelta(seconds=LAGS[at_most])
    null_passes = draft.choose(None, True, False)
    edge = st.sampled_from([limit, limit + timedelta(microseconds=1), limit - timedelta(microseconds=1), -limit])
    lags = st.one_of(edge, st.integers(-400, 400).map(lambda hours: timedelta(hours=hours)))
    starts = st.dates(date(2026, 1, 1), date(2026, 2, 20)) if kind is DATE else NAIVE
    if kind is TIMESTAMPTZ:  # across the change to summer time too: a lag is absolute
        starts = st.datetimes(datetime(2026, 3, 1), datetime(2026, 4, 1), timezones=st.just(UTC))

    def pair(start: Any, lag: timedelta) -> tuple[Any, Any]:
        return start, start + (timedelta(days=lag.days) if kind is DATE else lag)

    def met(values: tuple[Any, Any]) -> bool:
        if any(isinstance(value, Endless) for value in values):  # later by any time, or not at all
            return bool(kind.key(values[1]) <= kind.key(values[0]))
        return bool(moment(values[1], "UTC") - moment(values[0], "UTC") <= limit)

    endless = st.tuples(st.one_of(starts, ENDLESS), st.one_of(starts, ENDLESS))
    pairs = st.one_of(*[st.builds(pair, starts, lags)] * 3, endless)
    cells = draft.cells(wish, pairs.filter(met), pairs.filter(lambda values: not met(values)), nulls=False)
    columns: list[list[Any]] = [list(side) for side in zip(*cells, strict=True)] or [[], []]
    if null_passes is not False or wish != "pass":
        broken = next((index for index, values in enumerate(cells) if not met(values)), 0)
        columns = [draft.maybe_null(side, keep=[broken]) for side in columns]
    first, then = (draft.add(kind, side) for side in columns)
    arguments: dict[str, Any] = {"other_column": then, "at_most": at_most}
    if null_passes is not None:
        arguments["null_passes"] = null_passes

    def violates(row: Row) -> bool:
        if row[first] is None or row[then] is None:
            return null_passes is False
        return not met((row[first], row[then]))

    return row_rule("max_lag", [first], arguments, violates)


ORIGIN = datetime(2001, 1, 1)
SHORT = {"15m": 15, "30m": 30, "1h": 60, "6h": 360, "90m": 90, "hour": 60}
DAYS = {"day": 1, "1d": 1, "7d": 7, "week": 7, "3d": 3, "48h": 2}
MONTHS = {"month": 1, "quarter": 3, "year": 12}


def periods(value: Any, every: str, timezone: str, clock: datetime) -> set[int]:
    """The numbers of the periods that a value fills, counted from 2001-01-01: two where it is in an hour that occurs twice, none where it
    lies ahead."""
    past = {moment for moment in moments(value, timezone) if moment <= clock}
    if every in SHORT:
        origin = ORIGIN.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)
        return {int((moment - origin) // timedelta(minutes=SHORT[every])) for moment in past}
    there = local(value, timezone)
    if not past:
        return set()
    if every in DAYS:
        return {(there - ORIGIN) // timedelta(days=DAYS[every])}
    return {((there.year - 2001) * 12 + there.month - 1) // MONTHS[every]}


def moments(value: Any, timezone: str) -> set[datetime]:
    """When a value may be: a local time occurs twice where clocks go back; one that they leave out is read with the offset before."""
    if isinstance(value, datetime) and value.tzinfo:
        return {value.astimezone(UTC)}
    there = local(value, timezone)
    both = [there.replace(tzinfo=ZoneInfo(timezone), fold=fold).astimezone(UTC) for fold in (0, 1)]
    return {moment for moment in both if local(moment, timezone) == there} or {both[0]}


def local(value: Any, timezone: str) -> datetime:
    if not isinstance(value, datetime):
        return datetime.combine(value, time())
    return value.astimezone(ZoneInfo(timezone)).replace(tzinfo=None) if value.tzinfo else value


@rule_type("no_gaps")
def no_gaps(draft: Draft, wish: str) -> Tested:
    kind = draft.choose(TIMESTAMPTZ, TIMESTAMPTZ, TIMESTAMP, DATE)
    every = draft.choose(*DAYS, *MONTHS) if kind is DATE else draft.choose(*SHORT, *DAYS, *MONTHS)
    step = timedelta(minutes=SHORT[every]) if every in SHORT else timedelta(days=DAYS.get(every, 0) or 27 * MONTHS[every])
    start = draft.draw(
        st.one_of(  # clocks change on the way
            st.datetimes(datetime(2010, 3, 20), datetime(2010, 4, 20)),
            st.datetimes(datetime(2010, 10, 20), datetime(2010, 11, 10)),
        )
    )
    if kind is TIMESTAMP and draft.chance():
        start = draft.draw(NAIVE)
    shares = st.integers(0, 96).map(lambda part: part / 96)
    cells: list[Any] = []
    at = start
    gaps = {"pass": [Fraction(0)], "fail": [Fraction(0), Fraction(3)]}.get(
        wish, [Fraction(0), Fraction(1), Fraction(5), Fraction(-2)]
    )
    for index in range(draft.size):
        cells.append(at)
        gap = gaps[-1] if wish == "fail" and index == 0 else draft.draw(st.sampled_from(gaps))
        at += step * float(gap) + step * draft.draw(shares)
    made: list[Any] = [
        found.date() if kind is DATE else found if kind is TIMESTAMP else found.replace(tzinfo=UTC) for found in cells
    ]
    made = draft.maybe_null(made, keep=[0, 1] if wish == "fail" else range(1, len(made) - 1)) if wish != "empty" else made
    order = draft.draw(st.permutations(range(len(made))))
    column = draft.add(kind, [made[index] for index in order])

    def truth(scope: Scope) -> Counted:
        found = {number for value in scope.cells(column) for number in periods(value, every, scope.timezone, scope.clock)}
        total = max(found) - min(found) + 1 if found else 0
        return Counted(total - len(found), total)

    if wish in ("pass", "fail"):
        found = {number for value in made if value is not None for number in periods(value, every, draft.timezone, draft.clock)}
        assume(found and (max(found) - min(found) + 1 > len(found)) is (wish == "fail"))
    return Tested("no_gaps", [column], {"every": every}, truth)


AGES = {"45s": 45, "90m": 90 * 60, "26h": 26 * HOUR, "30d": 720 * HOUR}


@rule_type("freshness")
def freshness(draft: Draft, wish: str) -> Tested:
    kind = temporal(draft)
    fail, warn = draft.choose(*AGES, None), draft.choose(None, *AGES)
    if fail is None and (warn is None or wish == "fail"):
        fail = "26h"
    if fail and warn and AGES[warn] >= AGES[fail]:  # it would fail first
        warn = None
    edge = max(int(AGES[age] // HOUR) for age in (fail, warn) if age)
    least = min(int(AGES[age] // HOUR) for age in (fail, warn) if age)
    tolerance = draft.choose(None, "0s", "90m", "3d")
    recent = least > (96 if kind is DATE else 1)  # else only a moment that the tolerance allows is new enough
    if wish == "pass":
        tolerance = tolerance if recent else "3d"
        hours = st.integers(-least + (73 if kind is DATE else 1), -1) if recent else st.integers(1, 20)
    elif wish == "fail":
        hours = st.integers(-edge - 90_000, -edge - 49)
    else:
        hours = st.integers(-1000, 100)
    cells = draft.plain_cells(from_now(draft, kind, hours))
    beside = [draft.draw(from_now(draft, kind, st.integers(200, 100_000))), Endless(1), Endless(-1)]
    for index in range(1, len(cells)):  # what lies ahead proves nothing, whatever is wished
        if cells[index - 1] is not None and draft.choose(*range(4)) == 3:
            cells[index] = draft.choose(*beside)
    column = draft.add(kind, cells)
    arguments: dict[str, Any] = {} if fail is None else {"max_age": fail}
    if tolerance:
        arguments["tolerance"] = tolerance
    if warn:
        arguments["warn"] = {"max_age": warn}

    def truth(scope: Scope) -> Measured:
        horizon = now_plus(scope.clock, DURATIONS[tolerance or "0s"])
        values = scope.cells(column)
        ahead = [value for value in values if is_ahead(value, horizon, scope.timezone)]
        past = [moment(value, scope.timezone) for value in values if value not in ahead and not isinstance(value, Endless)]
        if not past:
            return Measured(None, len(scope.rows), False, False, fail is not None, ahead=len(ahead))
        age = (scope.clock - max(past)).total_seconds()
        return Measured(
            age,
            len(scope.rows),
            bool(fail and age > AGES[fail]),
            bool(warn and age > AGES[warn]),
            fail is not None,
            ahead=len(ahead),
        )

    return Tested("freshness", [column], arguments, truth)
