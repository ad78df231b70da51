"""URL paths whose segments contain a slash or a line break. Escaped (%2F, %0A), it belongs to its segment and does not end it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from flask import Flask, request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def install(app: Flask) -> None:
    """Match routes while these characters are still escaped, then unescape the values for the views."""
    app.url_map.merge_slashes = False
    app.wsgi_app = _Escaped(app.wsgi_app)  # type: ignore[method-assign]

    @app.before_request
    def unescape() -> None:
        segments: dict[str, str] = request.view_args or {}
        for name, value in segments.items():
            segments[name] = value.replace("%2F", "/").replace("%0A", "\n").replace("%25", "%")


class _Escaped:
    """WSGI middleware that escapes `/`, line breaks and `%` inside each segment of PATH_INFO once more.

    The server has unescaped PATH_INFO already; the segments are known from RAW_URI, which gunicorn provides.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        raw = str(environ.get("RAW_URI", "")).partition("?")[0]
        path = raw[raw.find("/", raw.find("://") + 3) :] if not raw.startswith("/") and "://" in raw else raw
        parts = [unquote_to_bytes(part.encode("latin-1")) for part in path.split("/")]
        if b"/".join(parts).decode("latin-1") == environ["PATH_INFO"]:
            escaped = (part.replace(b"%", b"%25").replace(b"/", b"%2F").replace(b"\n", b"%0A") for part in parts)
            environ["PATH_INFO"] = b"/".join(escaped).decode("latin-1")
        else:
            environ["PATH_INFO"] = environ["PATH_INFO"].replace("%", "%25")
        return self._app(environ, start_response)
