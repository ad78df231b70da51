"""Whether spans are sent, by the variables of OpenTelemetry; its packages read the rest themselves."""

from collections.abc import Mapping
from urllib.parse import urlsplit

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


def is_on(env: Mapping[str, str]) -> bool:
    """Whether a collector is named, and nothing turns it off. ValueError with a line that names the variable that cannot be
    used."""
    named = next((name for name in _ENDPOINTS if env.get(name)), None)
    exporter = (env.get("OTEL_TRACES_EXPORTER") or "otlp").strip().lower()
    if named is None or exporter == "none" or (env.get("OTEL_SDK_DISABLED") or "").strip().lower() == "true":
        return False
    if exporter != "otlp":
        raise ValueError(f"OTEL_TRACES_EXPORTER is {exporter[:40]!r}; give otlp or none")
    protocol = next((name for name in _PROTOCOLS if env.get(name)), None)
    if protocol is not None and env[protocol] != "http/protobuf":
        raise ValueError(f"{protocol} is {env[protocol][:40]!r}; only http/protobuf is known, usually on port 4318")
    if not _is_http(env[named]):
        raise ValueError(f"{named} is no address; give one such as http://collector:4318")
    return True


def _is_http(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
