"""One exception tree; each error knows its HTTP status, its problem type and whether a retry can help (RFC 9457)."""

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, order=True)
class FieldError:
    """What is wrong with one field: an RFC 6901 pointer into the body and one sentence that names the fix."""

    pointer: str
    message: str

    def as_json(self) -> dict[str, str]:
        return {"pointer": self.pointer, "message": self.message}


@dataclass
class StringXError(Exception):
    """Base of all errors that a caller may see; `detail` is one line."""

    detail: str
    errors: list[FieldError] = field(default_factory=list)

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"

    def __str__(self) -> str:
        return self.detail

    def headers(self) -> dict[str, str]:
        return {}

    def as_problem(self) -> dict[str, Any]:
        problem: dict[str, Any] = {
            "type": f"urn:stringx:problem:{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            problem["errors"] = [error.as_json() for error in self.errors]
        return problem


class DatabaseFault(StringXError):
    """The internal database refuses a statement: a table is not as it should be, or the statement is wrong."""


class Malformed(StringXError):
    """The body could not be read at all."""

    status, slug, title = 400, "malformed", "The body cannot be read"


class Misdirected(StringXError):
    """The request names a host that the service does not go by."""

    status, slug, title = 421, "misdirected", "Not asked by a name of this service"


class Unauthenticated(StringXError):
    """No key, or one that is unknown, expired or revoked; which of them is not told."""

    status, slug, title = 401, "unauthenticated", "A valid key is required"

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": 'Bearer realm="stringx"'}


class Forbidden(StringXError):
    """The key is valid and lacks the scope."""

    status, slug, title = 403, "forbidden", "The key lacks the scope"


class NotFound(StringXError):
    """Nothing of that name is configured or stored."""

    status, slug, title = 404, "not-found", "Not found"


class MethodNotAllowed(StringXError):
    """The path exists, the method does not."""

    status, slug, title = 405, "method-not-allowed", "Method not allowed"


class Conflict(StringXError):
    """The request contradicts what is stored, such as a used request_id with another body."""

    status, slug, title = 409, "conflict", "Conflict"

    @classmethod
    def of_reused(cls, request_id: str) -> "Conflict":
        """The request_id was used with another body."""
        return cls(f"request_id {request_id!r} was used with another body; use a new one")


class PreconditionFailed(StringXError):
    """If-Match names another version than the stored one."""

    status, slug, title = 412, "precondition-failed", "The version has changed"


class TooLarge(StringXError):
    """The body is over the limit."""

    status, slug, title = 413, "too-large", "The body is too large"


class UnsupportedMediaType(StringXError):
    """The Content-Type is none that this endpoint reads."""

    status, slug, title = 415, "unsupported-media-type", "Unsupported media type"


class Invalid(StringXError):
    """The body was read and says something wrong; `errors` holds every fault at once."""

    status, slug, title = 422, "invalid", "The request is not valid"


@dataclass
class Busy(StringXError):
    """The queue is full; try again after `retry_after_s` seconds."""

    retry_after_s: int = 5
    status, slug, title = 429, "busy", "The queue is full"

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_s)}


@dataclass
class Unavailable(StringXError):
    """A part that is needed is away; try again after `retry_after_s` seconds."""

    retry_after_s: int = 2
    status, slug, title = 503, "unavailable", "Temporarily unavailable"

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_s)}


MAX_FAULTS = 1_000  # listed in one answer


def invalid(errors: list[FieldError]) -> Invalid:
    """One error for all faults found, the first of them as its detail; at most MAX_FAULTS are listed."""
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    if len(errors) > MAX_FAULTS:
        more = f" (and more; the first {MAX_FAULTS:,} are listed)"
    where = f"{_in_one_line(first.pointer)}: " if first.pointer else ""
    return Invalid(detail=f"{where}{first.message}{more}", errors=errors[:MAX_FAULTS])


def _in_one_line(pointer: str) -> str:
    """A field may be called anything, a line break among it."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in pointer)
