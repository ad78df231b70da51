"""Marks: what a person says of a point of a rule that is judged by its own earlier points."""

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, StringConstraints

from stringx_dataops.contract.documents.fields import Model
from stringx_dataops.contract.messages.verdicts import RuleStatus
from stringx_dataops.contract.messages.waivers import printable

LONGEST_NOTE = 500  # characters
Mark = Literal["expected", "exclude"]
MarkWord = Literal["expected", "exclude", "none"]
FROM_NEXT_CHECK = "it counts from the next check of the table on; results that are there already, and the gate, stay as they are"


class MarkOrder(Model):
    """The body of a mark. `expected`: the point is normal, and counts among those that say what is normal, even where the rule
    flagged it. `exclude`: it does not count. `none`: no mark; whether it counts is for the rule to say. `note`: why."""

    mark: MarkWord
    note: (
        Annotated[
            str,
            StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NOTE),
            AfterValidator(printable),
        ]
        | None
    ) = None


class MarkedPoint(Model):
    """A point as it is marked now. `at` is the time of the snapshot: checks that shared a run have the same point, and the same
    mark. `effect` says from when on it counts."""

    target: str
    table: str
    rule: str
    check_id: str
    at: AwareDatetime
    status: RuleStatus
    measured: float | None
    mark: Mark | None
    marked_by: str | None
    marked_at: AwareDatetime | None
    note: str | None
    effect: str = FROM_NEXT_CHECK
