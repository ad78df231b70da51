"""`dataops profile --suggest FILE`: the document of a table with suggested rules, each below its reason."""

import os
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stringx_dataops.answers import Raw
from stringx_dataops.cli.output import one_line
from stringx_dataops.cli.rules.checking import load_catalogue
from stringx_dataops.client import Client, Refused, path_of
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.documents.reading import decode
from stringx_dataops.contract.documents.yaml_adding import with_rules
from stringx_dataops.contract.documents.yaml_reading import read_yaml
from stringx_dataops.contract.documents.yaml_writing import table_as_yaml
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import StringXError
from stringx_dataops.profiles import TableProfile

_WIDTH = 118  # of a comment
_LARGEST = 1024 * 1024  # bytes of a file


def require_writable(path: Path, target: str, table: str, force: bool) -> None:
    """Refused if the file cannot be written, or holds something else than a document of this table and `force` is not given:
    before anything is measured."""
    if not path.absolute().parent.is_dir():
        raise Refused([f"{path}: there is no folder {path.absolute().parent}"])
    if path.exists() and not force:
        _document_of(path, target, table)


def write(client: Client, path: Path, found: TableProfile, force: bool) -> int:
    """Write the document with the suggestions that it does not have; returns their number. A file of this table stays as it is
    written, with its comments; otherwise the document is the stored one, or a new one."""
    text, document = _base(client, path, found, force)
    ids = {rule.get("id") for rule in document.get("rules") or () if isinstance(rule, dict)}
    added = [each for each in found.suggestions if each["id"] not in ids]
    _put(path, _with(text, document, added))
    return len(added)


def _base(client: Client, path: Path, found: TableProfile, force: bool) -> tuple[str, JsonObject]:
    """The text that rules are added to, and its document."""
    if path.exists():
        try:
            return _document_of(path, found.target, found.table)
        except Refused:
            if not force:
                raise
    answer = client.exchange("GET", path_of("tables", found.target, found.table), accepts=(404,))
    document: JsonObject = {"apiVersion": "stringx/v1", "target": found.target, "table": found.table}
    if answer.status != 404 and isinstance(answer.content, dict):
        document = answer.content
    return table_as_yaml(document, load_catalogue()), document


def _document_of(path: Path, target: str, table: str) -> tuple[str, JsonObject]:
    """The text of a file that holds one document of this table; Refused for any other."""
    try:
        if path.stat().st_size > _LARGEST:
            raise Refused([f"{path}: is larger than {_LARGEST // 2**20} MiB; name another file, or give --force"])
        text = decode(path.read_bytes())
        values: list[Any] = read_yaml(text.encode())
    except OSError as error:
        raise Refused([f"{path}: cannot be read ({error.strerror})"]) from error
    except StringXError as error:
        raise Refused([f"{path}: is no YAML; name another file, or give --force to replace it"]) from error
    (document,) = values if len(values) == 1 else (None,)
    is_same = isinstance(document, dict) and document.get("kind", "Table") == "Table" and document.get("target") == target
    if not is_same or not isinstance(document, dict) or _name(document.get("table")) != _name(table):
        raise Refused([f"{path}: holds something else than the document of {table}; name another file, or give --force"])
    return text, document


def _name(table: object) -> TableName | None:
    try:
        return TableName.parse(str(table))
    except ValueError:
        return None


def _with(text: str, document: JsonObject, added: Sequence[Raw]) -> str:
    if not added:
        return text
    items = "".join(_items(added))
    rules = [dict(each["rule"]) for each in added]
    found = with_rules(text, items, rules)
    if found is None:  # its rules are written in one line, or the like
        plain = table_as_yaml(document, load_catalogue())
        found = with_rules(plain, items, rules) or table_as_yaml(
            document | {"rules": [*(document.get("rules") or ()), *rules]}, load_catalogue()
        )
    return found


def _items(added: Sequence[Raw]) -> Iterator[str]:
    """Each as an item of a list, below its reason."""
    for each in added:
        yield "\n"
        for line in textwrap.wrap(one_line(str(each["reason"])), _WIDTH):
            yield f"  # {line}\n"
        yield str(each["yaml"])


def _put(path: Path, text: str) -> None:
    """Replace the file as a whole."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Refused([f"{path}: cannot be written ({error.strerror})"]) from error
