"""Points of a rule for Python: what its checks found, what was usual then, and marking one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stringx_dataops.answers import Raw, moment_of
from stringx_dataops.arguments import checked
from stringx_dataops.connection import path_of
from stringx_dataops.contract.messages.moments import parse_moment
from stringx_dataops.contract.messages.verdicts import RuleStatus
from stringx_dataops.reading import Reading, as_text

_OF_A_POINT = ("at", "check_id", "status")


@dataclass(frozen=True)
class Point:
    """What a check found for a rule. Of a rule that is judged by its earlier points also what was usual then (`center`, from
    `low` to `high`; a side that is None is open), `learning` (have, need) while there were too few of them, and the mark:
    `expected`, `exclude` or None."""

    at: datetime
    check_id: str
    status: RuleStatus
    failures: int | None
    total: int | None
    measured: float | None
    center: float | None
    low: float | None
    high: float | None
    learning: tuple[int, int] | None
    mark: str | None
    marked_by: str | None
    marked_at: datetime | None
    note: str | None
    raw: Raw = field(repr=False, compare=False)

    @classmethod
    def of(cls, answer: Raw) -> "Point":
        """From the answer's JSON."""
        usual = answer.get("baseline") or {}
        learning = usual.get("learning")
        plain: dict[str, Any] = {
            name: answer.get(name) for name in ("failures", "total", "measured", "mark", "marked_by", "note")
        }
        return cls(
            at=parse_moment(answer["at"]),
            check_id=answer["check_id"],
            status=answer["status"],
            center=usual.get("center"),
            low=usual.get("low"),
            high=usual.get("high"),
            learning=(learning["have"], learning["need"]) if learning else None,
            marked_at=moment_of(answer.get("marked_at")),
            **plain,
            raw=answer,
        )


class Pointing(Reading):
    """What a client does with points."""

    @checked
    def points(
        self, target: str, table: str, rule: str, *, since: str | datetime | None = None, until: str | datetime | None = None
    ) -> Iterator[Point]:
        """What checks found for a rule, newest first: not before `since`, and before `until`."""
        query = {name: as_text(value) for name, value in (("from", since), ("to", until)) if value is not None}
        found = self.items(path_of("tables", target, table, "rules", rule, "history"), query)
        return (self._as(Point.of, item, *_OF_A_POINT) for item in found)

    @checked
    def mark_point(self, target: str, table: str, rule: str, check_id: str, mark: str, *, note: str | None = None) -> Point:
        """Say of the point of a check that it is `expected`, or to `exclude` it from what later ones are compared with; `none`
        takes that back. It counts from the next check on. The answer has no band: `points` have."""
        body = {"mark": mark} | ({"note": note} if note is not None else {})
        path = path_of("tables", target, table, "rules", rule, "points", check_id)
        return self._as(Point.of, self.post_json(path, body), *_OF_A_POINT, "mark")
