"""What the Backend answers about profiles, as values."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from stringx_dataops.answers import Raw
from stringx_dataops.contract.messages.moments import parse_moment
from stringx_dataops.contract.messages.verdicts import TERMINAL, CheckStatus

OF_A_PROFILE = ("profile_id", "request_id", "status", "at")


@dataclass(frozen=True)
class TableProfile:
    """What the columns of a table look like. `profile`: what was measured, None until it has ended, or if it failed: `reason`
    says why. `suggestions`: rules that fit the table, each with `rule`, `yaml` and `reason`; `suggestions_fault` says why they
    could not be made. It is true where something was measured."""

    profile_id: str
    request_id: str
    target: str
    table: str
    status: CheckStatus
    reason: str | None
    at: datetime
    profile: Raw | None
    suggestions: tuple[Raw, ...]
    suggestions_fault: str | None
    raw: Raw = field(repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.profile is not None

    @property
    def has_ended(self) -> bool:
        """Whether it stays as it is from now on."""
        return self.status in TERMINAL

    @property
    def columns(self) -> tuple[Raw, ...]:
        """What was measured of each column."""
        return tuple(self.profile["columns"]) if self.profile is not None else ()

    @classmethod
    def of(cls, answer: Raw) -> "TableProfile":
        """From the answer's JSON."""
        profile = answer.get("profile")
        return cls(
            profile_id=answer["profile_id"],
            request_id=answer["request_id"],
            target=answer["target"],
            table=answer["table"],
            status=cast(CheckStatus, answer["status"]),
            reason=answer.get("reason"),
            at=parse_moment(answer["at"]),
            profile=dict(profile) if profile is not None else None,
            suggestions=tuple(map(dict, answer.get("suggestions") or ())),
            suggestions_fault=answer.get("suggestions_fault"),
            raw=answer,
        )
