"""Waivers: a known failure of one rule warns for a while, within limits."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal, TypedDict

from pydantic import AfterValidator, AwareDatetime, StringConstraints

from stringx_dataops.contract.documents.fields import Model, RuleId, Table, TargetName
from stringx_dataops.contract.documents.rules import Threshold

MOST_DAYS = 90
Ended = Literal["expired", "deleted", "changed"]
WaiverState = Literal["active", "ended"]
FROM_NEXT_CHECK = "it takes effect with the next check of the table; results that are there already stay as they are"


def printable(text: str) -> str:
    """The text with plain line ends. Raises ValueError for control characters."""
    text = text.replace("\r\n", "\n")  # as forms send it
    if not all(char.isprintable() or char in "\n\t" for char in text):
        raise ValueError("must not contain control characters")
    return text


class WaiverOrder(Model):
    """The body of a new waiver. `until`: at most 90 days ahead. `at_most`: failures up to which it holds, a count or a share of
    the total; without it, it holds for any number."""

    target: TargetName
    table: Table
    rule: RuleId
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), AfterValidator(printable)]
    until: AwareDatetime
    at_most: Threshold | None = None


class Waiver(Model):
    """A waiver as it stands. `ended_because`: it has expired; it was deleted; or the rule's type, columns, arguments or condition
    changed, or the rule is no longer active. `ended_by` is who deleted it."""

    id: str
    target: str
    table: str
    rule: str
    reason: str
    until: AwareDatetime
    at_most: int | str | None
    state: WaiverState
    created_at: AwareDatetime
    created_by: str
    ended_at: AwareDatetime | None
    ended_because: Ended | None
    ended_by: str | None


class CreatedWaiver(Waiver):
    """A new waiver. `note` says from when on it has an effect."""

    note: str = FROM_NEXT_CHECK


class WaiverPage(Model):
    """Waivers, the newest first."""

    items: list[Waiver]
    next_cursor: str | None


class Waived(Model):
    """Why a rule that fails is `warn`: the waiver, who made it, until when, and for what reason."""

    id: str
    by: str
    until: AwareDatetime
    reason: str


class WaivedRule(Model):
    """A rule of a gate's deciding check that a waiver keeps from failing."""

    id: str
    table: str
    rule: str
    by: str
    until: AwareDatetime
    reason: str


class ActiveWaiver(Model):
    """An active waiver in a list of tables or datasets."""

    id: str
    table: str
    rule: str


class Claim(TypedDict):
    """That a result leans on a waiver, for one rule with so many failures. `id` is as the sender says, and may be no waiver's."""

    id: str
    table: str
    rule: str
    failures: int | None
    total: int | None


def claims_of(result: Mapping[str, Any]) -> list[Claim]:
    """The waivers that a result (as JSON) leans on."""
    return list(_claims(result))


def _claims(result: Mapping[str, Any]) -> Iterator[Claim]:
    for part in (result, *(result.get("tables") or ())):
        for rule in part.get("rules") or ():
            if (waived := rule.get("waived")) is not None:
                yield {
                    "id": waived["id"],
                    "table": part["table"],
                    "rule": rule["id"],
                    "failures": rule["failures"],
                    "total": rule["total"],
                }


def is_within(at_most: int | str | None, failures: int | None, total: int | None) -> bool:
    """Whether so many failures are within a waiver's limit, computed exactly. Without a limit any number is; without the numbers
    that it needs, none. The failures of a dbt test with a fail_calc may be negative: their size counts."""
    if at_most is None:
        return True
    if failures is None:
        return False
    if isinstance(at_most, int):
        return abs(failures) <= at_most
    return total is not None and Fraction(abs(failures)) <= Fraction(at_most.rstrip("% ")) / 100 * total
