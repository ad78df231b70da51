"""Trace context, as W3C Trace Context describes it (https://www.w3.org/TR/trace-context/): which trace a request belongs to.

It comes with a request over HTTP or Kafka, is stored with what becomes of the request, and goes out with every post. Whatever is
malformed counts as absent, as the recommendation wants; it never refuses a request."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

TRACEPARENT, TRACESTATE = "traceparent", "tracestate"
_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_LONGEST_PARENT = 512  # of a later version, of which only the beginning is read
_LONGEST_STATE, _MOST_MEMBERS = 512, 32
_KEY = r"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
_MEMBER = re.compile(rf"{_KEY}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{{0,255}}[\x21-\x2b\x2d-\x3c\x3e-\x7e]", re.ASCII)


@dataclass(frozen=True)
class TraceContext:
    """`traceparent`: 55 characters, of version 00. `tracestate`: at most 512 characters, or None."""

    traceparent: str
    tracestate: str | None = None

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""
        return self.traceparent[3:35]

    def headers(self) -> dict[str, str]:
        """The headers that pass it on."""
        return {TRACEPARENT: self.traceparent} | ({TRACESTATE: self.tracestate} if self.tracestate else {})


def read(traceparent: str | None, tracestate: str | None = None) -> TraceContext | None:
    """The context of two headers; None if there is none, or the first is malformed. A malformed second one is left out."""
    if traceparent is None or len(traceparent) > _LONGEST_PARENT:
        return None
    found = _PARENT.fullmatch(traceparent.strip(" \t"))
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or not int(trace_id, 16) or not int(span_id, 16) or (version == "00" and more is not None):
        return None
    kept = int(flags, 16) & 3  # sampled, random: what this version knows
    return TraceContext(f"00-{trace_id}-{span_id}-{kept:02x}", _state(tracestate))


def read_columns(row: Mapping[str, object]) -> TraceContext | None:
    """The context of a stored row, or of a result's JSON; None if it has none."""
    parent, state = row.get(TRACEPARENT), row.get(TRACESTATE)
    return read(parent if isinstance(parent, str) else None, state if isinstance(state, str) else None)


def of_headers(headers: Iterable[tuple[str, bytes | None]]) -> TraceContext | None:
    """The context of a Kafka message; None if it has none, or a header that must be single is not."""
    texts: dict[str, str] = {}
    for name, value in headers:
        if (name := name.lower()) in (TRACEPARENT, TRACESTATE):
            text = (value or b"").decode("ascii", "replace")
            texts[name] = f"{texts[name]},{text}" if name in texts else text
    return read(texts.get(TRACEPARENT), texts.get(TRACESTATE))


def of_json(text: str) -> TraceContext | None:
    """The context of a result that is JSON text, without reading all of it: it stands at the end. A quote within a value has a
    backslash before it, so that no value looks like the field."""
    begin = text.rfind(f'"{TRACEPARENT}": "')
    end = text.find("}", begin)
    try:
        return read_columns(json.loads("{" + text[begin : end + 1])) if begin >= 0 else None
    except ValueError:
        return None


def columns(context: TraceContext | None) -> dict[str, str | None]:
    """The context as two columns."""
    if context is None:
        return {TRACEPARENT: None, TRACESTATE: None}
    return {TRACEPARENT: context.traceparent, TRACESTATE: context.tracestate}


def _state(text: str | None) -> str | None:
    """The list without its empty members; None if it is malformed, empty or too long."""
    if text is None or len(text) > _LONGEST_STATE:
        return None
    members = [member for member in (part.strip(" \t") for part in text.split(",")) if member]
    names = {member.partition("=")[0] for member in members}
    is_list = len(names) == len(members) <= _MOST_MEMBERS and all(_MEMBER.fullmatch(member) for member in members)
    return ",".join(members) if is_list and members else None
