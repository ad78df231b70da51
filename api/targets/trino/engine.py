"""Trino behind the interface of all engines."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

from api.targets.engine import Machine, RefusedCharacter, RefusedLock, TargetUnusable
from api.targets.trino import errors
from api.targets.trino.connection import connection_environment
from api.targets.trino.sessions import TrinoSessions
from stringx_dataops.contract.documents.engines.trino import TrinoTarget


@dataclass(frozen=True)
class TrinoEngine:
    """See `Engine` for what each method returns."""

    target: TrinoTarget

    @property
    def yield_after_s(self) -> float | None:
        """Never: nobody waits for locks of a check."""
        return None

    @property
    def outlives_process(self) -> bool:
        """Yes, for five minutes, which `query.client.timeout` of the cluster says."""
        return True

    def environment(self, machine: Machine, application_name: str) -> dict[str, str]:
        """Variables of the profile."""
        _require_installed(self.target.name)
        return connection_environment(self.target, machine.secrets, application_name)

    def sessions(self, environment: Mapping[str, str]) -> TrinoSessions:
        """Found by the source of the queries, which is the application name in the environment."""
        return TrinoSessions(environment)

    def explain(self, message: str) -> str | None:
        """By the words of Trino, of its client and of dbt."""
        return errors.explain(self.target, message)

    def may_pass(self, message: str) -> bool:
        """By the same words."""
        return errors.may_pass(message)

    def refused_lock(self, message: str) -> RefusedLock | None:
        """None: there are no locks of tables."""
        return None

    def refused_character(self, message: str) -> RefusedCharacter | None:
        """None: everything is UTF-8."""
        return None

    def without_values(self, message: str) -> str:
        """By the names of Trino's errors."""
        return errors.without_values(message)


def _require_installed(name: str) -> None:
    try:
        metadata.version("dbt-trino")
    except metadata.PackageNotFoundError as error:
        raise TargetUnusable(f"target {name}: {errors.INSTALL}") from error
