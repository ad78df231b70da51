"""What a weekly digest says. Pure, but for `Facts.read`; it names tables, rules and people, never a row's value."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

from database.pool import Cursor, Row
from database.queries import load_queries
from stringx_dataops.contract.catalogue.words import age
from stringx_dataops.contract.documents.routes import RouteDocument
from stringx_dataops.contract.messages.notifications import MOST_LINES, Digest, DigestLine, DigestSection

SQL = load_queries(Path(__file__).with_name("digests.sql"))
MOST_INCIDENTS = 50_000  # of a span; of more, the newest
WORST = 10
_SOON = timedelta(days=14)


@dataclass(frozen=True)
class Facts:
    """What was so in a span, and how things stand `now`."""

    start: datetime
    end: datetime
    now: datetime
    subjects: Sequence[Row]
    incidents: Sequence[Row]
    waivers: Sequence[Row]

    @classmethod
    def read(cls, cursor: Cursor, start: datetime, end: datetime, now: datetime) -> "Facts":
        """Read the facts of all tables and datasets."""
        span = {"start": start, "end": end, "most": MOST_INCIDENTS}
        return cls(
            start,
            end,
            now,
            cursor.all(SQL["subjects"]),
            cursor.all(SQL["incidents"], span),
            cursor.all(SQL["waivers"], {"now": now, "until": now + _SOON}),
        )


def digest_of(facts: Facts, owner: str, routes: Sequence[RouteDocument]) -> Digest | None:
    """The digest of the tables and datasets that one of the routes names; None if there are none."""

    known: dict[tuple[Any, ...], bool] = {}  # a table has many incidents

    def is_told(row: Row) -> bool:
        asked = (row["target"], row["name"], row["owner"], *row["tags"])
        if asked not in known:
            known[asked] = any(route.concerns(row["target"], row["name"], row["owner"], row["tags"]) for route in routes)
        return known[asked]

    subjects = [row for row in facts.subjects if is_told(row)]
    incidents = [row for row in facts.incidents if is_told(row)]
    if not subjects and not incidents:
        return None
    tables = {(row["target"], row["name"]) for row in subjects if row["kind"] == "table"}
    waivers = [row for row in facts.waivers if (row["target"], row["name"]) in tables]
    gates = {_key(row): row["gate"] for row in subjects}
    still_open = [row for row in incidents if row["closed_at"] is None]
    sections = [
        _section("How it stands", [DigestLine(text=_standing(subjects))]),
        _section("Open incidents", [_open_incident(row, gates.get(_key(row)), facts.now) for row in still_open]),
        _section(f"Since {facts.start:%Y-%m-%d %H:%M} UTC", list(_numbers(facts, incidents))),
        _section("Most trouble", list(_worst(facts, incidents))),
        _section("Waivers that end within 14 days", [_waiver(row) for row in waivers]),
        _section("Never checked", [_named(row, "") for row in subjects if row["state"] == "never_checked"]),
    ]
    return Digest(owner=owner, start=facts.start, end=facts.end, sections=[each for each in sections if each.lines])


def _section(title: str, lines: list[DigestLine]) -> DigestSection:
    return DigestSection(title=title, lines=lines[:MOST_LINES], more=max(len(lines) - MOST_LINES, 0))


def _standing(subjects: Sequence[Row]) -> str:
    counts = Counter(row["state"] for row in subjects)
    words = {"open": "open", "closed": "closed", "stale": "stale", "never_checked": "never checked"}
    if set(counts) == {"open"}:
        return f"All {counts['open']:,} gates are open" if counts["open"] > 1 else "The gate is open"
    parts = [f"{counts[state]:,} {word}" for state, word in words.items() if counts[state]]
    return f"{_count(len(subjects), 'gate')}: {', '.join(parts)}"


def _open_incident(row: Row, gate: str | None, now: datetime) -> DigestLine:
    is_missed = row["opened_as"] == "missed" and gate != "closed"
    parts = [f"{'check missed' if is_missed else 'closed'} for {_age(now - row['opened_at'])}"]
    until = row["acknowledged_until"]
    if row["acknowledged_at"] is None or (until is not None and until <= now):
        parts.append("not acknowledged")
    else:
        parts.append(f"acknowledged by {row['acknowledged_by']}" + (f" until {until:%Y-%m-%d %H:%M} UTC" if until else ""))
    if row["assignee"]:
        parts.append(f"assigned to {row['assignee']}")
    return DigestLine(text=f"{_name(row)}: {', '.join(parts)}", path=f"/incidents/{row['incident_id']}")


def _numbers(facts: Facts, incidents: Sequence[Row]) -> Iterator[DigestLine]:
    began = sum(facts.start <= row["opened_at"] for row in incidents)
    over = [row for row in incidents if row["closed_at"] is not None and row["closed_at"] < facts.end]
    yield DigestLine(text=f"{_count(began, 'incident')} began, {len(over):,} {'is' if len(over) == 1 else 'are'} over")
    times = [row["closed_at"] - row["opened_at"] for row in over if row["closed_because"] != "deleted"]
    if times:
        yield DigestLine(text=f"Mean time to close: {_age(sum(times, timedelta()) / len(times))}")


def _worst(facts: Facts, incidents: Sequence[Row]) -> Iterator[DigestLine]:
    """The tables and datasets that were in incidents for the longest part of the span."""
    numbers: Counter[tuple[str, str, str]] = Counter()
    lasted: defaultdict[tuple[str, str, str], timedelta] = defaultdict(timedelta)
    of: dict[tuple[str, str, str], Row] = {}
    for row in incidents:
        key = _key(row)
        numbers[key] += 1
        lasted[key] += max(min(row["closed_at"] or facts.end, facts.end) - max(row["opened_at"], facts.start), timedelta())
        of[key] = row
    for key in sorted(numbers, key=lambda key: (-lasted[key], -numbers[key], key))[:WORST]:
        yield _named(of[key], f": {_count(numbers[key], 'incident')}, {_age(lasted[key])} in all")


def _waiver(row: Row) -> DigestLine:
    return _named(row | {"kind": "table"}, f": that of {row['rule_id']}, on {row['until']:%Y-%m-%d %H:%M} UTC")


def _named(row: Row, words: str) -> DigestLine:
    """A line with a link to the page of a table or dataset."""
    name = quote(row["name"], safe="")
    path = f"/tables/{row['target']}/{name}" if row["kind"] == "table" else f"/datasets/{name}"
    return DigestLine(text=f"{_name(row)}{words}", path=path)


def _name(row: Row) -> str:
    return f"{row['name']} ({row['target']})"


def _key(row: Row) -> tuple[str, str, str]:
    return row["kind"], row["target"], row["name"]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _age(time: timedelta) -> str:
    return age(Decimal(int(time.total_seconds())))
