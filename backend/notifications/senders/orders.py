"""What a sending process is asked, and what it answers: a line of JSON each."""

from typing import Literal

from pydantic import BaseModel

from stringx_dataops.contract.messages.notifications import NotificationContent

LONGEST_S = 30.0  # of one message, whatever its receiver does


class Order(BaseModel):
    """Send this message within `longest_s` seconds. `address` and `secrets` are secret: they go through a pipe, never into
    arguments or the environment. `place`: the words for where the address is stored. `trace`: headers of a webhook that name the
    trace of the check that it tells of."""

    notification_id: str
    channel: str
    type: Literal["apprise", "webhook"]
    address: str
    place: str = "the channel's address"
    secrets: list[str] = []
    public_url: str | None = None
    longest_s: float = LONGEST_S
    trace: dict[str, str] = {}
    content: NotificationContent


class Outcome(BaseModel):
    """What came of it. `reason` quotes neither the address nor anything that the receiver said. `status`: of HTTP or SMTP.
    `gone`: the receiver wants no message any more."""

    is_sent: bool
    reason: str = ""
    status: int | None = None
    retry_after_s: float | None = None
    gone: bool = False
