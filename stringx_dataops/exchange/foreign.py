"""Files of other tools, read as these read them: YAML 1.1 with the line of each mapping and item, and JSON."""

import datetime
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from stringx_dataops.contract.documents.reading import MAX_DEPTH, decode
from stringx_dataops.contract.problems import Malformed
from stringx_dataops.exchange.model import Unreadable

MAX_YAML_BYTES = 8 * 1024 * 1024  # of one file
MAX_JSON_BYTES = 512 * 1024 * 1024  # of one file; a manifest of 10,000 models takes about 200 MB
MAX_VALUES = 1_000_000  # in one YAML document; an alias counts as the values that it repeats
MAX_FILES = 20_000  # below the paths that are given


class Mapping(dict[str, Any]):
    """A mapping of a YAML file: `line` is where it begins, `lines` where each key stands."""

    line: int = 1
    lines: dict[str, int]

    def line_of(self, key: str) -> int:
        """The line of a key; of the mapping if it has no such key."""
        return self.lines.get(key, self.line)


class Items(list[Any]):
    """A list of a YAML file: `lines` is where each item begins."""

    lines: list[int]


def line_of(value: Any, otherwise: int) -> int:
    """The line of a value of `read_yaml_file` that is a mapping; the other line for any other value."""
    return value.line if isinstance(value, Mapping) else otherwise


