"""Logs as JSON lines on standard error: time, level, logger, message, and the ids and measurements of the record."""

import json
import logging
import sys
from datetime import UTC, datetime

from web import tracing

# `trace_id`: of the trace that the thread is at (`web/tracing.py`).
_FIELDS = ("check_id", "request_id", "notification_id", "worker", "method", "route", "status", "duration_ms", "caller")


class JsonFormatter(logging.Formatter):
    """One line per record; the traceback of an exception is one field."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one JSON object; the time is UTC with milliseconds."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        if (context := tracing.current()) is not None:
            line["trace_id"] = context.trace_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure(level: int = logging.INFO) -> None:
    """Send all logs of this process to standard error, in place of handlers that were there before."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # its warnings quote users' SQL
