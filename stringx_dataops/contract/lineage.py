"""Where OpenLineage events are sent, by the variables that OpenLineage's own clients read.

Only the standard library is imported here, because settings are read before anything is installed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

VARIABLES = ("OPENLINEAGE_URL", "OPENLINEAGE_ENDPOINT", "OPENLINEAGE_API_KEY", "OPENLINEAGE_NAMESPACE")
SECRET = "OPENLINEAGE_API_KEY"  # noqa: S105 (its name)
_ENDPOINT, _NAMESPACE = "api/v1/lineage", "stringx"
_LONGEST = 255


@dataclass(frozen=True)
class LineageReceiver:
    """A receiver, without its key. `url` is where events are posted, `namespace` that of jobs."""

    url: str
    namespace: str


def read(env: Mapping[str, str]) -> LineageReceiver | None:
    """The receiver, None if no variable names one. ValueError with a line that names the variable that cannot be used."""
    text = (env.get("OPENLINEAGE_URL") or "").rstrip("/")
    if not text:
        return None
    if not _is_http(text):
        raise ValueError(f"OPENLINEAGE_URL is {text[:80]!r}; give an address such as http://marquez:5000")
    endpoint = (env.get("OPENLINEAGE_ENDPOINT") or _ENDPOINT).strip("/")
    if not endpoint.isascii() or not endpoint.isprintable() or any(each in endpoint for each in " ?#\\"):
        raise ValueError(f"OPENLINEAGE_ENDPOINT is {endpoint[:80]!r}; give a path such as {_ENDPOINT}")
    namespace = env.get("OPENLINEAGE_NAMESPACE") or _NAMESPACE
    if not namespace.isprintable() or len(namespace) > _LONGEST:
        raise ValueError(f"OPENLINEAGE_NAMESPACE must have 1 to {_LONGEST} printable characters")
    return LineageReceiver(f"{text}/{endpoint}", namespace)


def _is_http(text: str) -> bool:
    try:
        parts = urlsplit(text)
        has_only_address = parts.username is None and not parts.query and not parts.fragment
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and has_only_address
    except ValueError:
        return False
