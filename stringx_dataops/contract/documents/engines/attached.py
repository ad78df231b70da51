"""Further database files that the rules of a DuckDB target read beside its own tables: what they may be called."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import AfterValidator

from stringx_dataops.contract.ascii_case import folded
from stringx_dataops.contract.documents.fields import Matching

MOST_ATTACHED = 20
OWN_DATABASES = frozenset(("memory", "system", "temp", "main"))  # of DuckDB, and names that it takes for one
OWN_SCHEMAS = frozenset(("information_schema", "pg_catalog"))


def _name(name: str) -> str:
    if name in OWN_DATABASES | OWN_SCHEMAS or name.startswith("stringx"):
        raise ValueError("is a name of DuckDB's or of the service's own; choose another, such as ref")
    return name


Name = Annotated[
    str,
    Matching(
        r"[a-z][a-z0-9_]{0,62}",
        "is no name of a database; write 1 to 63 of a to z, 0 to 9 and _, with a letter in front, such as ref",
    ),
    AfterValidator(_name),
]


def require_other_files(attached: Mapping[str, str], path: str | None, database: str | None) -> None:
    """ValueError if a file is attached twice or is the target's own, which is at `path`, or has the name of its `database`."""
    names: dict[str, str] = {}
    for name, file in attached.items():
        if (other := names.setdefault(file, name)) != name:
            raise ValueError(f"names {file} twice, as {other} and {name}; keep one")
        if file == path:
            raise ValueError(f"names {file}, which is path, the target's own database; leave it out")
        if database is not None and name == folded(database):
            raise ValueError(f"names {name}, as DuckDB calls the target's own database by its file; choose another name")


def require_other_names(attached: Iterable[str], tables: Iterable[str]) -> None:
    """ValueError if a table is of a schema with the name of an attached database, which DuckDB could not tell from it."""
    for table in tables:
        for name in attached:
            if folded(table).startswith((f"{name}.", f'"{name}".')):
                raise ValueError(
                    f"names {table}, and {name} is a database under attach, which DuckDB could not tell from the schema: give it"
                    " another name there"
                )
