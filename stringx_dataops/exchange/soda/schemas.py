"""Schema checks: the columns that must be there, and their types."""

import re
from typing import Any, Literal

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.making import Check, Maker
from stringx_dataops.exchange.soda.lines import NotUnderstood
from stringx_dataops.exchange.soda.validity import whole
from stringx_dataops.exchange.sql import literal

# Types as PostgreSQL's information_schema names them, with which Soda compares, and those that it takes for the same.
_NAMES = frozenset(
    [
        *(
            "integer",
            "bigint",
            "smallint",
            "text",
            "character varying",
            "character",
            "boolean",
            "date",
            "numeric",
            "real",
            "uuid",
        ),
        *(
            "double precision",
            "timestamp without time zone",
            "timestamp with time zone",
            "time without time zone",
            "xml",
            "money",
        ),
        *("time with time zone", "json", "jsonb", "bytea", "interval", "inet", "cidr", "macaddr"),
    ]
)
_SAME = {
    "varchar": ["character varying"],
    "text": ["text", "character varying"],
    "character varying": ["character varying", "text"],
    "decimal": ["double precision"],
    "numeric": ["numeric", "double precision"],
    "double precision": ["double precision", "numeric"],
    "timestamp": ["timestamp without time zone"],
    "timestamptz": ["timestamp with time zone"],
}
_SYNONYMS = {"int": "integer", "int4": "integer", "decimal": "numeric", "timestamp": "timestamp without time zone"}
_REQUIRED, _FORBIDDEN = "when required column missing", "when forbidden column present"
_TYPES, _EXACT, _OPTIONAL = "when wrong column type", "when mismatching columns", "with optional columns"


def add_schema(maker: Maker, check: Check, configuration: JsonObject) -> None:
    """Rules for a schema check, one per column type and one for the names. What no rule says is lost."""
    for key in configuration:
        if key not in ("name", "fail", "warn", "attributes", "identity"):
            raise NotUnderstood(f"the configuration {key!r} has no meaning here")
    if not any(configuration.get(key) for key in ("fail", "warn")):
        raise NotUnderstood("says neither in `fail` nor in `warn` what is wanted of the columns")
    severities: tuple[tuple[str, Literal["error", "warn"]], ...] = (("fail", "error"), ("warn", "warn"))
    for key, severity in severities:
        wanted = configuration.get(key)
        if wanted is None:
            continue
        if not isinstance(wanted, dict) or set(wanted) == {_OPTIONAL}:
            raise NotUnderstood(f"`{key}` must hold what is wanted of the columns")
        for name, value in wanted.items():
            try:
                _add(maker, check, name, value, wanted, severity)
            except NotUnderstood as error:
                maker.collector.lose(check.place, f"schema: {name}: {error}")


def _add(maker: Maker, check: Check, name: str, value: Any, wanted: JsonObject, severity: Literal["error", "warn"]) -> None:
    if name == _REQUIRED:
        _columns(maker, check, _texts(value), "contains", severity)
    elif name == _TYPES:
        types = _types(value)
        _columns(maker, check, list(types), "contains", severity)
        _add_types(maker, check, types, severity)
    elif name == _EXACT:
        types = _types(value)
        if wanted.get(_OPTIONAL):
            _columns(maker, check, [column for column in types if column not in _texts(wanted[_OPTIONAL])], "contains", severity)
            raise NotUnderstood("columns beside the optional ones are not looked for, nor the types of any")
        _columns(maker, check, list(types), "exact", severity)
        _add_types(maker, check, types, severity)
    elif name == _FORBIDDEN:
        _forbidden(maker, check, _texts(value), severity)
    elif name != _OPTIONAL or _EXACT not in wanted:
        raise NotUnderstood("no rule says it")


def _columns(maker: Maker, check: Check, names: list[str], mode: str, severity: str) -> None:
    if names:
        warns = {"severity": "warn"} if severity == "warn" else {}
        named = Check(check.table, check.place, check.name or "columns", check.description)
        maker.plain(named, type="columns", arguments={"names": list(dict.fromkeys(names)), "mode": mode}, **warns)


def _forbidden(maker: Maker, check: Check, names: list[str], severity: Literal["error", "warn"]) -> None:
    """A row per column that begins as one of the names. As in Soda, * stands for anything, and % for at least one character."""
    if odd := next((name for name in names if not re.fullmatch(r"[\w%*]+", name)), None):
        raise NotUnderstood(f"the name {odd!r} is more than letters, digits, %, and *")
    if names:
        pattern = f"^({'|'.join(name.replace('%', '.*').replace('*', '.*') for name in names)})"
        where = f"table_schema = {literal(check.table.schema)} and table_name = {literal(check.table.name)}"
        query = f"select column_name from information_schema.columns where {where} and column_name ~ {literal(pattern)}"
        maker.query(Check(check.table, check.place, check.name or "forbidden_columns", check.description), query, severity)


def _add_types(maker: Maker, check: Check, types: dict[str, str | None], severity: str) -> None:
    warns = {"severity": "warn"} if severity == "warn" else {}
    for column, wanted in types.items():
        if wanted is None:
            continue
        name = " ".join(wanted.lower().split())
        found = _SAME.get(name, [name] if name in _NAMES else None)
        if found is None:
            maker.collector.lose(
                check.place, f"schema: the type {wanted!r} of {column} is none that Soda finds in PostgreSQL's information_schema"
            )
            continue
        named = Check(check.table, check.place, f"{column}_type", check.description)
        maker.plain(named, type="column_type", column=column, arguments={"types": found}, **warns)


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise NotUnderstood("must hold a list of columns")
    return value


def _types(value: Any) -> dict[str, str | None]:
    if not isinstance(value, dict) or not value or not all(item is None or isinstance(item, str) for item in value.values()):
        raise NotUnderstood("must hold a type for each column")
    return value


def type_of(column: JsonObject) -> str:
    """The type of a contract's column, with its length or precision if that is given. Raises NotUnderstood."""
    name = " ".join(str(column["data_type"]).lower().split())
    name = _SYNONYMS.get(name, name)
    size = {
        key: whole(key, column[key])
        for key in ("character_maximum_length", "numeric_precision", "numeric_scale", "datetime_precision")
        if column.get(key) is not None
    }
    if not size:
        return name
    if set(size) == {"character_maximum_length"}:
        return f"{name}({size['character_maximum_length']})"
    if set(size) == {"numeric_precision", "numeric_scale"}:
        return f"{name}({size['numeric_precision']},{size['numeric_scale']})"
    if set(size) == {"datetime_precision"} and (found := re.fullmatch(r"(time|timestamp)( with(?:out)? time zone)?", name)):
        return f"{found[1]}({size['datetime_precision']}){found[2] or ''}"
    raise NotUnderstood("a precision without a scale, or the other way round, is not taken up")
