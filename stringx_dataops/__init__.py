"""The installable package: the contract of both services, a client of the Backend and the `dataops` command."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stringx_dataops.answers import Check, Gate, Progress, Request, Rule, State, Table
    from stringx_dataops.client import Client
    from stringx_dataops.errors import Away, CheckFailed, DataOpsError, GateClosed, Misconfigured, Refused, Undecided
    from stringx_dataops.points import Point
    from stringx_dataops.watching import Incident, Schedule

__version__ = "0.1.0"  # of the whole project; CHANGELOG.md has a section for each version
__all__ = [
    "Away", "Check", "CheckFailed", "Client", "DataOpsError", "Gate", "GateClosed", "Incident", "Misconfigured", "Point",
    "Progress",    "Refused", "Request", "Rule", "Schedule", "State", "Table", "Undecided",
]  # fmt: skip
_HOMES = {
    "answers": {"Check", "Gate", "Progress", "Request", "Rule", "State", "Table"},
    "client": {"Client"},
    "errors": {"Away", "CheckFailed", "DataOpsError", "GateClosed", "Misconfigured", "Refused", "Undecided"},
    "points": {"Point"},
    "watching": {"Incident", "Schedule"},
}


def __getattr__(name: str) -> Any:
    """Imports the client when it is asked for, because the services import this package, too."""
    from importlib import import_module

    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
