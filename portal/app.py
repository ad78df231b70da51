"""The portal's web application: the board, a list of the targets, and the dbt docs of each.

A large target has several dbt docs, one per part, and a page that shows which table is in which part.
"""

import base64
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from flask import Flask, Response, abort, redirect, render_template, send_from_directory, url_for
from werkzeug.wrappers import Response as BaseResponse

from portal import board, health
from portal.parts import place_of
from portal.project_state import STATE_FILE, ProjectState
from stringx_dataops import __version__
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import StringXError
from stringx_dataops.contract.settings import Settings, read_settings
from web import hosts, problems
from web.look import files as look
from web.metrics import CONTENT_TYPE, of_loops, rendered

_FILES = frozenset({"index.html", "manifest.json", "catalog.json"})
_SCRIPT = re.compile(rb"<script[^>]*>(.*?)</script>", re.DOTALL)
_NO_SCRIPT = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def create_app(settings: Settings | None = None) -> Flask:
    """The web application. It only reads files, so it needs neither keys nor a database."""
    settings = settings or read_settings()
    folder = settings.home / "docs"
    app = Flask("portal", root_path=str(Path(__file__).parent), static_folder=None)
    app.register_error_handler(StringXError, problems.render)
    hosts.install(app, settings.allowed_hosts)
    app.register_blueprint(look.blueprint())
    app.url_map.merge_slashes = False  # names of tables may have several in a row
    app.jinja_env.globals["version"] = __version__
    app.jinja_env.filters["escaped"] = _escaped

    @app.context_processor
    def links() -> dict[str, str | None]:
        return {"dashboard": hosts.for_viewer(_dashboard(settings))}

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz() -> tuple[JsonObject, int]:
        reasons = health.faults(folder)
        return {"status": "not ready" if reasons else "ready", "reasons": reasons}, 503 if reasons else 200

    @app.get("/metrics")
    def metrics() -> Response:
        found = of_loops((f"docs.{state.name}", state) for state in health.read(folder) or ())
        return Response(rendered(found), content_type=CONTENT_TYPE)

    @app.get("/")
    def index() -> str:
        return render_template("index.html", targets=_targets(folder), board=board.stored(folder))

    @app.get("/<name>")
    def to_folder(name: str) -> BaseResponse:
        if not _is_finished(folder, name) and not _parts(folder, name):
            abort(404)
        return redirect(f"{name}/", 308)

    @app.get("/<name>/")
    def portal(name: str) -> Response | str:
        if not _is_finished(folder, name) and (parts := _parts(folder, name)):
            return render_template("parts.html", name=name, parts=parts)
        return _file(folder, name, "index.html")

    @app.get("/<name>/<file_name>")
    def file(name: str, file_name: str) -> Response:
        return _file(folder, name, file_name)

    @app.get("/<name>/tables/<path:table>")
    def table(name: str, table: str) -> BaseResponse | tuple[str, int]:
        found = _address_of(folder, name, table)
        return redirect(found) if found is not None else (render_template("missing.html", name=name, table=table), 404)

    @app.get("/<name>/parts/<part>")
    def to_part(name: str, part: str) -> BaseResponse:
        if not _is_finished(folder, f"{name}/parts/{part}"):
            abort(404)
        return redirect(f"{part}/", 308)

    @app.get("/<name>/parts/<part>/", defaults={"file_name": "index.html"})
    @app.get("/<name>/parts/<part>/<file_name>")
    def part_file(name: str, part: str, file_name: str) -> Response:
        return _file(folder, f"{name}/parts/{part}", file_name)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Content-Security-Policy", _NO_SCRIPT)
        return response

    return app


def _escaped(name: str) -> str:
    """A name as one segment of an address."""
    return quote(name, safe="")


