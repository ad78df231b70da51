"""Keys that sign verdicts, as they are listed."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

VerdictKeyState = Literal["next", "signing", "verifying", "withdrawn", "ended"]


class VerdictKey(BaseModel):
    """A key; never its private half. `verifying`: it signs no more, and what it has signed may be valid still. `withdrawn`:
    nothing that it has signed is to be trusted."""

    kid: str
    state: VerdictKeyState
    created_at: datetime
    created_by: str
    signs_from: datetime
    signs_until: datetime
    withdrawn_at: datetime | None


class VerdictKeys(BaseModel):
    """Keys, the newest first, at most a hundred."""

    items: list[VerdictKey]
