"""Keys as they are asked for and listed. Only the answer that makes a key holds the key itself."""

from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, field_validator
from pydantic_core import PydanticCustomError

from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.fields import AtMost, Matching, Model, TargetName
from stringx_dataops.contract.keys import RESERVED, KeyScope

MOST_TARGETS = 100
SHORTEST_S, LONGEST_S = 60, 3650 * 86400  # of a key's life
LONGEST_OVERLAP_S = 30 * 86400
DEFAULT_OVERLAP = "24h"
KEY_NAME = Matching(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}",
    "is no name of a key; write 1 to 63 letters, digits, dots, _ and -, with a letter or digit in front, such as airflow",
)


def _free_name(name: str) -> str:
    if name.lower() in RESERVED:
        raise PydanticCustomError("reserved", "is {name}, which the service itself uses; choose another name", {"name": name})
    return name


def _life(text: str) -> str:
    if not SHORTEST_S <= parse_duration(text) <= LONGEST_S:
        raise ValueError("must be from 1m to 3650d; leave it out for a key that does not end")
    return text


def overlap_s(text: str) -> float:
    """The seconds for which the secret before a rotation stays valid. Raises ValueError with one sentence."""
    seconds = parse_duration(text)
    if seconds > LONGEST_OVERLAP_S:
        raise ValueError("must be at most 30d; 0s ends the old secret at once")
    return seconds


class NewKey(Model):
    """A key to be made. `targets`: the targets that it is limited to; all if left out. `expires_in`: how long it is valid, such
    as 90d; without an end if left out."""

    name: Annotated[str, KEY_NAME, AfterValidator(_free_name)]
    scopes: Annotated[list[KeyScope], Field(min_length=1)]
    targets: Annotated[list[TargetName], AtMost(MOST_TARGETS), Field(min_length=1)] | None = None
    expires_in: Annotated[str, AfterValidator(_life)] | None = None

    @field_validator("scopes", "targets")
    @classmethod
    def _each_once(cls, value: Any) -> Any:
        return value if value is None else list(dict.fromkeys(value))

    @property
    def life_s(self) -> float | None:
        """Seconds from now until it ends; None if it does not."""
        return None if self.expires_in is None else parse_duration(self.expires_in)


class KeyItem(Model):
    """A key. `prefix`: its public part; null for keys of earlier releases. `targets`: null is all. `created_by`: null for keys
    that the service made itself. `previous_until`: when the secret before the last rotation ends. `last_used_at`: to a minute."""

    name: str
    prefix: str | None
    scopes: list[KeyScope]
    targets: list[str] | None
    created_at: AwareDatetime
    created_by: str | None
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    rotated_at: AwareDatetime | None
    previous_until: AwareDatetime | None
    last_used_at: AwareDatetime | None


class MadeKey(KeyItem):
    """A key that was just made or rotated. `key` is shown this once."""

    key: str = Field(repr=False)


class KeyPage(Model):
    """Keys by name, ended and revoked ones included."""

    items: list[KeyItem]
    next_cursor: str | None
