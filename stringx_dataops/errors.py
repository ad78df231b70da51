"""What asking the Backend ends with, besides an answer. Each exception has the exit code of the `dataops` command."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from stringx_dataops.contract.variables import SettingsError

if TYPE_CHECKING:
    from stringx_dataops.answers import Gate, Request
    from stringx_dataops.profiles import TableProfile


class DataOpsError(Exception):
    """The parent of all of these; the text is for the person who asked."""

    exit_code: ClassVar[int] = 3


class Refused(DataOpsError):
    """The Backend refused the request. `errors` are those of its problem document: pointer and message of each wrong field."""

    exit_code = 2

    def __init__(self, lines: Sequence[str], errors: Sequence[dict[str, str]] = ()) -> None:
        super().__init__("\n".join(lines))
        self.errors = list(errors)


class Misconfigured(DataOpsError, SettingsError):
    """There is no key, or the address is none; the text names the variable."""

    exit_code = 2


class Undecided(DataOpsError):
    """No answer could be had: the service is away, does not let this key in, or has not decided within the time that was given.
    `answer` is how far it is, where that is known."""

    exit_code = 3

    def __init__(self, text: str, answer: "Request | Gate | TableProfile | None" = None) -> None:
        super().__init__(text)
        self.answer = answer


class Away(Undecided):
    """Nobody answers, or only that it cannot just now: asking again later may help."""


class GateClosed(DataOpsError):
    """The gate is closed; `gate` is the answer, with its reasons."""

    exit_code = 1

    def __init__(self, text: str, gate: "Gate") -> None:
        super().__init__(text)
        self.gate = gate


class CheckFailed(DataOpsError):
    """The verdict of a check is `fail`; `request` has the rules."""

    exit_code = 1

    def __init__(self, text: str, request: "Request") -> None:
        super().__init__(text)
        self.request = request


class Untrusted(DataOpsError):
    """A signed verdict cannot be trusted: not signed by a known key, not valid now, or about something else. It says nothing."""

    exit_code = 3
