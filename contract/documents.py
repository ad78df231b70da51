"""Reading JSON and YAML strictly: no duplicate keys, no NaN, no NUL, bounded depth and size.

YAML is read with the scalars of its version 1.2, so that `no`, `12:30` and `2013-01-01` stay the texts they are. A number or
word that JSON would write in another way than it was written (`02134`, `1.10`, `True`) is a `Plain`, which keeps both.
"""

import codecs
import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from contract.problems import FieldError, Malformed, invalid

MAX_BODY_BYTES = 1024 * 1024
MAX_STREAM_BYTES = 32 * MAX_BODY_BYTES  # of a YAML stream: 10,000 tables with 20 rules each are 13 to 18 MB
MAX_DEPTH = 64
MAX_NODES = 500_000  # a YAML alias may repeat a subtree without end; what it expands to is counted
_MARKS = (  # those of UTF-32 first: one of them begins as one of UTF-16
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def decode(body: bytes) -> str:
    """The text of a body in UTF-8, without the byte order mark that some editors write first; Malformed for any other coding."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        for mark, name in _MARKS:
            if body.startswith(mark):
                raise Malformed(f"the body begins with the byte order mark of {name}; send UTF-8") from error
        raise Malformed(f"the body is not UTF-8 (byte {error.start}); send UTF-8") from error


_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,14}")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,14})[.][0-9]{0,14}[1-9]")


class Plain(str):
    """A number, boolean or null as it was written, where its own JSON text would be another one.

    By the place where it stands `contract.written` takes the text, or `core`, the value that YAML 1.2 and JSON give it. `line`
    is known of YAML alone.
    """

    __slots__ = ("core", "line")

    core: int | float | bool | None
    line: int | None

    def __new__(cls, text: str, core: int | float | bool | None, line: int | None = None) -> "Plain":
        made = super().__new__(cls, text)
        made.core, made.line = core, line
        return made


def _integer(text: str, line: int | None = None) -> int | Plain:
    return int(text) if _INTEGER.fullmatch(text) else Plain(text, int(text), line)


def _decimal(text: str, line: int | None = None) -> float | Plain:
    """A float only where it is exact and has no other text: up to 15 digits, none of them superfluous."""
    value = float(text)
    exact = _DECIMAL.fullmatch(text) and len(text) <= 16 and repr(value) == text
    return value if exact else Plain(text, value, line)


def read_json(body: bytes) -> Any:
    """The value of a JSON body; Malformed where it is none, Invalid where PostgreSQL could not hold it."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise Malformed(f"the field {key!r} stands twice in the JSON body; keep one")
            found[key] = value
        return found

    def no_constant(text: str) -> NoReturn:
        raise Malformed(f"{text} is no JSON; leave the field out or write a number")

    try:
        value = json.loads(
            decode(body),
            object_pairs_hook=unique,
            parse_constant=no_constant,
            parse_int=_integer,
            parse_float=_decimal,
        )
    except json.JSONDecodeError as error:
        raise Malformed(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except (RecursionError, ValueError) as error:
        raise Malformed("the body is nested too deeply or holds a number that is too long") from error
    check_value(value)
    return value


class _Loader(yaml.CSafeLoader):
    """YAML 1.2 core scalars, no duplicate keys, and the merge key `<<`."""

    merged = 0  # fields that merge keys brought into the document

    def construct_document(self, node: yaml.Node) -> Any:
        self.merged = 0
        return super().construct_document(node)


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    merged: dict[str, Any] | None = None
    for key_node, value_node in node.value:
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
        is_merge = key == "<<" and not key_node.style
        if key is None or (merged is not None if is_merge else key in found):
            what = "a key must be a text" if key is None else f"the field {key!r} stands twice"
            raise Malformed(f"line {_line(key_node)}: {what}")
        if is_merge:
            merged = _merged(loader, value_node)
        else:
            found[key] = loader.construct_object(value_node, deep=True)
    return found if merged is None else merged | found


def _merged(loader: _Loader, node: yaml.Node) -> dict[str, Any]:
    """The fields of the mapping under `<<`, or of a list of them, of which the first wins."""
    value = loader.construct_object(node, deep=True)
    found: dict[str, Any] = {}
    for source in value if isinstance(value, list) else [value]:
        if not isinstance(source, dict):
            raise Malformed(f"line {_line(node)}: << takes a mapping, or a list of mappings")
        loader.merged += len(source) + 1
        if loader.merged > MAX_NODES:
            raise Malformed("the body expands to too many values; split it")
        for key, item in source.items():
            found.setdefault(key, item)
    return found


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


def _construct_word(_: _Loader, node: yaml.ScalarNode) -> bool | Plain | None:
    """true, false and null as JSON writes them; others, such as True or ~, with their text."""
    text = node.value
    core = _WORDS[text.lower()]
    return core if text in ("", "null", "true", "false") else Plain(text, core, _line(node))


_Loader.yaml_constructors = {  # a tag such as !!timestamp or !!binary makes what JSON does not have
    tag: constructor
    for tag, constructor in _Loader.yaml_constructors.items()
    if tag is None or tag.rpartition(":")[2] in ("null", "bool", "str", "seq")
}
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), [*_first.replace("\0", ""), ""])
_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
_Loader.add_constructor("tag:yaml.org,2002:null", _construct_word)
_Loader.add_constructor("tag:yaml.org,2002:bool", _construct_word)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: _integer(node.value, _line(node)))
_Loader.add_constructor("tag:yaml.org,2002:float", lambda _, node: _decimal(node.value, _line(node)))


