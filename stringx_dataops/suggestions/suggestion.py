"""What a suggestion is, and what it is made from beside a profile."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime

from stringx_dataops.contract.documents.fields import Model
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.profiles import Profile
from stringx_dataops.contract.messages.verdicts import Verdict

Status = Literal["pass", "warn", "fail", "unknown"]


class Said(Model):
    """What a rule would have said of the data that a profile measured, and why. `unknown`: the profile does not tell."""

    status: Status
    words: str


class SaidOfProfile(Said):
    """The same of a stored profile, whose snapshot is `at`."""

    profile_id: str
    at: AwareDatetime


class Suggestion(Model):
    """A rule that fits a table. `id` and `rule`: as in a table's document; `yaml`: the rule as an item of its list. `reason`:
    why, with the numbers it rests on. `value`: from 0 to 1, how much it is worth; suggestions are sorted by it, best first."""

    id: str
    rule: JsonObject
    yaml: str
    reason: str
    value: float
    on_this: Said
    on_profiles: list[SaidOfProfile] = []


@dataclass(frozen=True)
class StoredProfile:
    """An earlier profile of the same table."""

    profile_id: str
    profile: Profile


@dataclass(frozen=True)
class EarlierCheck:
    """A full check of the same table: the rows it saw, and what it said."""

    at: datetime
    row_count: int
    verdict: Verdict


@dataclass(frozen=True)
class History:
    """What is known of a table beside one profile. Order does not matter; only what is older than the profile counts."""

    profiles: Sequence[StoredProfile] = ()
    checks: Sequence[EarlierCheck] = ()
