"""Targets of DuckDB: a database file, or files of Parquet and CSV, on the machine of the workers or on S3."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from stringx_dataops.contract.ascii_case import folded
from stringx_dataops.contract.documents.engines import attached
from stringx_dataops.contract.documents.engines.base import ConcurrentChecks, NewName, TargetDocument, require_own_folder
from stringx_dataops.contract.documents.engines.csv_files import CSV_DEFAULTS, CsvFiles
from stringx_dataops.contract.documents.engines.s3 import DEFAULT_REGION, S3, checked_object, is_object
from stringx_dataops.contract.documents.fields import AtMost, Matching, Table, Whole
from stringx_dataops.contract.gate_test.specification import SessionLimits

MEMORY = ":memory:"
FORMATS = {".parquet": "parquet", ".csv": "csv", ".csv.gz": "csv"}  # the reader of a file, by the end of its name
MOST_LOCATIONS = 1000
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!memory:$)")
_WILDCARD = re.compile(r"[*?\[]")
_STORAGE = "{region: eu-central-1, credentials_file: credentials}"
_IDENTITY: dict[str, Any] = {"adapter": "duckdb", "path": MEMORY, "locations": {}}  # of CSV files only if there are any


def format_of(pattern: str) -> str | None:
    """The reader of the files that a location names; None if none fits."""
    return next((reader for end, reader in FORMATS.items() if pattern.endswith(end)), None)


def has_wildcard(pattern: str) -> bool:
    """Whether the text may name several files."""
    return _WILDCARD.search(pattern) is not None


def _path(text: str, such_as: str = "/data/shop.duckdb") -> str:
    """An absolute path of this machine, spelled in one way only."""
    if _ADDRESS.match(text):
        raise ValueError(
            "is an address; DuckDB reads files of the workers' machine, and under locations objects of S3, such as"
            " s3://lake/orders/*.parquet: HTTP, Google Cloud Storage, Azure and MotherDuck are not supported"
        )
    if not text.startswith("/"):
        raise ValueError(f"is no absolute path; begin with /, such as {such_as}")
    parts = text.removesuffix("/").split("/")[1:]
    if not all(parts) or {".", ".."} & set(parts):
        raise ValueError(f"holds .. or . or an empty part; write the path without them, such as {such_as}")
    if not text.isprintable() or "\\" in text:
        raise ValueError("holds a character that cannot be printed, or a backslash")
    return text.removesuffix("/")


def _file(text: str) -> str:
    if text == MEMORY:
        return text
    if has_wildcard(_path(text)):
        raise ValueError("is the path of one database file, without * ? and [; files of Parquet go under locations")
    if format_of(text) is not None:
        raise ValueError("is the path of a database file; files of Parquet go under locations, of CSV under csv_locations")
    return text


def _attached(text: str) -> str:
    if text == MEMORY:
        raise ValueError("is no file; write the path of a database file, such as /data/reference.duckdb")
    return _file(text)


def database_of(path: str) -> str:
    """The database, as DuckDB names it by its file."""
    return "memory" if path == MEMORY else path.rpartition("/")[2].lstrip(".").split(".")[0]


def _folder(text: str) -> str:
    path = _path(text, "/data/orders")
    if has_wildcard(path):
        raise ValueError("is a folder, without * ? and [")
    return path


def _files(text: str, reader: str) -> str:
    checked_object(text) if is_object(text) else _path(text, f"/data/orders/*.{reader}, or with s3://")
    if "**" in text:
        raise ValueError(f"holds **; write one * per folder, such as /data/orders/*/*.{reader}")
    return text


def _location(text: str) -> str:
    _files(text, "parquet")
    if format_of(text) == "csv":
        raise ValueError("names files of CSV, which have no types: they go under csv_locations, with a type for each column")
    if format_of(text) is None:
        raise ValueError("names no files of Parquet: end it with .parquet")
    return text


def _csv_files(location: CsvFiles) -> CsvFiles:
    _files(location.files, "csv")
    if format_of(location.files) != "csv":
        raise ValueError("names no files of CSV: end files with .csv or .csv.gz")
    return location


def _require_no_file(locations: Mapping[str, object], info: ValidationInfo) -> None:
    if locations and info.data.get("path") not in (MEMORY, None):
        raise ValueError("and path are both given; a target is either a database file or files: make two targets")


def _require_storage(table: str, location: str, info: ValidationInfo) -> None:
    if is_object(location) and info.data.get("s3", ...) is None:
        raise ValueError(f"has {table} on S3, and the target says nothing of the storage: give s3, such as {_STORAGE}")


def _none(functions: list[str]) -> list[str]:
    if functions:
        raise ValueError("must be empty on duckdb: custom SQL calls built-in functions only")
    return functions


_Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
_File = Annotated[_Text, AfterValidator(_file)]
_Attached = Annotated[_Text, AfterValidator(_attached)]
_Folder = Annotated[_Text, AfterValidator(_folder)]
_Location = Annotated[_Text, AfterValidator(_location)]
_CsvLocation = Annotated[CsvFiles, AfterValidator(_csv_files)]
_Memory = Annotated[str, Matching(r"[0-9]{1,6}(MB|GB)", "is no amount of memory; write a number with MB or GB, such as 2GB")]


class DuckdbTarget(TargetDocument):
    """A database file of DuckDB, or files as tables: read only, and only what DUCKDB_FOLDERS and DUCKDB_BUCKETS list."""

    apiVersion: Literal["stringx/v1"]
    kind: Literal["Target"]
    name: NewName
    adapter: Literal["duckdb"]
    path: _File = MEMORY
    attach: Annotated[dict[attached.Name, _Attached], Field(max_length=attached.MOST_ATTACHED)] = {}
    s3: S3 | None = None
    csv_locations: Annotated[dict[Table, _CsvLocation], Field(max_length=MOST_LOCATIONS)] = {}
    locations: Annotated[dict[Table, _Location], Field(max_length=MOST_LOCATIONS, validate_default=True)] = {}
    allow_paths: Annotated[list[_Folder], AtMost(100)] = []
    memory_limit: _Memory = "2GB"
    threads: Annotated[Whole, Field(ge=1, le=256)] = 2
    max_concurrent_checks: ConcurrentChecks = 4
    allow_functions: Annotated[list[str], AfterValidator(_none)] = []
    allow_arguments: Literal["checked"] = "checked"

    @field_validator("attach")
    @classmethod
    def _beside_the_own(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        path = info.data.get("path")  # None if it has a fault of its own
        attached.require_other_files(value, path, None if path is None else database_of(path))
        return value

    @field_validator("s3")
    @classmethod
    def _of_this_target(cls, value: S3 | None, info: ValidationInfo) -> S3 | None:
        if value is not None:
            require_own_folder(value.credentials_file, info)
        return value

    @field_validator("csv_locations")
    @classmethod
    def _of_csv_instead_of_a_file(cls, value: dict[str, CsvFiles], info: ValidationInfo) -> dict[str, CsvFiles]:
        _require_no_file(value, info)
        attached.require_other_names(info.data.get("attach", ()), value)
        for table, each in value.items():
            _require_storage(table, each.files, info)
        return value

    @field_validator("locations")
    @classmethod
    def _instead_of_a_file(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        of_csv = info.data.get("csv_locations")  # None if it has a fault of its own
        _require_no_file(value, info)
        if not value and of_csv == {} and info.data.get("path") == MEMORY:
            beside = "; attach names files that rules read beside them" if info.data.get("attach") else ""
            raise ValueError(
                "names no data: give the path of a database file, or files by their tables: of Parquet under locations, of CSV"
                f" under csv_locations{beside}"
            )
        attached.require_other_names(info.data.get("attach", ()), value)
        for table, location in value.items():
            _require_storage(table, location, info)
        places = [*value.values(), *(each.files for each in (of_csv or {}).values())]
        if info.data.get("s3") is not None and of_csv is not None and not any(map(is_object, places)):
            raise ValueError("s3 is given, and nothing lies on S3: leave it out, or begin a location with s3://")
        spelled: dict[str, str] = {}
        for table in (*(of_csv or ()), *value):
            if (other := spelled.setdefault(folded(table), table)) != table:
                raise ValueError(f"names {other} and {table}, which are one table for DuckDB")
        return value

    @field_validator("allow_paths")
    @classmethod
    def _of_a_file(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if value and info.data.get("path") == MEMORY:
            raise ValueError("are for the views of a database file; locations are read without it")
        return value

    @classmethod
    def identity_of(cls, document: Mapping[str, Any]) -> list[str]:
        """The database file, or each table's files and the server of those on S3; the databases that are attached."""
        named = {name: document.get(name) or default for name, default in _IDENTITY.items()}
        of_csv = {table: CSV_DEFAULTS | dict(each) for table, each in (document.get("csv_locations") or {}).items()}
        parts = [named["locations"], of_csv] if of_csv else [named["locations"]]
        if document.get("s3"):
            endpoint, region = document["s3"].get("endpoint"), document["s3"].get("region") or DEFAULT_REGION
            parts.append({"endpoint": endpoint} if endpoint else {"endpoint": None, "region": region})  # names are of partitions
        if document.get("attach"):
            parts.append({"attach": dict(document["attach"])})
        return [
            str(named["adapter"]),
            str(named["path"]),
            *(json.dumps(part, ensure_ascii=False, sort_keys=True) for part in parts),
        ]

    @property
    def session_limits(self) -> SessionLimits:
        """None: what it uses is limited for the whole process, and nothing is locked."""
        return {
            "lock_timeout_ms": 0,
            "replay_timeout_ms": None,
            "work_mem": None,
            "max_parallel_workers_per_gather": None,
        }

    @property
    def dbt_database(self) -> str:
        """The catalog."""
        return database_of(self.path)

    @property
    def lineage_namespace(self) -> str:
        """The file; of several files the target, as OpenLineage has no name for them."""
        return f"duckdb://{self.name if self.path == MEMORY else self.path}"
