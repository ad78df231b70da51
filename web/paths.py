"""Addresses whose parts hold a slash or a line break: escaped, it is a letter of its part, and never ends it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from flask import Flask, request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def install(app: Flask) -> None:
    """The routes are found with these letters of each part escaped; views get the parts as they were meant."""
    app.url_map.merge_slashes = False
    app.wsgi_app = _Escaped(app.wsgi_app)  # type: ignore[method-assign]

    @app.before_request
    def unescape() -> None:
        parts: dict[str, Any] = request.view_args or {}
        for name, value in parts.items():
            parts[name] = value.replace("%2F", "/").replace("%0A", "\n").replace("%25", "%")


class _Escaped:
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
