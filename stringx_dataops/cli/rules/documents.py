"""The documents of files, and where in them a fault stands."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from stringx_dataops.cli.output import one_line
from stringx_dataops.cli.rules.paths import File
from stringx_dataops.cli.rules.variables import fill_in
from stringx_dataops.contract.documents.reading import decode
from stringx_dataops.contract.documents.streams import name_of
from stringx_dataops.contract.documents.yaml_lines import Fault, Places, fault_of_text
from stringx_dataops.contract.documents.yaml_reading import MAX_DOCUMENTS, read_yaml, split_yaml
from stringx_dataops.contract.problems import FieldError, Invalid, StringXError

_DIRECTIVES = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\r?\n)*%")  # a text that begins with some
_LINE = re.compile(r"line [0-9]{1,9}: ")
_RULE = re.compile(r"/rules/([0-9]{1,9})(/|$)")


@dataclass(frozen=True)
class FileFault:
    """A fault with its place. `field`: the pointer below the document, or below its rule `rule` where it is in one."""

    file: str
    line: int
    column: int
    rule: str | None
    field: str
    message: str

    @property
    def text(self) -> str:
        """The fault in one line."""
        about = ": ".join(
            part for part in (f"rule {self.rule}" if self.rule else "", self.field.removeprefix("/"), self.message) if part
        )
        return one_line(f"{self.file}:{self.line}:{self.column}: {about}")


@dataclass(frozen=True)
class Text:
    """The text of a file, with its variables filled in, and where its documents stand."""

    name: str
    text: str
    places: Places


@dataclass
class Documents:
    """The documents of all files, in their order, and the faults of files that could not be read."""

    texts: list[Text] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    homes: list[tuple[int, int]] = field(default_factory=list)  # of each value: its text, and its number there from 0
    faults: list[FileFault] = field(default_factory=list)

    @property
    def stream(self) -> str:
        """All documents as one YAML stream."""
        pieces = [text.text if not index else separated(text.text) for index, text in enumerate(self.texts)]
        return "".join(pieces)

    def fault(self, fault: FieldError) -> FileFault:
        """The fault whose pointer begins with the index of its document, at its place."""
        index, pointer = _split(fault.pointer)
        if index is None or index >= len(self.values):
            return FileFault(self.texts[0].name if self.texts else "", 1, 1, None, fault.pointer, fault.message)
        home, number = self.homes[index]
        text = self.texts[home]
        found = text.places.fault(fault, (number, pointer))
        return _located(text.name, found, self.values[index])

    def refusal(self, error: dict[str, str]) -> FileFault:
        """The same for an error of the Backend, whose lines are those of the stream."""
        return self.fault(FieldError(error["pointer"], _LINE.sub("", error["message"], count=1)))

    def place(self, index: int) -> str:
        """The file and line of a document."""
        home, number = self.homes[index]
        return f"{self.texts[home].name}:{self.texts[home].places.find(number)[0]}"

    def pieces(self) -> Iterator[tuple[int, str]]:
        """The index and the text of each document."""
        index = 0
        for text in self.texts:
            for piece in split_yaml(text.text):
                if read_yaml(piece.encode()):
                    yield index, piece
                    index += 1

    def first_of_name(self) -> dict[int, int]:
        """Of each document whose name another one before it has: the index of the first."""
        first: dict[tuple[str, str], int] = {}
        repeated = {}
        for index, value in enumerate(self.values):
            if (name := name_of(value)) is not None and first.setdefault(name, index) != index:
                repeated[index] = first[name]
        return repeated


def load(files: Sequence[File], *, fills_in: bool) -> Documents:
    """Read the documents; with `fills_in` after the variables of the environment were filled in."""
    found = Documents()
    for file in files:
        if file.fault is not None:
            found.faults.append(FileFault(file.name, 1, 1, None, "", file.fault))
            continue
        try:
            text, values, faults = _read(file, fills_in)
        except StringXError as error:
            found.faults += _faults_of(file, error)
            continue
        found.faults += faults
        if faults:
            continue
        found.homes += [(len(found.texts), number) for number in range(len(values))]
        found.values += values
        found.texts.append(text)
    if len(found.values) > MAX_DOCUMENTS:
        words = f"the files hold more than {MAX_DOCUMENTS:,} documents together; give fewer of them at a time"
        found.faults.append(FileFault(files[-1].name, 1, 1, None, "", words))
    return found


def _read(file: File, fills_in: bool) -> tuple[Text, list[Any], list[FileFault]]:
    """Raises Malformed or Invalid."""
    text = decode(file.body)
    text += "" if text.endswith("\n") else "\n"  # as in a stream, where a block of text may end there
    values = read_yaml(text.encode())
    if not values:
        words = f"{'holds no document' if text.strip() else 'is empty'}; write a document, or leave the file out"
        return Text(file.name, text, Places(text)), [], [FileFault(file.name, 1, 1, None, "", words)]
    if fills_in:
        text, faults = fill_in(text, os.environ)
        if faults:
            found = [FileFault(file.name, fault.line, fault.column, None, "", fault.message) for fault in faults]
            return Text(file.name, text, Places(text)), [], found
        values = read_yaml(text.encode())
    return Text(file.name, text, Places(text)), values, []


def _faults_of(file: File, error: StringXError) -> Iterator[FileFault]:
    """The faults of a file that is no YAML, or holds values that no document may have."""
    if not error.errors:
        fault = fault_of_text(error)
        yield FileFault(file.name, fault.line, fault.column, None, "", fault.message.replace("the body", "the file"))
        return
    text = decode(file.body)
    places = Places(text)
    for index, each in _impossible_values(text):
        found = places.fault(each, (index, each.pointer))
        yield FileFault(file.name, found.line, found.column, None, found.pointer, found.message)


def _impossible_values(text: str) -> Iterator[tuple[int, FieldError]]:
    """Values that PostgreSQL cannot hold, each with the index of its document."""
    index = 0
    for piece in split_yaml(text):
        try:
            index += len(read_yaml(piece.encode()))
        except Invalid as error:
            yield from ((index, fault) for fault in error.errors)
            index += 1


def _located(name: str, fault: Fault, value: Any) -> FileFault:
    inside = _RULE.match(fault.pointer)
    rules = value.get("rules") if isinstance(value, dict) else None
    rule = rules[int(inside[1])] if inside and isinstance(rules, list) and int(inside[1]) < len(rules) else None
    rule_id = rule.get("id") if isinstance(rule, dict) else None
    if not inside or not isinstance(rule_id, str):
        return FileFault(name, fault.line, fault.column, None, fault.pointer, fault.message)
    return FileFault(name, fault.line, fault.column, rule_id, fault.pointer[inside.end(1) :], fault.message)


def _split(pointer: str) -> tuple[int | None, str]:
    head, _, rest = pointer.removeprefix("/").partition("/")
    return (int(head) if head.isdigit() else None), f"/{rest}" if rest else ""


def separated(text: str) -> str:
    """The text as it stands after another document. Directives stand before the line of dashes, which every other document after
    the first needs."""
    return ("...\n" if _DIRECTIVES.match(text) else "...\n---\n") + text