def read_yaml(body: bytes) -> list[Any]:
    """Every document of a YAML stream, empty ones left out; Malformed names the line where reading ended."""
    try:
        text = decode(body)
        _check_depth(text)
        documents = [item for item in yaml.load_all(text, Loader=_Loader) if item is not None]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Malformed(f"line {line}: not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Malformed(f"not YAML: {str(error).splitlines()[0]}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise Malformed("not YAML: a tag does not fit its value; leave the tag out") from error
    for document in documents:
        check_value(document)
    return documents


def _check_depth(text: str) -> None:
    """Malformed where it is nested too deeply, before loading, whose recursion in C ends the process; or where one document holds
    too many values, as loading takes a thousand times their bytes."""
    depth = count = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        count = 0 if isinstance(event, yaml.DocumentStartEvent) else count + 1
        if count > MAX_NODES:
            raise Malformed("a document holds too many values; split it")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise Malformed(f"the body is nested deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def check_value(value: Any) -> None:
    """Invalid for what neither JSON nor PostgreSQL can hold: NUL, lone surrogates, NaN, too deep, too large."""
    errors: list[FieldError] = []
    for count, (pointer, leaf, depth) in enumerate(_walk(value, "", 0)):
        if count > MAX_NODES:
            raise Malformed("the body expands to too many values; split it")
        if depth > MAX_DEPTH:
            raise Malformed(f"the body is nested deeper than {MAX_DEPTH} levels")
        if fault := _fault(leaf):
            errors.append(FieldError(pointer, fault))
    if errors:
        raise invalid(errors)


def _fault(leaf: Any) -> str | None:
    if isinstance(leaf, str):
        if "\x00" in leaf:
            return "contains a NUL character, which PostgreSQL cannot hold"
        if any("\ud800" <= char <= "\udfff" for char in leaf):
            return "contains half of a surrogate pair; send valid Unicode"
    value = leaf.core if isinstance(leaf, Plain) else leaf
    if isinstance(value, float) and not math.isfinite(value):
        return "is no finite number"
    return None


def _walk(value: Any, pointer: str, depth: int) -> Iterator[tuple[str, Any, int]]:
    yield pointer, value, depth
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield pointer, key, depth
            yield from _walk(item, f"{pointer}/{escape_pointer(key)}", depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, f"{pointer}/{index}", depth + 1)


def escape_pointer(part: str | int) -> str:
    """One reference token of a JSON pointer (RFC 6901)."""
    return str(part).replace("~", "~0").replace("/", "~1")
