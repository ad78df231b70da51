"""Documents of channels: where messages to people go. They say where the address is stored, never the address."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from stringx_dataops.contract.documents.fields import Flag, Matching, Model, Words, parse_model
from stringx_dataops.contract.documents.zones import Clock, Zone
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import FieldError, Invalid, invalid

ChannelType = Literal["apprise", "webhook"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

CHANNEL_NAME = Matching(
    r"[a-z0-9][a-z0-9_-]{0,62}",
    "is no name of a channel; write 1 to 63 of a to z, 0 to 9, _ and -, with a letter or digit in front, such as team-slack",
)
ChannelName = Annotated[str, CHANNEL_NAME]


def _variable(example: str, what: str) -> Matching:
    return Matching(
        r"NOTIFY_[A-Z0-9_]{1,100}",
        f"is no variable of a channel; write NOTIFY_ and then A to Z, 0 to 9 and _, such as {example}, and put the {what}"
        " into that variable",
    )


def _file(example: str, what: str) -> Matching:
    return Matching(
        r"notify_[A-Za-z0-9_.-]{1,100}",
        "is no file of a channel in STRINGX_SECRETS; write notify_ and then letters, digits, _, . and -, such as"
        f" {example}, and put the {what} into that file",
    )


AddressVariable = Annotated[str, _variable("NOTIFY_TEAM_SLACK", "address")]
AddressFile = Annotated[str, _file("notify_team_slack", "address")]
SigningVariable = Annotated[str, _variable("NOTIFY_PIPELINE_SECRET", "signing secret")]
SigningFile = Annotated[str, _file("notify_pipeline_secret", "signing secret")]


class Digest(Model):
    """When the weekly digest is sent."""

    day: Weekday = "monday"
    time: Clock = "08:00"
    timezone: Zone = "UTC"


class ChannelDocument(Model):
    """One channel. `apprise`: an address of Apprise, such as those of Slack, Teams, mail and PagerDuty. `webhook`: events as
    CloudEvents, signed as Standard Webhooks describe. The address is read from a variable or a secret file."""

    apiVersion: Literal["stringx/v1"]
    kind: Literal["Channel"]
    name: ChannelName
    description: Words = ""
    type: ChannelType
    url_env: AddressVariable | None = None
    url_file: AddressFile | None = None
    secret_env: SigningVariable | None = None
    secret_file: SigningFile | None = None
    digest: Literal["weekly"] | Digest | None = None
    active: Flag = True

    @property
    def weekly(self) -> Digest | None:
        """When its weekly digest is sent; None if it gets none."""
        return Digest() if self.digest == "weekly" else self.digest


def parse_channel(value: Any, pointer: str = "") -> ChannelDocument:
    """A channel from its document. Raises Invalid with every fault."""
    faults = list(_faults(value, pointer)) if isinstance(value, dict) else []
    try:
        document = parse_model(ChannelDocument, value, pointer)
    except Invalid as fault:
        raise invalid([*_readable(fault.errors, value, pointer), *faults]) from fault
    if faults:
        raise invalid(faults)
    return document


def _faults(value: JsonObject, pointer: str) -> Iterator[FieldError]:
    if value.get("url_env") is None and value.get("url_file") is None:
        words = "is missing; name the variable that holds the address, such as NOTIFY_TEAM_SLACK, or give url_file"
        yield FieldError(f"{pointer}/url_env", words)
    for what in ("url", "secret"):
        if value.get(f"{what}_env") is not None and value.get(f"{what}_file") is not None:
            yield FieldError(f"{pointer}/{what}_file", f"is given besides {what}_env; keep one")
    for name in ("secret_env", "secret_file"):
        if value.get("type") == "apprise" and value.get(name) is not None:
            yield FieldError(f"{pointer}/{name}", "is of webhooks, which are signed; leave it out, or write type: webhook")


def _readable(faults: Iterable[FieldError], value: Any, pointer: str) -> Iterator[FieldError]:
    """The faults, those of the fields of a digest at their places."""
    for each in faults:
        digest = value.get("digest") if isinstance(value, dict) and each.pointer == f"{pointer}/digest" else None
        if not isinstance(digest, dict):
            yield _quoting_nothing(each, pointer)
            continue
        try:
            parse_model(Digest, digest, each.pointer)
        except Invalid as fault:
            yield from fault.errors


def _quoting_nothing(fault: FieldError, pointer: str) -> FieldError:
    """An address that somebody wrote into a document by mistake stands in no message, whatever field it was called."""
    name = fault.pointer.removeprefix(f"{pointer}/")
    if name in ("url", "address", "secret", "webhook", "token"):
        field = "secret" if name in ("secret", "token") else "url"
        words = f"is never stored; put it into a variable or a secret file, and name that as {field}_env or {field}_file"
        return FieldError(fault.pointer, words)
    return fault
