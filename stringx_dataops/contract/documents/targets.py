"""Target documents: a database whose tables are checked."""

import hashlib
import ipaddress
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.fields import (
    AtMost,
    Column,
    Duration,
    FunctionName,
    Host,
    Memory,
    Model,
    PasswordFile,
    PasswordVariable,
    RequiredAuth,
    TargetName,
    Whole,
    parse_model,
)
from stringx_dataops.contract.documents.reading import escape_pointer
from stringx_dataops.contract.problems import MAX_FAULTS, FieldError, Invalid, invalid


def _pause(text: str) -> str:
    if not 0.001 <= parse_duration(text) <= 86400:
        raise ValueError("must lie between 1ms and 24h")  # PostgreSQL reads 0 as for ever
    return text


def _target_name(name: str) -> str:
    if name == "datasets":
        raise ValueError("the name datasets is taken by the API; choose another")
    return name


class TargetDocument(Model):
    """A database whose tables are checked; holds where the password is, never the password."""

    apiVersion: Literal["stringx/v1"]
    kind: Literal["Target"]
    name: Annotated[TargetName, AfterValidator(_target_name)]
    adapter: Literal["postgres"] = "postgres"
    host: Host
    port: Annotated[Whole, Field(ge=1, le=65535)] = 5432
    dbname: Column
    user: Column
    password_env: PasswordVariable | None = None
    password_file: PasswordFile | None = None
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] | None = None
    sslrootcert: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    require_auth: RequiredAuth | None = None
    lock_timeout: Annotated[Duration, AfterValidator(_pause)] = "5s"
    work_mem: Memory | None = None
    max_parallel_workers_per_gather: Annotated[Whole, Field(ge=0, le=64)] | None = None
    max_concurrent_checks: Annotated[Whole, Field(ge=1, le=100)] = 4
    yield_after: Annotated[Duration, AfterValidator(_pause)] | Literal["off"] = "off"
    allow_functions: Annotated[list[FunctionName], AtMost(1000)] = []
    allow_arguments: Literal["checked", "unchecked"] = "checked"  # of dbt tests: unchecked ones run as SQL, whatever they say
    dbt_schema: Column = "public"  # STRINGX_TARGET_SCHEMA: of the dbt project's models that name none

    @field_validator("password_file")
    @classmethod
    def _names_one_password(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and info.data.get("password_env"):
            raise ValueError("password_env and password_file are both given; keep one")
        folder, slash, _ = (value or "").rpartition("/")
        if slash and folder != info.data.get("name", folder):
            raise ValueError(f"lies in the folder of the target {folder}, whose files serve that target alone")
        return value

    @field_validator("require_auth")
    @classmethod
    def _names_each_once(cls, value: str | None) -> str | None:
        if value and len(set(value.split(","))) < value.count(",") + 1:
            raise ValueError("names a way to authenticate twice; keep one")
        return value

    @property
    def database_hash(self) -> str:
        return database_hash(self.model_dump(mode="json"))

    @property
    def tls(self) -> str:
        """The sslmode that is used: verify-full unless said otherwise, prefer on a socket or loopback."""
        return self.sslmode or ("prefer" if self._is_local() else "verify-full")

    @property
    def authentication(self) -> str:
        """The require_auth that is used: unless said otherwise, only a server whose certificate is verified may ask for
        the password in clear text. Empty where any way will do."""
        return self.require_auth or ("" if self.tls in ("verify-ca", "verify-full") else "!password")

    def _is_local(self) -> bool:
        if self.host.startswith("/") or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def database_hash(document: Mapping[str, Any]) -> str:
    """Names what is checked: the server, the database, the role, which decides what can be seen, and the schema of models. The
    document may be one that another release has stored."""
    named = {name: str(document.get(name, default)) for name, default in _OF_A_DATABASE.items()}
    named["port"] = str(int(Decimal(named["port"])))  # as it is written it may be 5432.0
    return hashlib.sha256(json.dumps(list(named.values()), ensure_ascii=False).encode()).hexdigest()[:16]


_OF_A_DATABASE = {"adapter": "postgres", "host": "", "port": 5432, "dbname": "", "user": "", "dbt_schema": "public"}


def parse_target(value: Any, pointer: str = "") -> TargetDocument:
    """A target from its document; Invalid with every fault."""
    places = islice(_with_variable(value, ""), MAX_FAULTS)
    errors = [FieldError(f"{pointer}{place}", "holds ${, and variables are not filled in") for place in places]
    try:
        document = parse_model(TargetDocument, value, pointer)
    except Invalid as fault:
        known = {error.pointer for error in errors}
        raise invalid([*errors, *(other for other in fault.errors if other.pointer not in known)]) from fault
    if errors:
        raise invalid(errors)
    return document


def _with_variable(value: Any, pointer: str) -> Iterator[str]:
    """The places of texts that hold `${`."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _with_variable(item, f"{pointer}/{escape_pointer(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _with_variable(item, f"{pointer}/{index}")
    elif isinstance(value, str) and "${" in value:
        yield pointer
