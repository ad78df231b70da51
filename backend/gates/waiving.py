"""What a gate owes to waivers: each that its deciding check leans on is looked at again. Pure functions, like the gate itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from stringx_dataops.contract.messages.waivers import Claim, Ended, WaivedRule, is_within

_MOST_REASONS = 20
_MOST_NAMED = 100  # waivers in an answer
_LONGEST_ID = 100  # characters of an id that a sender made up


@dataclass(frozen=True)
class WaiverFact:
    """A waiver as it stands now, by the internal database's clock."""

    id: str
    target: str
    table: str
    rule: str
    by: str
    reason: str
    until: datetime
    at_most: int | str | None = None
    ended_because: Ended | None = None
    ended_by: str | None = None


@dataclass(frozen=True)
class Leaning:
    """What a deciding check leans on where it is about a gate's tables: of a table, or of a dataset (`table` is None)."""

    target: str
    table: str | None
    claims: Sequence[Claim]
    waivers: Mapping[str, WaiverFact]  # by id

    def reasons(self) -> list[str]:
        """Why the check does not count any more: each waiver must be active, and of just this rule with so many failures."""
        found = list(dict.fromkeys(self._faults()))
        more = len(found) - _MOST_REASONS
        return found if more <= 0 else [*found[:_MOST_REASONS], f"and {more} more waivers"]

    def named(self) -> list[WaivedRule]:
        """The rules with an active waiver, as an answer names them."""
        found = {(claim["table"], claim["rule"]): waiver for claim, waiver in self._found() if waiver is not None}
        active = [(place, waiver) for place, waiver in found.items() if waiver.ended_because is None]
        return [
            WaivedRule(id=waiver.id, table=table, rule=rule, by=waiver.by, until=waiver.until, reason=waiver.reason)
            for (table, rule), waiver in active[:_MOST_NAMED]
        ]

    def ends(self) -> Iterator[datetime]:
        """When each of the waivers ends, if nobody ends it before."""
        return (waiver.until for _, waiver in self._found() if waiver is not None)

    def _faults(self) -> Iterator[str]:
        for claim, waiver in self._found():
            if (fault := _fault(claim, waiver)) is not None:
                place = f"{claim['table']}: " if self.table is None else ""
                yield f"{place}{claim['rule']}: {fault}"

    def _found(self) -> Iterator[tuple[Claim, WaiverFact | None]]:
        """Each claim about the gate's tables, with its waiver; None if there is none with this id for this rule."""
        for claim in self.claims:
            if self.table is None or claim["table"] == self.table:
                waiver = self.waivers.get(claim["id"])
                rule = (self.target, claim["table"], claim["rule"])
                yield claim, waiver if waiver is not None and (waiver.target, waiver.table, waiver.rule) == rule else None


def _fault(claim: Claim, waiver: WaiverFact | None) -> str | None:
    if waiver is None:
        return f"there is no waiver {claim['id'][:_LONGEST_ID]} of it: ask for a new check"
    match waiver.ended_because:
        case "expired":
            return f"its waiver ended on {waiver.until:%Y-%m-%d %H:%M} UTC: ask for a new check"
        case "deleted":
            return f"its waiver was deleted by {waiver.ended_by}: ask for a new check"
        case "changed":
            return "its waiver ended with a change of the rule: ask for a new check"
        case None:
            within = is_within(waiver.at_most, claim["failures"], claim["total"])
            return None if within else "it fails beyond its waiver's at_most"
        case _:
            assert_never(waiver.ended_because)
