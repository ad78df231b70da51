"""PostgreSQL behind the interface of all engines."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.engine.profile import SESSION_VARIABLE
from api.targets.engine import Machine, RefusedCharacter, RefusedLock
from api.targets.postgres import errors, messages
from api.targets.postgres.connection import connection_environment, session_address
from api.targets.postgres.sessions import PostgresSessions
from stringx_dataops.contract.documents.engines.postgres import PostgresTarget


@dataclass(frozen=True)
class PostgresEngine:
    """See `Engine` for what each method returns."""

    target: PostgresTarget

    @property
    def yield_after_s(self) -> float | None:
        """As the document says."""
        return self.target.yield_after_s

    @property
    def outlives_process(self) -> bool:
        """No: the server looks whether its client is there."""
        return False

    def environment(self, machine: Machine, application_name: str) -> dict[str, str]:
        """Variables of the profile, and libpq's own."""
        return connection_environment(self.target, machine.secrets, application_name)

    def sessions(self, environment: Mapping[str, str]) -> PostgresSessions:
        """Found by the application name in the environment."""
        return PostgresSessions(session_address(environment), environment[SESSION_VARIABLE])

    def explain(self, message: str) -> str | None:
        """By the words of libpq, of the server and of poolers."""
        return errors.explain(self.target, message)

    def may_pass(self, message: str) -> bool:
        """By the same words."""
        return errors.may_pass(message)

    def refused_lock(self, message: str) -> RefusedLock | None:
        """By the server's words in English."""
        return messages.refused_lock(message)

    def refused_character(self, message: str) -> RefusedCharacter | None:
        """By the bytes and the names of encodings."""
        return messages.refused_character(message)

    def without_values(self, message: str) -> str:
        """By the words before what the server quotes."""
        return messages.without_values(message)
