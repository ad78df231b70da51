"""A collector of traces: what arrives by OTLP over HTTP, decoded by OpenTelemetry's own messages."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.receivers import Receiver


@dataclass(frozen=True)
class Seen:
    """A span as it arrived; ids are hexadecimal, `parent` is empty for a root."""

    name: str
    service: str
    trace_id: str
    span_id: str
    parent: str
    began: datetime
    ended: datetime
    is_error: bool
    attributes: dict[str, Any]
    links: list[str]


class Collector:
    """Reads what a receiver has got."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver

    @property
    def variables(self) -> dict[str, str]:
        """So that a process sends its spans here, soon."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}

    def spans(self, trace_id: str) -> dict[str, Seen]:
        """The spans of a trace by their names; of several with one name the last."""
        return {span.name: span for span in self.all() if span.trace_id == trace_id}

    def all(self) -> list[Seen]:
        found = []
        for post in list(self.receiver.posts):
            request = ExportTraceServiceRequest()
            request.ParseFromString(post.body)
            for resource in request.resource_spans:
                named = _attributes(resource.resource.attributes)
                for scope in resource.scope_spans:
                    found += [_seen(span, named["service.name"]) for span in scope.spans]
        return found


def _seen(span: Any, service: str) -> Seen:
    moments = [datetime.fromtimestamp(each / 1e9, UTC) for each in (span.start_time_unix_nano, span.end_time_unix_nano)]
    return Seen(
        span.name,
        service,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        *moments,
        span.status.code == 2,
        _attributes(span.attributes),
        [link.span_id.hex() for link in span.links],
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
