"""Spans of a check's way through the processes, sent to a collector by OpenTelemetry; and the trace context that is passed on.

`start` is called in each process, after forks. Without a collector in the environment nothing of OpenTelemetry is imported, and
no span is made; the context that came with a request is passed on all the same. A span names targets, tables, ids and verdicts,
never a value of a row.
"""

import logging
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal, assert_never

from stringx_dataops import __version__
from stringx_dataops.contract import tracing_settings
from stringx_dataops.contract.trace_context import TraceContext, columns, read

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Link, SpanContext, SpanKind, Tracer
    from opentelemetry.trace import Span as Recorded

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | bool | None]  # by their names without the prefix `stringx.`; None: left out
_END_S = 1.0  # how long a process that ends waits for its last spans to be sent

log = logging.getLogger(__name__)
_current: ContextVar[TraceContext | None] = ContextVar("trace_context", default=None)
_provider: "TracerProvider | None" = None
_tracer: "Tracer | None" = None


class Span:
    """A span, or none where nothing is traced: then `context` is its parent's."""

    def __init__(self, context: TraceContext | None, recorded: "Recorded | None" = None) -> None:
        self.context, self._recorded = context, recorded

    def set(self, attributes: Mapping[str, str | int]) -> None:
        """Add attributes by their full names."""
        if self._recorded is not None:
            self._recorded.set_attributes(attributes)

    def fail(self, reason: str) -> None:
        """Mark it as failed, for a reason that holds no value of a row."""
        if self._recorded is not None:
            from opentelemetry.trace import Status, StatusCode

            self._recorded.set_status(Status(StatusCode.ERROR, reason[:200]))


def start(service: str) -> None:
    """Send spans of this process from now on, if the environment names a collector. Never raises: what is wrong is one line in
    the log, and nothing is traced."""
    global _provider, _tracer
    try:
        if not tracing_settings.is_on(os.environ):
            return
        _provider = _make_provider(service)
        _tracer = _provider.get_tracer("stringx", __version__)
    except ValueError as error:
        log.warning("nothing is traced: %s", error)
    except ModuleNotFoundError as error:
        log.warning("nothing is traced: %s is not installed; install stringx-dataops[tracing]", error.name)
    except Exception as error:
        log.warning("nothing is traced: OpenTelemetry cannot be started (%s)", error)


def stop() -> None:
    """Send the last spans, for at most a second."""
    if _provider is not None:
        last = threading.Thread(target=_provider.force_flush, daemon=True)
        last.start()
        last.join(_END_S)


def current() -> TraceContext | None:
    """The context of the span that this thread is in, or what came with its request; None without a trace."""
    return _current.get()


def current_columns() -> dict[str, str | None]:
    """`current`, as it is stored."""
    return columns(_current.get())


def current_headers() -> dict[str, str]:
    """`current`, as it is passed on by HTTP."""
    context = _current.get()
    return context.headers() if context is not None else {}


def is_on() -> bool:
    """Whether spans are made."""
    return _tracer is not None


@contextmanager
def spans(name: str, kind: Kind, several: Sequence[tuple[TraceContext | None, Attributes]]) -> Iterator[None]:
    """For the time of the block a span of each of several traces, whose step is done together; each has links to the others'
    parents. A trace without context gets none. The block belongs to none of them."""
    with within(None):
        if _tracer is None:
            yield
            return
        parents = [parent for parent, _ in several]
        begun = [
            _begin(_tracer, name, kind, parent, about, [other for other in parents if other is not parent])
            for parent, about in several
            if parent is not None
        ]
        try:
            yield
        finally:
            for recorded in begun:
                recorded.end()


@contextmanager
def within(context: TraceContext | None) -> Iterator[None]:
    """Pass on this context for the time of the block."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def span(
    name: str,
    kind: Kind = "internal",
    parent: TraceContext | None = None,
    attributes: Attributes | None = None,
    links: Iterable[TraceContext | None] = (),
) -> Iterator[Span]:
    """A span for the time of the block, below `parent`, or else below the span that this thread is in. `links` are spans that
    have to do with it. An exception marks it as failed, by its class alone."""
    parent = parent or _current.get()
    if _tracer is None:
        with within(parent):
            yield Span(parent)
        return
    recorded = _begin(_tracer, name, kind, parent, attributes, links)
    made = Span(_context_of(recorded.get_span_context(), parent), recorded)
    with within(made.context):
        try:
            yield made
        except BaseException as error:
            made.fail(type(error).__name__)
            raise
        finally:
            recorded.end()


def record(
    name: str,
    started_at: datetime,
    ended_at: datetime,
    parent: TraceContext | None = None,
    attributes: Attributes | None = None,
    links: Iterable[TraceContext | None] = (),
) -> TraceContext | None:
    """A span of something that is over, by another clock; its context, or the parent's if nothing is traced."""
    parent = parent or _current.get()
    if _tracer is None:
        return parent
    recorded = _begin(_tracer, name, "internal", parent, attributes, links, started_at)
    recorded.end(_nanoseconds(max(started_at, ended_at)))
    return _context_of(recorded.get_span_context(), parent)


def _make_provider(service: str) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": service}
    resource = Resource.create({"service.version": __version__, "stringx.role": service, **named})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))  # a bounded queue and a thread of its own
    log.info("traces: spans are sent by OpenTelemetry %s", version("opentelemetry-sdk"))
    return provider


def _begin(
    tracer: "Tracer",
    name: str,
    kind: Kind,
    parent: TraceContext | None,
    attributes: Attributes | None,
    links: Iterable[TraceContext | None],
    started_at: datetime | None = None,
) -> "Recorded":
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    context = set_span_in_context(NonRecordingSpan(_span_context(parent)), Context()) if parent is not None else Context()
    return tracer.start_span(
        name,
        context,
        _kind(kind),
        _named(attributes or {}),
        [_link(link) for link in links if link is not None],
        _nanoseconds(started_at) if started_at is not None else None,
    )


def _kind(kind: Kind) -> "SpanKind":
    from opentelemetry.trace import SpanKind

    match kind:
        case "internal":
            return SpanKind.INTERNAL
        case "server":
            return SpanKind.SERVER
        case "client":
            return SpanKind.CLIENT
        case "producer":
            return SpanKind.PRODUCER
        case "consumer":
            return SpanKind.CONSUMER
        case _:
            assert_never(kind)


def _link(context: TraceContext) -> "Link":
    from opentelemetry.trace import Link

    return Link(_span_context(context))


def _span_context(context: TraceContext) -> "SpanContext":
    from opentelemetry.trace import SpanContext, TraceFlags, TraceState

    _, trace_id, span_id, flags = context.traceparent.split("-")
    state = TraceState.from_header([context.tracestate]) if context.tracestate else None
    return SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags, 16)), state)


def _context_of(found: "SpanContext", parent: TraceContext | None) -> TraceContext | None:
    """The context of a span of ours; the parent's `tracestate` goes on."""
    text = f"00-{found.trace_id:032x}-{found.span_id:016x}-{int(found.trace_flags):02x}"
    return read(text, parent.tracestate if parent is not None else None) or parent


def _named(attributes: Attributes) -> dict[str, str | int | bool]:
    return {f"stringx.{name}": value for name, value in attributes.items() if value is not None}


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
