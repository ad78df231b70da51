"""Targets of Trino: the tables of one catalog of a cluster."""

import ipaddress
import json
import warnings
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from stringx_dataops.contract.documents.engines.base import ConcurrentChecks, NewName, OnlyPassword, WithPassword
from stringx_dataops.contract.documents.fields import Matching, PasswordVariable, Whole
from stringx_dataops.contract.gate_test.specification import SessionLimits

HTTP_PORT, HTTPS_PORT = 8080, 8443  # those of Trino's own documentation
MOST_PROPERTIES = 50
_LONGEST_PROPERTY = 1000  # characters
_IDENTITY: dict[str, Any] = {
    "adapter": "trino",
    "host": "",
    "port": None,
    "catalog": "",
    "schema": "default",
    "user": "",
    "roles": {},
}


def _is_whole_address(text: str) -> str:
    if ":" in text:
        try:
            ipaddress.IPv6Address(text)
        except ValueError as error:
            raise ValueError("holds a colon and is no address of IPv6; the port goes under port") from error
    return text


def _property(value: bool | int | float | str) -> bool | int | float | str:
    if isinstance(value, str) and not (value.isprintable() and len(value) <= _LONGEST_PROPERTY):
        raise ValueError(f"is no value of a session property; write up to {_LONGEST_PROPERTY:,} characters that can be printed")
    return value


def _none(functions: list[str]) -> list[str]:
    if functions:
        raise ValueError("must be empty on trino: custom SQL calls built-in functions only")
    return functions


_Host = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    Matching(r"[A-Za-z0-9._:-]+", "is no single host; write one name or one address, such as trino.example.com"),
    AfterValidator(_is_whole_address),
]
_User = Annotated[
    str,
    Matching(r"[!-9;-~]{1,200}", "is no user of Trino; write letters, digits and signs of ASCII, without white space and colons"),
]
_Name = Annotated[
    str,
    Matching(
        r"""[^\sA-Z"',\\\x00-\x1f]{1,63}""",
        "is no name that Trino has; write it in lower case, without white space, commas, quotes and backslashes, such as lake",
    ),
]
_Role = Annotated[
    str,
    Matching(r"""[^\s{}"',=\\\x00-\x1f]{1,200}""", "is no name of a role; write it without white space and , = { } and quotes"),
]
_Property = Annotated[
    str,
    Matching(
        r"[a-z][a-z0-9_-]{0,62}(\.[a-z][a-z0-9_]{0,99})?",
        "is no name of a session property; write one such as query_max_run_time, of a catalog such as lake.compression_codec",
    ),
]
_File = Annotated[str, StringConstraints(max_length=1000), Matching(r"/[^\x00-\x1f]+", "is no absolute path; begin with /")]
_Value = Annotated[StrictBool | StrictInt | StrictFloat | StrictStr, AfterValidator(_property)]

with warnings.catch_warnings():
    # pydantic's `schema` is a deprecated method that nobody calls here, and it is what Trino calls the field.
    warnings.filterwarnings("ignore", 'Field name "schema"')

    class TrinoTarget(WithPassword):
        """A catalog of Trino whose tables are checked; holds where the password is, never the password."""

        apiVersion: Literal["stringx/v1"]
        kind: Literal["Target"]
        name: NewName
        adapter: Literal["trino"]
        host: _Host
        port: Annotated[Whole, Field(ge=1, le=65535)] | None = None
        user: _User
        password_env: PasswordVariable | None = None
        password_file: OnlyPassword = None
        auth: Literal["password", "jwt"] = "password"
        sslmode: Literal["disable", "require", "verify-full"] | None = None
        sslrootcert: _File | None = None
        catalog: _Name
        schema: _Name = "default"  # type: ignore[assignment]
        session_properties: Annotated[dict[_Property, _Value], Field(max_length=MOST_PROPERTIES)] = {}
        roles: Annotated[dict[_Name, _Role], Field(max_length=MOST_PROPERTIES)] = {}
        max_concurrent_checks: ConcurrentChecks = 4
        allow_functions: Annotated[list[str], AfterValidator(_none)] = []
        allow_arguments: Literal["checked"] = "checked"

        @field_validator("sslmode")
        @classmethod
        def _keeps_the_password(cls, value: str | None, info: ValidationInfo) -> str | None:
            if value in ("disable", "require") and (info.data.get("password_env") or info.data.get("password_file")):
                raise ValueError(
                    "must be verify-full, or be left out, as there is a password: Trino gets it in clear text, and without a"
                    " certificate that is verified anybody on the way could read it"
                )
            return value

        @field_validator("sslrootcert")
        @classmethod
        def _of_a_verified_server(cls, value: str | None, info: ValidationInfo) -> str | None:
            if value is not None and info.data.get("sslmode") in ("disable", "require"):
                raise ValueError("is used with sslmode: verify-full only; leave one of the two out")
            return value

        @classmethod
        def identity_of(cls, document: Mapping[str, Any]) -> list[str]:
            """The server, the catalog, the schema of names without one, the user and the roles, which decide what is seen, and
            properties of catalogs, some of which say which rows are read."""
            named = {name: document.get(name, default) for name, default in _IDENTITY.items()}
            of_catalogs = {name: value for name, value in (document.get("session_properties") or {}).items() if "." in name}
            parts = [*named.values(), of_catalogs] if of_catalogs else list(named.values())
            return [each if isinstance(each, str) else json.dumps(each, sort_keys=True) for each in parts]

        @property
        def tls(self) -> Literal["disable", "require", "verify-full"]:
            """The sslmode that is used: verify-full unless the document names one. On loopback no TLS, if there is neither a
            password nor a certificate to verify the server by."""
            if self.sslmode is not None:
                return self.sslmode
            return "disable" if self._is_local() and not self._has_secret() and self.sslrootcert is None else "verify-full"

        @property
        def server_port(self) -> int:
            """The port that is used: the document's, or that of HTTPS or HTTP."""
            return self.port or (HTTP_PORT if self.tls == "disable" else HTTPS_PORT)

        @property
        def address(self) -> str:
            """The host as it stands in a URL."""
            return f"[{self.host}]" if ":" in self.host else self.host

        @property
        def method(self) -> Literal["none", "ldap", "jwt"]:
            """How the service authenticates, in dbt's words: `ldap` sends the password, whatever Trino compares it with."""
            if not self._has_secret():
                return "none"
            return "jwt" if self.auth == "jwt" else "ldap"

        @property
        def session_limits(self) -> SessionLimits:
            """None: Trino limits what its queries use itself, and nothing is locked."""
            return {
                "lock_timeout_ms": 0,
                "replay_timeout_ms": None,
                "work_mem": None,
                "max_parallel_workers_per_gather": None,
            }

        @property
        def dbt_database(self) -> str:
            """The catalog."""
            return self.catalog

        @property
        def lineage_namespace(self) -> str:
            """As OpenLineage names servers of Trino."""
            return f"trino://{self.address}:{self.server_port}"

        def _has_secret(self) -> bool:
            return bool(self.password_env or self.password_file)

        def _is_local(self) -> bool:
            if self.host == "localhost":
                return True
            try:
                return ipaddress.ip_address(self.host).is_loopback
            except ValueError:
                return False