def files_below(paths: Iterable[Path], suffixes: Sequence[str], skipped: Sequence[str] = ()) -> list[Path]:
    """The files among the paths, and those below its folders that end as one of `suffixes`, sorted. Hidden folders and
    those named in `skipped` are left out. Raises Unreadable if a path does not exist."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(_files_of(path, suffixes, skipped)))
        elif path.exists():
            found[path] = None
        else:
            raise Unreadable(f"{path}: there is no such file or folder")
        if len(found) > MAX_FILES:
            raise Unreadable(f"{path}: holds more than {MAX_FILES:,} files; give a smaller folder")
    return list(found)


def _files_of(folder: Path, suffixes: Sequence[str], skipped: Sequence[str]) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise Unreadable(f"{folder}: cannot be read ({error.strerror})") from error
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            if entry.name not in skipped and not entry.name.startswith("."):
                yield from _files_of(entry, suffixes, skipped)
        elif entry.suffix.lower() in suffixes and entry.is_file():
            yield entry


def read_bytes(path: Path, most: int) -> bytes:
    """The content of a file of at most `most` bytes. Raises Unreadable."""
    try:
        with path.open("rb") as stream:
            body = stream.read(most + 1)
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read ({error.strerror})") from error
    if len(body) > most:
        raise Unreadable(f"{path}: is larger than {most // 1024 // 1024} MiB; split it")
    return body


def read_text(path: Path, most: int = MAX_YAML_BYTES) -> str:
    """The text of a UTF-8 file of at most `most` bytes. Raises Unreadable."""
    try:
        return decode(read_bytes(path, most), "the file", "save it as UTF-8")
    except Malformed as error:
        raise Unreadable(f"{path}:1: {error.detail}") from error


def read_json_file(path: Path) -> Any:
    """The value of a JSON file. Raises Unreadable with the line."""
    try:
        return json.loads(read_text(path, MAX_JSON_BYTES))
    except json.JSONDecodeError as error:
        raise Unreadable(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
    except (RecursionError, ValueError) as error:
        raise Unreadable(f"{path}:1: not JSON that can be read: nested too deeply, or a number that is too long") from error


def read_yaml_file(path: Path, core: bool = False) -> list[Any]:
    """Each document of a YAML file, except empty ones, by YAML 1.1, or 1.2 if `core`. Mappings are `Mapping`, lists `Items`, the
    rest Python's. Raises Unreadable."""
    text = read_text(path)
    try:
        _check_depth(text)
        loader = (_CoreLoader if core else _Loader)(text)
        try:
            documents = []
            while loader.check_node():
                node = cast(yaml.Node, loader.get_node())
                _count(node, {}, set())
                documents.append(loader.construct_document(node))
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Unreadable(f"{path}:{line}: not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise Unreadable(f"{path}:1: not YAML: {(str(error).splitlines() or ['it is nested too deeply'])[0]}") from error
    return [document for document in documents if document is not None]


class _Loader(yaml.CSafeLoader):
    """YAML 1.1 as PyYAML reads it, except that a key that stands twice is refused."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Iterator[Mapping]:
    fields = Mapping()
    fields.line, fields.lines = node.start_mark.line + 1, {}
    yield fields
    own = [_key(loader, key) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
    for name, (key, _) in zip(own, [pair for pair in node.value if pair[0].tag != "tag:yaml.org,2002:merge"], strict=True):
        if name in fields.lines:
            raise yaml.constructor.ConstructorError(None, None, f"the key {name!r} stands twice; keep one", key.start_mark)
        fields.lines[name] = key.start_mark.line + 1
    loader.flatten_mapping(node)
    for key, value in node.value:
        name = _key(loader, key)
        fields[name] = loader.construct_object(value, deep=True)
        fields.lines.setdefault(name, key.start_mark.line + 1)


def _key(loader: _Loader, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "a key must be a text", node.start_mark)
    return str(node.value)


def _items(loader: _Loader, node: yaml.SequenceNode) -> Iterator[Items]:
    items = Items()
    items.lines = [item.start_mark.line + 1 for item in node.value]
    yield items
    items.extend(loader.construct_object(item, deep=True) for item in node.value)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:seq", _items)


class _CoreLoader(_Loader):
    """The scalars of YAML 1.2 and dates: `yes`, `12:30` and `0123` are no boolean, no time and no octal number."""

    yaml_implicit_resolvers: dict[str, Any] = {}


def _whole(loader: _CoreLoader, node: yaml.ScalarNode) -> int:
    sign, digits = (-1, node.value[1:]) if node.value.startswith("-") else (1, node.value.lstrip("+"))
    base = {"0x": 16, "0o": 8, "0b": 2}.get(digits[:2].lower())
    return sign * (int(digits[2:], base) if base else int(digits))


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0b[01]+|0o[0-7]+|0x[0-9a-fA-F]+|[0-9]+)", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.[0-9]+(?:[eE][-+]?[0-9]+)?)|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+0123456789."),
    ),
    ("timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", list("0123456789")),
    ("merge", r"<<", ["<"]),
):
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)
_CoreLoader.add_constructor("tag:yaml.org,2002:int", _whole)


def _check_depth(text: str) -> None:
    """Raises a YAMLError for what is nested too deeply to be composed."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=_mark(event))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _mark(event: Any) -> yaml.Mark:
    return cast(yaml.Mark, event.start_mark)


def _count(node: yaml.Node, known: dict[int, tuple[int, int]], open_: set[int]) -> tuple[int, int]:
    """How many values a node expands to, and how deep. Raises a YAMLError beyond a limit, and for a recursive alias."""
    if id(node) in open_:
        raise yaml.MarkedYAMLError(problem="an alias stands within what it repeats", problem_mark=node.start_mark)
    if id(node) not in known:
        open_.add(id(node))
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            inner = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            inner = node.value
        counts = [_count(part, known, open_) for part in inner]
        known[id(node)] = (1 + sum(values for values, _ in counts), 1 + max((depth for _, depth in counts), default=0))
        open_.remove(id(node))
    values, depth = known[id(node)]
    if values > MAX_VALUES or depth > MAX_DEPTH + 1:
        words = f"more than {MAX_VALUES:,} values" if values > MAX_VALUES else f"nested deeper than {MAX_DEPTH} levels"
        raise yaml.MarkedYAMLError(problem=f"{words}; split it", problem_mark=node.start_mark)
    return values, depth


def jsonable(value: Any) -> Any:
    """The value with texts in place of dates, times, bytes and numbers that JSON lacks, as Python writes them."""
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [jsonable(item) for item in value]
    if isinstance(value, (datetime.date, datetime.time, bytes)):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
