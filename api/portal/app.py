"""The portal's web application: a page that lists the targets, and each target's dbt docs."""

import base64
import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, redirect, render_template, send_from_directory
from werkzeug.wrappers import Response as BaseResponse

from api.portal.refresh import STATE
from contract import environment
from contract.environment import Settings

_FILES = frozenset({"index.html", "manifest.json", "catalog.json"})
_SCRIPT = re.compile(rb"<script[^>]*>(.*?)</script>", re.DOTALL)
_NO_SCRIPT = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def create_app(settings: Settings | None = None) -> Flask:
    """Reads files alone: neither a key nor a database."""
    folder = (settings or environment.read()).home / "docs"
    app = Flask("api.portal", root_path=str(Path(__file__).parent), static_folder=None)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/")
    def index() -> str:
        return render_template("index.html", targets=_portals(folder))

    @app.get("/<name>")
    def to_folder(name: str) -> BaseResponse:
        _require(folder, name)
        return redirect(f"{name}/", 308)

    @app.get("/<name>/")
    def portal(name: str) -> Response:
        return file(name, "index.html")

    @app.get("/<name>/<file_name>")
    def file(name: str, file_name: str) -> Response:
        _require(folder, name)
        if file_name not in _FILES:
            abort(404)
        public = folder / name / "target"
        response = send_from_directory(public, file_name, conditional=True)
        if file_name == "index.html":
            response.headers["Content-Security-Policy"] = _policy(public / file_name)
        return response

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Content-Security-Policy", _NO_SCRIPT)
        return response

    return app


def _portals(folder: Path) -> dict[str, Any]:
    """The finished portals by name; one that goes away meanwhile is left out."""
    found = {}
    for marker in sorted(folder.glob(f"*/{STATE}")):
        try:
            found[marker.parent.name] = json.loads(marker.read_text(encoding="utf-8"))
        except OSError:
            continue
    return found


def _require(folder: Path, name: str) -> None:
    """Only folders that the refresher has finished, by their exact name."""
    if name not in {marker.parent.name for marker in folder.glob(f"*/{STATE}")}:
        abort(404)


def _policy(page: Path) -> str:
    """dbt's page puts descriptions into itself as HTML: only the scripts that it came with may run."""
    try:
        return _policy_of(page, page.stat().st_mtime_ns)
    except FileNotFoundError:  # the target was removed this very moment
        abort(404)


@lru_cache(maxsize=100)
def _policy_of(page: Path, _changed: int) -> str:
    hashes = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _SCRIPT.findall(page.read_bytes())]
    allowed = " ".join(f"'sha256-{text}'" for text in dict.fromkeys(hashes))
    return (
        f"default-src 'none'; script-src {allowed} 'unsafe-eval'; style-src 'unsafe-inline'; img-src 'self' data:;"
        " font-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
