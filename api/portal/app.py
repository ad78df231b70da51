"""The portal's web application: a page that lists the targets, and each target's dbt docs."""

import json
from pathlib import Path

from flask import Flask, Response, abort, redirect, render_template, send_from_directory
from werkzeug.wrappers import Response as BaseResponse

from api.portal.refresh import STATE
from contract import environment
from contract.environment import Settings

_FILES = frozenset({"index.html", "manifest.json", "catalog.json"})


def create_app(settings: Settings | None = None) -> Flask:
    """Reads files alone: neither a key nor a database."""
    folder = (settings or environment.read()).home / "docs"
    app = Flask("api.portal", root_path=str(Path(__file__).parent), static_folder=None)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/")
    def index() -> str:
        found = {marker.parent.name: json.loads(marker.read_text()) for marker in sorted(folder.glob(f"*/{STATE}"))}
        return render_template("index.html", targets=found)

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
        response = send_from_directory(folder / name / "target", file_name)
        response.headers["Cache-Control"] = "no-cache"
        return response

    return app


def _require(folder: Path, name: str) -> None:
    """Only folders that the refresher has finished, by their exact name."""
    if name not in {marker.parent.name for marker in folder.glob(f"*/{STATE}")}:
        abort(404)