def _dashboard(settings: Settings) -> str | None:
    """Where people reach the dashboard: PUBLIC_URL, else the Backend if it is on this machine. Elsewhere, BACKEND_URL may be
    a name that only services know."""
    return settings.public_url or (settings.backend_url if hosts.is_on_loopback(settings.backend_url) else None)


def _address_of(folder: Path, name: str, table: str) -> str | None:
    """The address of a table's page in the dbt docs; None if no finished project has the table."""
    for place in _finished(folder):
        if place == name or place.startswith(f"{name}/parts/"):
            state = ProjectState.read(folder / place)
            if state is not None and table in state.names:
                source = state.sources.get(table)  # unknown if an earlier release has made the project
                return f"{url_for('index')}{place}/" + (f"#!/source/{source}" if source is not None else "")
    return None


def _finished(folder: Path) -> list[str]:
    """Folders of the finished projects, relative to `folder`: TARGET, or TARGET/parts/PART."""
    markers = [*folder.glob(f"*/{STATE_FILE}"), *folder.glob(f"*/parts/*/{STATE_FILE}")]
    return [str(marker.parent.relative_to(folder)) for marker in markers]


def _is_finished(folder: Path, place: str) -> bool:
    """Whether the project in this folder is finished. The exact name counts, even if the disk ignores case."""
    return place in _finished(folder)


def _file(folder: Path, place: str, file_name: str) -> Response:
    if file_name not in _FILES or not _is_finished(folder, place):
        abort(404)
    public = folder / place / "target"
    response = send_from_directory(public, file_name, conditional=True)
    if file_name == "index.html":
        response.headers["Content-Security-Policy"] = _policy(public / file_name)
    return response


@dataclass(frozen=True)
class _Shown:
    """A target on the front page: its one project, or all its parts together."""

    tables: int
    parts: int  # 0 if it is one project
    verdicts: dict[str, int]
    reached: bool
    made_at: str


@dataclass(frozen=True)
class _ShownPart:
    """A finished part of a large target; its state gives the names of its tables."""

    name: str
    state: ProjectState


def _targets(folder: Path) -> dict[str, _Shown]:
    """By name of the target: what the front page shows of it."""
    found = {}
    for name in sorted({place.partition("/")[0] for place in _finished(folder)}):
        parts = [] if _is_finished(folder, name) else _parts(folder, name)
        whole = ProjectState.read(folder / name) if not parts else None
        states = [part.state for part in parts] if whole is None else [whole]
        if states:
            verdicts = sum((Counter(state.verdicts) for state in states), Counter[str]())
            found[name] = _Shown(
                tables=sum(state.tables for state in states),
                parts=len(parts),
                verdicts=dict(sorted(verdicts.items())),
                reached=all(state.reached for state in states),
                made_at=max(state.made_at for state in states),
            )
    return found


def _parts(folder: Path, name: str) -> list[_ShownPart]:
    """The finished parts of a target, in the order of their tables. The part without tables shows the user's dbt models."""
    folders = [folder / place for place in _finished(folder) if place.startswith(f"{name}/parts/")]
    found = [_ShownPart(part.name, state) for part in folders if (state := ProjectState.read(part)) is not None]
    return sorted(found, key=lambda part: place_of(part.state.names[0]) if part.state.names else ("", ""))


def _policy(page: Path) -> str:
    """A Content-Security-Policy that allows only the page's own scripts, because dbt's page inserts descriptions as HTML."""
    try:
        return _policy_of(page, page.stat().st_mtime_ns)
    except FileNotFoundError:  # the target has just been removed
        abort(404)


@lru_cache(maxsize=100)
def _policy_of(page: Path, _changed: int) -> str:
    hashes = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _SCRIPT.findall(page.read_bytes())]
    allowed = " ".join(f"'sha256-{text}'" for text in dict.fromkeys(hashes))
    return (
        f"default-src 'none'; script-src {allowed} 'unsafe-eval'; style-src 'unsafe-inline'; img-src 'self' data:;"
        " font-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
