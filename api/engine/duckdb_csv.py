"""Views of CSV files whose values are read strictly: DuckDB itself would round `5.5` beside a whole number to 6, and take a day
with a time for the day. `duckdb_views` makes them."""

import csv
import gzip
import os
import zlib
from functools import partial
from typing import Any, BinaryIO, cast

from api.engine.duckdb_quoting import name_of, text_of, texts_of
from api.engine.s3_faults import StorageFault
from api.engine.side_by_side import looks
from stringx_dataops.contract.documents.engines.csv_files import digits_of
from stringx_dataops.contract.documents.engines.s3 import is_object

# Begins the error about a text that is no value of its column's type. What follows may be shown.
WRONG = "stringx_wrong_text "
_MOST_HEADER_BYTES = _CHUNK_BYTES = 1024 * 1024
_DAY, _TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}", "[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?"
_ZONE = "(Z|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)"
# DuckDB takes further values of a line for none, if they are NULL: so it finds no NULL itself.
_NO_NULL = "\x01\x02 stringx finds NULL itself \x02\x01"
_WHOLE = "[+-]?[0-9]{1,40}"
# What a text must look like, beside what DuckDB's cast then refuses, such as the 30th of February.
_PATTERNS = {
    "boolean": "true|false|TRUE|FALSE|True|False",
    "smallint": _WHOLE,
    "integer": _WHOLE,
    "bigint": _WHOLE,
    "double": "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?|NaN|[+-]?Infinity",
    "date": _DAY,
    "time": _TIME,
    "timestamp": f"{_DAY}[ T]{_TIME}",
    "timestamptz": f"{_DAY}[ T]{_TIME}{_ZONE}",
    "uuid": "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
}


class NotAsListed(Exception):
    """A file's header line is not as the target lists its columns; the text is one line."""


class _LoneReturns(Exception):
    """A file's lines do not end with LF."""


def query(location: dict[str, Any]) -> str:
    """A SELECT of the columns of a location, each with its type, in the order of the first file. Another file may have them in an
    order of its own, which its header line says: DuckDB passes over that line. Raises NotAsListed."""
    by_order: dict[tuple[str, ...], list[str]] = {}
    files = location["files"]
    for file, order in zip(files, looks(partial(_order, location), files), strict=True):
        by_order.setdefault(order, []).append(file)
    null = text_of(location["null_text"])
    first, types = next(iter(by_order)), location["columns"]
    values = ", ".join(f"{_value(name, types[name], null)} as {name_of(name)}" for name in first)
    return " union all ".join(f"select {values} from {_reader(order, files, location)}" for order, files in by_order.items())


def _reader(order: tuple[str, ...], files: list[str], location: dict[str, Any]) -> str:
    columns = ", ".join(f"{text_of(name)}: 'VARCHAR'" for name in order)
    return (
        f"read_csv({texts_of(files)}, auto_detect = false, header = true, columns = {{{columns}}},"
        f" delim = {text_of(location['delimiter'])}, quote = '\"', escape = '\"', nullstr = {text_of(_NO_NULL)},"
        f" strict_mode = true, ignore_errors = false, null_padding = false, hive_partitioning = false)"
    )


def _order(location: dict[str, Any], file: str) -> tuple[str, ...]:
    """The columns in the order of a file."""
    try:
        found = _header(file, location["delimiter"])
    except StorageFault as fault:
        raise NotAsListed(str(fault)) from fault
    except (OSError, EOFError, zlib.error) as error:
        damaged = "it is damaged" if file.endswith(".gz") else type(error).__name__
        why = "it was removed" if isinstance(error, FileNotFoundError) else damaged
        raise NotAsListed(f"{file} cannot be read: {why}") from error
    except UnicodeDecodeError as error:
        raise NotAsListed(f"the first line of {file} is not in UTF-8") from error
    except _LoneReturns as error:
        raise NotAsListed(f"{file} ends its lines with CR alone; end each with LF, or each with CRLF") from error
    except csv.Error as error:
        raise NotAsListed(
            f"the first line of {file} has signs between a quote and the delimiter {location['delimiter']}, such as blanks or"
            " another delimiter, or a quote without an end"
        ) from error
    if (words := _fault_of_header(found, list(location["columns"]), location["delimiter"])) is not None:
        raise NotAsListed(f"the first line of {file} {words}")
    return tuple(found)


def _fault_of_header(found: list[str], expected: list[str], delimiter: str) -> str | None:
    """How a header differs from the columns that are listed, as the end of a sentence. A name that is not listed is not shown, as
    it is a value if there is no header."""
    other = next((place for place, name in enumerate(found, 1) if name not in expected), None)
    if other is not None and len(found) == 1:
        return f"is one text, without the delimiter {delimiter}; correct delimiter, or the file"
    if (twice := next((name for name in found if name in expected and found.count(name) > 1), None)) is not None:
        return f"has the column {twice} twice"
    if (missing := next((name for name in expected if name not in found), None)) is not None:
        return f"lacks the column {missing}" + (f"; it has something else at place {other}" if other is not None else "")
    return f"has something else than a listed column at place {other}" if other is not None else None


def _header(file: str, delimiter: str) -> list[str]:
    """The names in the first line of a file. Raises UnicodeDecodeError, _LoneReturns and csv.Error."""
    with _opened(file) as opened:
        if file.endswith(".gz"):
            with gzip.open(opened) as unpacked:
                line = unpacked.readline(_MOST_HEADER_BYTES)
                while unpacked.read(_CHUNK_BYTES):  # to its checksum, which DuckDB does not look at
                    pass
        else:
            line = opened.readline(_MOST_HEADER_BYTES)
    text = line.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    if "\r" in text:
        raise _LoneReturns
    return next(csv.reader([text], delimiter=delimiter, strict=True), [])


def _opened(file: str) -> BinaryIO:
    """A file, or an object, from its beginning on."""
    if is_object(file):
        from api.engine.duckdb_objects import registered  # here, because other targets need no package for objects

        return cast(BinaryIO, registered().reader(file))
    return os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW), "rb")


def _value(name: str, type_name: str, null: str) -> str:
    """The value of a column; an error that names the column where a text is none of its type. `null` stands for NULL."""
    column = name_of(name)
    if type_name == "text":
        return f"nullif({column}, {null})"
    value = f"try_cast({column} as {type_name})"
    fits = f"system.main.regexp_full_match({column}, {text_of(_pattern(type_name))}) and {value} is not null"
    if type_name == "double":  # nothing is rounded to infinity or to zero
        fits += f" and (not system.main.isinf({value}) or system.main.contains({column}, 'Infinity'))"
        fits += f" and ({value} <> 0 or not system.main.regexp_matches({column}, '^[^eE]*[1-9]'))"
    elif type_name in ("date", "timestamp", "timestamptz"):
        fits += f" and not system.main.starts_with({column}, '0000')"
    # The text is the column's, so DuckDB does not compute the error in advance.
    words = f"{text_of(f'{WRONG}column {name} holds a text that is no {type_name}')} || system.main.left({column}, 0)"
    return f"case when {column} = {null} then null when {fits} then {value} else system.main.error({words}) end"


def _pattern(type_name: str) -> str:
    digits = digits_of(type_name)
    if digits is None:
        return _PATTERNS[type_name]
    before, behind = digits[0] - digits[1], digits[1]
    whole = f"0*[0-9]{{1,{before}}}" if before else "0+"
    return f"[+-]?{whole}([.][0-9]{{1,{behind}}}0*)?" if behind else f"[+-]?{whole}"
