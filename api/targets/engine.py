"""What workers and the portal need of the engine of a target. (`api/engine` is something else: it runs dbt.)"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stringx_dataops.contract.buckets import Bucket
from stringx_dataops.contract.problems import StringXError
from stringx_dataops.contract.settings import Settings


class TargetUnusable(StringXError):
    """The target's document cannot be used on this machine; the detail says what is missing."""

    status, slug, title = 422, "target-unusable", "The target cannot be used"


@dataclass(frozen=True)
class Machine:
    """What an engine may use of this machine: the folder of secrets; the folders that may hold files of targets; those that no
    target may read, whatever holds them; a folder for what a run writes beside its memory, which is removed after the run; and
    the buckets that may hold objects of targets."""

    secrets: Path
    readable: tuple[Path, ...]
    private: tuple[Path, ...]
    scratch: Path
    buckets: tuple[Bucket, ...] = ()

    @classmethod
    def of(cls, settings: Settings, scratch: Path) -> "Machine":
        """As the settings say."""
        private = (settings.home, settings.secrets)
        return cls(settings.secrets, settings.duckdb_folders, private, scratch, settings.duckdb_buckets)


@dataclass(frozen=True)
class RefusedLock:
    """A lock that a run did not get. `relation` is as the engine names it, with or without a schema and without quotes; None if
    the message names none."""

    relation: str | None


@dataclass(frozen=True)
class RefusedCharacter:
    """A character that the target's database cannot store in its encoding."""

    character: str
    encoding: str


class Sessions(Protocol):
    """The sessions of one attempt on its target, seen and ended from outside. Each method raises Unavailable if the target cannot
    be reached."""

    def cancel(self) -> int:
        """Cancels what the sessions are executing. Returns how many sessions there were."""

    def is_connected(self) -> bool:
        """Whether there is such a session now."""

    def keeps_waiting(self, seconds: float) -> bool:
        """Whether another session has waited for so long for a lock that one of these sessions holds."""


class Engine(Protocol):
    """One target as its engine sees it."""

    @property
    def yield_after_s(self) -> float | None:
        """After how many seconds a check gives way to a session that waits for its locks. None means never: then nobody asks
        whether sessions wait."""

    @property
    def outlives_process(self) -> bool:
        """Whether its queries go on after the dbt process has ended, so that somebody has to end them."""

    def environment(self, machine: Machine, application_name: str) -> dict[str, str]:
        """The variables that `profiles.yml` reads, the password among them; TargetUnusable if it is missing. `application_name`
        names the sessions on the target."""

    def sessions(self, environment: Mapping[str, str]) -> Sessions | None:
        """The sessions of a dbt process that was started with this environment. None if it has none beside itself: then it is
        killed to end its run."""

    def explain(self, message: str) -> str | None:
        """One line that names the cause of a failed connection and the fix; None if the message is about something else."""

    def may_pass(self, message: str) -> bool:
        """Whether a failed connection is worth another attempt within seconds."""

    def refused_lock(self, message: str) -> RefusedLock | None:
        """The lock because of which a run failed, from dbt's message; None if it failed for another reason."""

    def refused_character(self, message: str) -> RefusedCharacter | None:
        """The character because of which a run failed, from dbt's message; None if it failed for another reason."""

    def without_values(self, message: str) -> str:
        """A database error without values of rows, so that a result may show it."""
