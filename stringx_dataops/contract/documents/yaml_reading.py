"""Reads YAML strictly, with the scalars of YAML 1.2, so that `no`, `12:30` and `2013-01-01` stay texts.

Duplicate keys are refused. An alias counts as much as the values that it repeats.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import yaml

from stringx_dataops.contract.documents.plain import Plain, decimal_of, integer_of
from stringx_dataops.contract.documents.reading import MAX_BODY_BYTES, MAX_DEPTH, MAX_NODES, MAX_PATH, check_value, decode
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import Malformed

MAX_REPEATED = 2 * MAX_BODY_BYTES  # characters that the aliases of one document repeat
MAX_DOCUMENTS = 50_000  # in a YAML stream
_STANDARD = "tag:yaml.org,2002:"
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_NUMBERS = "-+.0123456789"
_WHOLE = re.compile(r"[-+]?[0-9]+")
_FRACTION = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPELLED = frozenset(spelling for word in _WORDS for spelling in (word, word.capitalize(), word.upper()))
_TAG_DIRECTIVE = re.compile(r"^%TAG", re.MULTILINE)
_YAML_LINE = re.compile("[^\r\n\x85\u2028\u2029]*(?:\r\n|[\r\n\x85\u2028\u2029]|\\Z)")  # as libyaml counts them
_MOST_TAG_DIRECTIVES = 16  # libyaml compares each with all before it, which takes quadratic time


class _Reader:
    """Builds values from the events of a YAML stream in one pass: scalars of YAML 1.2, no duplicate keys, the merge key `<<`.

    It counts the values and characters that a document expands to: an alias counts as much as what it repeats.
    """

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=yaml.CSafeLoader))
        # Per anchor: the value, its number of values and of characters; None while it is being read.
        self._anchors: dict[str, tuple[Any, int, int] | None] = {}
        self._count = self._letters = self._repeated_letters = 0

    def documents(self) -> Iterator[Any]:
        """The value of each document. Raises Malformed beyond a limit, and yaml.YAMLError for text that is no YAML."""
        number = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                number += 1
                if number > MAX_DOCUMENTS:
                    raise Malformed(f"the body holds more than {MAX_DOCUMENTS:,} documents; split it")
                self._anchors, self._count, self._letters, self._repeated_letters = {}, 0, 0, 0
                yield self._value(next(self._events), 0)

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._repeated(event)
        begin, letters = self._count, self._letters
        self._counted(1)
        anchor = event.anchor
        if anchor is not None:
            if anchor in self._anchors:
                raise Malformed(f"line {_line(event)}: the anchor &{anchor} stands twice")
            self._anchors[anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            self._letters += len(event.value)
            value = _scalar(event)
        elif depth >= MAX_DEPTH:
            raise Malformed(f"the body is nested deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.SequenceStartEvent):
            _require_tag(event, "seq")
            value = list(self._items(depth + 1))
        else:
            _require_tag(event, "map")
            value = self._mapping(depth + 1)
        if anchor is not None:
            self._anchors[anchor] = (value, self._count - begin, self._letters - letters)
        return value

    def _items(self, depth: int) -> Iterator[Any]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._value(event, depth)

    def _mapping(self, depth: int) -> JsonObject:
        fields: JsonObject = {}
        merged: JsonObject | None = None
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = event.value if isinstance(event, yaml.ScalarEvent) else None
            key_value = self._value(event, depth)
            key = str(key_value) if key is None and isinstance(key_value, str) else key
            is_merge = key == "<<" and isinstance(event, yaml.ScalarEvent) and not event.style
            if key is None or (merged is not None if is_merge else key in fields):
                fault = "a key must be a text" if key is None else f"the field {key[:MAX_PATH]!r} stands twice"
                raise Malformed(f"line {_line(event)}: {fault}")
            value = self._value(next(self._events), depth)
            if is_merge:
                merged = _merged(value, _line(event))
            else:
                fields[key] = value
        return fields if merged is None else merged | fields

    def _repeated(self, event: yaml.AliasEvent) -> Any:
        if event.anchor not in self._anchors:
            fix = f"quote a text that begins with a star, or write &{event.anchor} before a value above"
            raise Malformed(f"line {_line(event)}: undefined alias *{event.anchor}; {fix}")
        repeated = self._anchors[event.anchor]
        if repeated is None:
            raise Malformed(f"line {_line(event)}: the alias *{event.anchor} is recursive; it stands within what it repeats")
        value, count, letters = repeated
        self._counted(count)
        self._letters += letters
        self._repeated_letters += letters
        if self._repeated_letters > MAX_REPEATED:
            raise Malformed(f"the aliases of the document repeat too many characters (over {MAX_REPEATED:,}); split it")
        return value

    def _counted(self, values: int) -> None:
        self._count += values
        if self._count > MAX_NODES:
            raise Malformed(f"the document holds too many values, or its aliases repeat too many (over {MAX_NODES:,}); split it")


def _merged(value: Any, line: int) -> JsonObject:
    """The fields of the mapping under `<<`, or of a list of mappings, where earlier ones take precedence."""
    fields: JsonObject = {}
    for source in value if isinstance(value, list) else [value]:
        if not isinstance(source, dict):
            raise Malformed(f"line {line}: << takes a mapping, or a list of mappings")
        for name, inner in source.items():  # in place: copies would take quadratic time
            fields.setdefault(name, inner)
    return fields


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _require_tag(event: Any, kind: str) -> None:
    if event.tag not in (None, "!", _STANDARD + kind):
        raise _misfit(event)


def _misfit(event: Any) -> Malformed:
    """The error for a tag that does not fit its value, or such as !!timestamp whose values JSON does not have."""
    if event.tag.removeprefix(_STANDARD) in ("null", "bool", "int", "float", "str", "seq", "map"):
        return Malformed(f"line {_line(event)}: not YAML: a tag does not fit its value; leave the tag out")
    return Malformed(f"line {_line(event)}: not YAML: there is no constructor for the tag {event.tag!r}; leave the tag out")


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.implicit[0]:  # without quotes and without a tag
        if text in _SPELLED:
            return _word(text, event)
        if text[0] in _NUMBERS:
            if _WHOLE.fullmatch(text):
                return integer_of(text, _line(event))
            if _FRACTION.fullmatch(text):
                return decimal_of(text, _line(event))
        return text
    if event.tag in (None, "!", _STANDARD + "str"):
        return text
    match event.tag.removeprefix(_STANDARD):
        case "int" if _WHOLE.fullmatch(text):
            return integer_of(text, _line(event))
        case "float" if _FRACTION.fullmatch(text):
            return decimal_of(text, _line(event))
        case "null" | "bool" as kind if text in _SPELLED and isinstance(_WORDS[text.lower()], bool) == (kind == "bool"):
            return _word(text, event)
        case _:
            raise _misfit(event)


def _word(text: str, event: Any) -> bool | Plain | None:
    """true, false and null as values; other spellings, such as True or ~, as a Plain."""
    core = _WORDS[text.lower()]
    return core if text in ("", "null", "true", "false") else Plain(text, core, _line(event))


def is_text(plain: str) -> bool:
    """Whether a scalar without quotes is read as this text, and not as a number, boolean or null."""
    return plain not in _SPELLED and not _WHOLE.fullmatch(plain) and not _FRACTION.fullmatch(plain)


def _problem(error: yaml.MarkedYAMLError, text: str) -> str:
    """What libyaml found; of a tab it says only that no token starts with it."""
    problem, mark = error.problem or error.context, error.problem_mark
    lines = _YAML_LINE.findall(text) if mark is not None else []
    rest = lines[mark.line][mark.column :] if mark is not None and mark.line < len(lines) else ""
    if not rest.startswith("\t"):
        return str(problem)
    return "a tab stands where YAML takes none; indent with spaces"


def read_yaml(body: bytes) -> list[Any]:
    """Return every document of a YAML stream except empty ones.

    Raises Malformed, with the line, if it is no YAML or too large, and Invalid if PostgreSQL cannot hold a value of it.
    """
    text = decode(body)
    if len(_TAG_DIRECTIVE.findall(text)) > _MOST_TAG_DIRECTIVES:
        raise Malformed("the body holds many %TAG directives; leave them out, documents need no tags")
    try:
        documents = [item for item in _Reader(text).documents() if item is not None]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Malformed(f"line {line}: not YAML: {_problem(error, text)}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise Malformed(f"not YAML: {str(error).splitlines()[0]}") from error
    for document in documents:
        check_value(document)
    return documents


def split_yaml(text: str) -> list[str]:
    """The text of each document of a stream that `read_yaml` can read, empty documents included."""
    events = yaml.parse(text, Loader=yaml.CSafeLoader)
    starts = [_line(event) - 1 for event in events if isinstance(event, yaml.DocumentStartEvent)]
    lines = _YAML_LINE.findall(text)
    return ["".join(lines[start:end]) for start, end in pairwise([*starts, len(lines)])]
