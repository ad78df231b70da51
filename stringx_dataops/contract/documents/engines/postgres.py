"""Targets of PostgreSQL."""

import ipaddress
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.engines.base import (
    Arguments,
    ConcurrentChecks,
    Functions,
    NewName,
    OnlyPassword,
    Pause,
    WithPassword,
)
from stringx_dataops.contract.documents.fields import Column, Host, Matching, PasswordVariable, Whole
from stringx_dataops.contract.gate_test.specification import SessionLimits

_METHOD = "(password|md5|gss|sspi|scram-sha-256|none)"  # libpq's; it takes several either all with ! or all without
_RequiredAuth = Annotated[
    str,
    StringConstraints(max_length=200),
    Matching(
        f"({_METHOD}(,{_METHOD}){{0,5}}|!{_METHOD}(,!{_METHOD}){{0,5}})",
        "names no ways to authenticate; write password, md5, gss, sspi, scram-sha-256 or none, several with commas,"
        " either all with ! or all without, such as scram-sha-256 or !password,!md5",
    ),
]
_Memory = Annotated[
    str, Matching(r"[0-9]{1,7}(kB|MB|GB)", "is no amount of memory; write a number with kB, MB or GB, such as 64MB")
]
# What names the checked database, with the defaults of fields that a document leaves out.
_IDENTITY = {"adapter": "postgres", "host": "", "port": 5432, "dbname": "", "user": "", "dbt_schema": "public"}


class PostgresTarget(WithPassword):
    """A database whose tables are checked; holds where the password is, never the password."""

    apiVersion: Literal["stringx/v1"]
    kind: Literal["Target"]
    name: NewName
    adapter: Literal["postgres"] = "postgres"
    host: Host
    port: Annotated[Whole, Field(ge=1, le=65535)] = 5432
    dbname: Column
    user: Column
    password_env: PasswordVariable | None = None
    password_file: OnlyPassword = None
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] | None = None
    sslrootcert: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    require_auth: _RequiredAuth | None = None
    lock_timeout: Pause = "5s"
    replay_timeout: Pause | Literal["off"] = "5s"
    work_mem: _Memory | None = None
    max_parallel_workers_per_gather: Annotated[Whole, Field(ge=0, le=64)] | None = None
    max_concurrent_checks: ConcurrentChecks = 4
    yield_after: Pause | Literal["off"] = "off"
    allow_functions: Functions = []
    allow_arguments: Arguments = "checked"
    dbt_schema: Column = "public"  # STRINGX_TARGET_SCHEMA: of the dbt project's models that name none

    @field_validator("require_auth")
    @classmethod
    def _names_each_once(cls, value: str | None) -> str | None:
        if value and len(set(value.split(","))) < value.count(",") + 1:
            raise ValueError("names a way to authenticate twice; keep one")
        return value

    @classmethod
    def identity_of(cls, document: Mapping[str, Any]) -> list[str]:
        """The server, the database, the role, which decides what can be seen, and the schema of models."""
        named = {name: str(document.get(name, default)) for name, default in _IDENTITY.items()}
        named["port"] = str(int(Decimal(named["port"])))  # as it is written it may be 5432.0
        return list(named.values())

    @property
    def session_limits(self) -> SessionLimits:
        """How long a check waits for a lock, and what its statements may use; None leaves the role's own setting."""
        return {
            "lock_timeout_ms": int(parse_duration(self.lock_timeout) * 1000),
            "replay_timeout_ms": None if self.replay_timeout == "off" else int(parse_duration(self.replay_timeout) * 1000),
            "work_mem": self.work_mem,
            "max_parallel_workers_per_gather": self.max_parallel_workers_per_gather,
        }

    @property
    def dbt_database(self) -> str:
        """The database of the connection."""
        return self.dbname

    @property
    def lineage_namespace(self) -> str:
        """As OpenLineage names servers of PostgreSQL."""
        return f"postgres://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def yield_after_s(self) -> float | None:
        """After how many seconds a check gives way to a session that waits for its locks; None means never."""
        return None if self.yield_after == "off" else parse_duration(self.yield_after)

    @property
    def tls(self) -> str:
        """The sslmode that is used: verify-full unless the document names one, prefer on a socket or loopback."""
        return self.sslmode or ("prefer" if self._is_local() else "verify-full")

    @property
    def authentication(self) -> str:
        """The require_auth that is used. Unless the document names one, only a server whose certificate is verified may ask for
        the password in clear text. Empty if any way will do."""
        return self.require_auth or ("" if self.tls in ("verify-ca", "verify-full") else "!password")

    def _is_local(self) -> bool:
        if self.host.startswith("/") or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
