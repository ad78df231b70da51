"""What an answer over HTTP holds, whoever has read it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

_WORDS = 80  # characters of an answer that a log or a reason quotes


class Unreadable(Exception):
    """The answer ended too early, is too large, or came too slowly; the text is one line. Status and headers are known."""

    def __init__(self, status: int, headers: Mapping[str, str], why: str) -> None:
        super().__init__(f"status {status}, {why}")
        self.status = status
        self.headers = headers


@dataclass(frozen=True)
class HttpAnswer:
    """A status, headers, and a body that is there as a whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def content(self) -> Any:
        """The body as JSON; None if it is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def field(self, name: str) -> Any:
        """A field of the body; None if the body is no JSON object, or has no such field."""
        return self.content.get(name) if isinstance(self.content, dict) else None

    @property
    def is_problem(self) -> bool:
        """Whether it is a problem document of RFC 9457, as both services send it."""
        return isinstance(self.field("detail"), str)

    def detail(self) -> str:
        """The detail of a problem document, otherwise a description of the answer; one line of at most 1,000 characters."""
        detail = self.field("detail")
        return in_one_line(detail, 1000) if isinstance(detail, str) and detail.strip() else self.described()

    def described(self) -> str:
        """Status, content type and first words, in one line."""
        kind = in_one_line(self.headers.get("Content-Type") or "no content type", _WORDS)
        words = in_one_line(self.body[: 4 * _WORDS].decode(errors="replace"), _WORDS) or "an empty body"
        return f"status {self.status}, {kind}: {words}"


def is_uuid(value: Any) -> bool:
    """Whether it is the text of a UUID, in the usual form."""
    try:
        return isinstance(value, str) and str(UUID(value)) == value.lower()
    except ValueError:
        return False


def in_one_line(text: str, longest: int) -> str:
    """Its beginning, without line breaks and what cannot be printed."""
    words = " ".join(text[: 4 * longest].split())
    return "".join(char if char.isprintable() else "?" for char in words)[:longest]
