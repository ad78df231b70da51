"""What the documents of all targets share, whatever their engine: what other code may ask of a target, and types of fields."""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from stringx_dataops.contract.adapters import Adapter
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.fields import AtMost, Duration, FunctionName, Model, PasswordFile, TargetName, Whole
from stringx_dataops.contract.gate_test.specification import SessionLimits


def _free_name(name: str) -> str:
    if name == "datasets":
        raise ValueError("the name datasets is taken by the API; choose another")
    return name


def _only_password(value: str | None, info: ValidationInfo) -> str | None:
    if value and info.data.get("password_env"):
        raise ValueError("password_env and password_file are both given; keep one")
    require_own_folder(value, info)
    return value


def require_own_folder(file: str | None, info: ValidationInfo) -> None:
    """ValueError if a secret's file lies in the folder of another target. `info` is of a field that stands after `name`."""
    folder, slash, _ = (file or "").rpartition("/")
    if slash and folder != info.data.get("name", folder):
        raise ValueError(f"lies in the folder of the target {folder}, whose files serve that target alone")


def _pause(text: str) -> str:
    if not 0.001 <= parse_duration(text) <= 86400:
        raise ValueError("must lie between 1ms and 24h")  # PostgreSQL reads 0 as for ever
    return text


NewName = Annotated[TargetName, AfterValidator(_free_name)]
Pause = Annotated[Duration, AfterValidator(_pause)]
OnlyPassword = Annotated[PasswordFile | None, AfterValidator(_only_password)]  # stands after `name` and `password_env`
ConcurrentChecks = Annotated[Whole, Field(ge=1, le=100)]
Functions = Annotated[list[FunctionName], AtMost(1000)]
Arguments = Literal["checked", "unchecked"]  # of dbt tests: unchecked ones run as SQL, whatever they say


def hash_of(identity: list[str]) -> str:
    """16 hexadecimal digits that name the checked database. A gate opens only by checks with the hash of today."""
    return hashlib.sha256(json.dumps(identity, ensure_ascii=False).encode()).hexdigest()[:16]


class TargetDocument(Model):
    """A database whose tables are checked, of any engine: what code that does not care about the engine may use.

    The model of each engine lists these fields itself, because the order of a model's fields is the order of its faults, of its
    schema and of its page. `parse_target` and `stored_target` return one of those models.
    """

    if TYPE_CHECKING:
        name: str
        adapter: Adapter
        max_concurrent_checks: int
        allow_functions: list[str]
        allow_arguments: Arguments

    @classmethod
    def identity_of(cls, document: Mapping[str, Any]) -> list[str]:
        """What names the checked database, in a fixed order: the server, the database, the role and so on. The document may be
        one that another release has stored."""
        raise NotImplementedError

    @property
    def database_hash(self) -> str:
        """Names what is checked: see `hash_of`."""
        return hash_of(self.identity_of(self.model_dump(mode="json")))

    @property
    def session_limits(self) -> SessionLimits:
        """The limits of the sessions of its checks."""
        raise NotImplementedError

    @property
    def dbt_database(self) -> str:
        """The `database` of its tables in a dbt project."""
        raise NotImplementedError

    @property
    def lineage_namespace(self) -> str:
        """The namespace of its tables by OpenLineage's naming."""
        raise NotImplementedError


class WithPassword(TargetDocument):
    """A target that asks for a password. Its document says where the password is."""

    if TYPE_CHECKING:
        password_env: str | None
        password_file: str | None
