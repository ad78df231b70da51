"""Files with documents, as commands read them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from stringx_dataops.client import Refused
from stringx_dataops.contract.documents.reading import decode
from stringx_dataops.contract.documents.yaml_reading import read_yaml, split_yaml
from stringx_dataops.contract.problems import StringXError


@dataclass(frozen=True)
class WrittenDocument:
    """A document with its file, its number in it (from 1), its text, and its value."""

    file: Path
    number: int
    text: str
    value: Any

    def fault(self, pointer: str, message: str) -> str:
        """A line that names the place of a fault."""
        return f"{self.file}: document {self.number}: {pointer + ': ' if pointer else ''}{message}"


def read_text(file: Path) -> str:
    """The text of a file. Raises UsageError or Refused with the file's name if it cannot be read."""
    try:
        return decode(file.read_bytes())
    except OSError as error:
        raise click.UsageError(f"{file}: cannot be read ({error.strerror})") from error
    except StringXError as error:
        raise Refused([f"{file}: {error.detail}"], []) from error


def count_documents(file: Path, text: str) -> int:
    """The number of documents in a file, read as the Backend reads it. Raises Refused if it is no YAML or has none."""
    return len(_values(file, text))


def read_documents(file: Path) -> Iterator[WrittenDocument]:
    """The documents of a file, each with its own text. Raises UsageError or Refused as above."""
    text = read_text(file)
    texts = [piece for piece in split_yaml(text) if read_yaml(piece.encode())] if _values(file, text) else []
    for number, piece in enumerate(texts, 1):
        yield WrittenDocument(file, number, piece, read_yaml(piece.encode())[0])


def _values(file: Path, text: str) -> list[Any]:
    try:
        values = read_yaml(text.encode())
    except StringXError as error:
        raise Refused([f"{file}: {error.detail}"], []) from error
    if not values:
        raise Refused([f"{file} {'holds no document' if text.strip() else 'is empty'}; write one, or leave the file out"], [])
    return values
