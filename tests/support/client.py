"""A client of an installation: it asks for checks over one of the two services, and waits for what comes of them."""

from collections.abc import Iterable
from typing import Any

import requests

from tests.support.postgres import Postgres
from tests.support.processes import eventually
from tests.support.proxy import Proxy
from tests.support.tables import CheckedTable


class Client:
    """The part of an installation that is used to ask."""

    key: str
    checked: Postgres
    to_api: Proxy
    to_backend: Proxy
    accepted: dict[str, str]  # request_id: relation, of all that a client was told is accepted

    def rows(self, statement: str, parameters: Any = None) -> list[dict[str, Any]]:
        """Of the internal database."""
        raise NotImplementedError

    def call(self, method: str, url: str, timeout: float = 90, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.key}"} | options.pop("headers", {})
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, url, headers=headers, timeout=timeout, **options)

    def post(
        self, table: CheckedTable, via: str = "backend", url: str | None = None, timeout: float = 90, **asked: Any
    ) -> requests.Response:
        """Ask for a check over one of the two services; what is accepted is noted."""
        path = "requests" if via == "backend" else "quality-checks"
        base = url or (self.to_backend.url if via == "backend" else self.to_api.url)
        body = {"target": table.target, "table": table.relation} | asked
        answer = self.call("POST", f"{base}/api/v1/{path}", json=body, timeout=timeout)
        if answer.status_code in (200, 202):
            self.accepted[answer.json()["request_id"]] = table.relation
        return answer

    def ask(self, table: CheckedTable, via: str = "backend", **asked: Any) -> str:
        """The id of an accepted request."""
        answer = self.post(table, via, **asked)
        assert answer.status_code in (200, 202), answer.text
        return str(answer.json()["request_id"])

    def running(self, request_id: str, within_s: float = 60, attempt: int = 1) -> str:
        """The check of a request, once this attempt at it runs; its id."""

        def look() -> str | None:
            found = self.rows("select * from dataops.checks where request_id = %s", [request_id])
            runs = found and found[0]["status"] == "running" and found[0]["attempt"] >= attempt
            return str(found[0]["check_id"]) if runs else None

        return eventually(look, within_s, f"attempt {attempt} at {request_id}")

    def check_of(self, request_id: str) -> str:
        return str(self.rows("select check_id from dataops.checks where request_id = %s", [request_id])[0]["check_id"])

    def on_target(self, check_id: str) -> list[dict[str, Any]]:
        """The sessions of a check that execute something on the target."""
        return self.checked.rows(
            "postgres",
            "select pid, application_name, query from pg_stat_activity where application_name like %s and state = 'active'",
            [f"stringx {check_id} %"],
        )

    def executing(self, request_id: str, within_s: float = 60, attempt: int = 1) -> str:
        """The check of a request, once this attempt has a query running on the target; its id."""
        check_id = self.running(request_id, within_s, attempt)
        eventually(
            lambda: any(s["application_name"].endswith(f" {attempt}") for s in self.on_target(check_id)),
            within_s,
            "a query on the target",
        )
        return check_id

    def result(self, request_id: str, within_s: float = 60) -> dict[str, Any]:
        """What the Backend has stored for a request, once it has."""

        def look() -> dict[str, Any] | None:
            found = self.rows("select result from stringx.results where request_id = %s", [request_id])
            return found[0]["result"] if found else None

        return eventually(look, within_s, f"a result of {request_id}")

    def results(self, request_ids: Iterable[str], within_s: float = 90) -> list[dict[str, Any]]:
        return [self.result(request_id, within_s) for request_id in request_ids]
