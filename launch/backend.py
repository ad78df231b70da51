"""The Backend as the first start uses it, with the owner's key."""

import time
from http.client import responses
from typing import Any

from launch.verdict_table import VerdictRow
from stringx_dataops import __version__
from stringx_dataops.connection import Connection, key_source, path_of
from stringx_dataops.contract.http_content import HttpAnswer, in_one_line
from stringx_dataops.contract.messages.verdicts import TERMINAL
from stringx_dataops.contract.settings import Settings
from stringx_dataops.contract.variables import SettingsError, secret
from stringx_dataops.following import pause_of
from stringx_dataops.http import FAULTS

_LONGEST_CHECK_S = 600


class StepError(Exception):
    """A step of the first start failed; the text is one line that names what to do and which log to read."""


class FirstStartClient:
    """What the first start asks of the Backend. StepError if it refuses, or gives no answer."""

    def __init__(self, settings: Settings) -> None:
        default = settings.home / "api-key"
        key = secret("STRINGX_API_KEY", default)
        if key is None:
            raise StepError(f"{default} is missing, and STRINGX_API_KEY is not set")

        def connection(server: str) -> Connection:
            """No proxy stands between the processes of one machine."""
            agent = f"stringx-first-start/{__version__}"
            return Connection(server, key, key_source(default), user_agent=agent, uses_proxies=False)

        self._backend, self._dataops = connection(settings.backend_url), connection(settings.dataops_url)
        try:
            self._backend.require_valid_key()
        except SettingsError as error:
            raise StepError(str(error)) from error

    def wait_until_accepting(self, seconds: float = 120) -> None:
        """Until both services accept requests. A check may then wait until dbt is loaded."""
        until = time.monotonic() + seconds
        self._wait("Backend", self._backend, "/readyz", "backend.log", until)
        self._wait("DataOps", self._dataops, "/readyz/self", "api.log", until)
        if (reason := _why_not_ready(self._dataops, "/readyz") or "") and _is_final(reason):
            raise StepError(f"DataOps is not ready: {reason}")

    def wait(self, seconds: float = 120) -> None:
        """Until checks run."""
        self._wait("DataOps", self._dataops, "/readyz", "api.log and worker.log", time.monotonic() + seconds)

    def _wait(self, name: str, client: Connection, path: str, log: str, until: float) -> None:
        while (reason := _why_not_ready(client, path)) is not None:
            if _is_final(reason):
                raise StepError(f"{name} is not ready: {reason}")
            if time.monotonic() > until:
                raise StepError(f"{name} is not ready at {client.server}{path}: {reason}; read {log}")
            time.sleep(0.1)

    def target(self, name: str) -> dict[str, Any] | None:
        """The document of a target; None if there is none."""
        return self._document(path_of("targets", name))

    def documents_with_secrets(self) -> list[dict[str, Any]]:
        """The first thousand targets and channels."""
        pages = [self._document(f"/api/v1/{kind}?limit=1000") or {} for kind in ("targets", "channels")]
        return [item for page in pages for item in page.get("items", []) if isinstance(item, dict)]

    def has_table(self, target: str, name: str) -> bool:
        """Whether the table is configured."""
        return self._document(path_of("tables", target, name)) is not None

    def refusal(self, documents: str) -> str | None:
        """Apply a YAML stream, all or nothing; what is wrong with it, in one line, or None."""
        headers = {"Content-Type": "application/yaml"}
        answer = self._send("POST", path_of("configuration"), 60, data=documents.encode(), headers=headers)
        return None if _is_ok(answer) else _problem(answer)

    def check(self, target: str, name: str) -> VerdictRow:
        """The verdict of a synchronous check. If it takes longer than one request may wait, it is asked for again."""
        started = time.monotonic()
        body = {"target": target, "table": name, "mode": "sync"}
        answer = self._send("POST", path_of("requests"), 120, json=body)
        location = answer.headers.get("Location", "")
        is_finished = answer.status != 202
        while not is_finished and time.monotonic() - started < _LONGEST_CHECK_S:
            answer = self._send("GET", location, 60, params={"wait": 30})
            status = answer.field("status") if _is_ok(answer) else None
            is_finished = not isinstance(status, str) or status in TERMINAL
            if not is_finished:
                time.sleep(pause_of(answer.headers))
        request = answer.content
        if not _is_ok(answer) or not isinstance(request, dict):
            raise StepError(f"the check of {name} was refused: {_problem(answer)}")
        gate = self._document(path_of("gates", target, name)) or {}
        checks = request.get("checks") or [{}]
        return VerdictRow.of(name, request, checks[0], gate.get("gate", "?"), time.monotonic() - started)

    def _send(self, method: str, path: str, timeout_s: float, **options: Any) -> HttpAnswer:
        try:
            return self._backend.send(method, path, timeout_s, **options)
        except FAULTS as error:
            raise StepError(in_one_line(str(error), 300) or type(error).__name__) from error

    def _document(self, path: str) -> dict[str, Any] | None:
        answer = self._send("GET", path, 30, headers={"Accept": "application/json"})
        if answer.status == 404:
            return None
        found = answer.content
        if not _is_ok(answer) or not isinstance(found, dict):
            raise StepError(f"GET {path}: {_problem(answer)}; read backend.log")
        return found


def _is_final(reason: str) -> bool:
    """Whether waiting does not help."""
    return "dbt project" in reason


def _why_not_ready(client: Connection, path: str) -> str | None:
    try:
        answer = client.send("GET", path, 5)
    except FAULTS as error:
        return "no answer" if isinstance(error, OSError) else in_one_line(str(error), 300)
    return None if _is_ok(answer) else _problem(answer)


def _is_ok(answer: HttpAnswer) -> bool:
    return answer.status < 400


def _problem(answer: HttpAnswer) -> str:
    """What an application/problem+json says, or /readyz, in one line."""
    body = answer.content
    try:
        if body.get("reasons"):  # of /readyz
            return "; ".join(map(str, body["reasons"]))
        details = [f"{error['pointer']}: {error['message']}" for error in body.get("errors", [])[:3]]
        return "; ".join([str(body.get("detail") or body.get("title") or answer.status), *details])
    except (KeyError, AttributeError, TypeError):
        return f"{answer.status} {responses.get(answer.status, '')}"
