"""The product's side of a simulation: results are stored and messages planned by its own functions, on a real database, at simulated
times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.messages.checks import CheckResult
from tests.integration.watching.model import Route, Said
from tests.integration.watching.world import Acknowledged, Check, Subject, World
from tests.support.datasets import TARGET, apply

RULE = {"type": "not_null", "kind": "engineering", "dimension": "completeness", "measured": None, "verified_by": "scan"}
SETTLED = timedelta(minutes=2)  # after what happens on the grid
_HASHES = """
select target || '/' || table_name as name, rules_hash from stringx.tables
"""


@dataclass
class Stage:
    database: Database
    hashes: dict[str, str] = field(default_factory=dict)
    received: list[Said] = field(default_factory=list)
    last_event: int = 0

    def configure(self, world: World, routes: Sequence[Route]) -> None:
        tables = [
            {"apiVersion": "stringx/v1", "target": "shop", "table": table.name, "owner": table.owner, "tags": list(table.tags)}
            | {"rules": [{"id": "known", "type": "not_null", "column": "c"}]}
            for table in world.tables
        ]
        datasets = [
            {"apiVersion": "stringx/v1", "kind": "Dataset", "name": name, "target": "shop", "tables": [t.name for t in parts]}
            for name, parts in world.datasets.items()
        ]
        names = sorted({route.channel for route in routes})
        channels = [
            {"apiVersion": "stringx/v1", "kind": "Channel", "name": name, "type": "webhook", "url_env": "NOTIFY_NOBODY"}
            for name in names
        ]
        apply(self.database, TARGET, *tables, *datasets, *channels, *(route.document for route in routes))
        with self.database.transaction() as cursor:
            self.hashes = {
                row["table_name"]: row["rules_hash"] for row in cursor.all("select table_name, rules_hash from stringx.tables")
            }

    def happen(self, happening: Check | Acknowledged) -> None:
        if isinstance(happening, Check):
            found = self.result(happening)
            assert tracking.store(self.database, found.request_id, found)
        else:
            self._acknowledge(happening)

    def result(self, check: Check) -> CheckResult:
        about = {"check_id": new_id(), "request_id": new_id(), "target": "shop", check.about.kind: check.about.name}
        ended = {"status": "succeeded", "verdict": check.found[check.about], "config_version": 1, "duration_ms": 50}
        times = dict.fromkeys(("queued_at", "started_at", "finished_at", "snapshot_at"), check.at)
        parts = [
            {"table": name, "verdict": verdict, "rules_hash": self.hashes[name], "row_count": 10, "config_version": 1}
            | {"rules": [_rule(verdict)], "counts": {verdict: 1}, "scores": {"overall": 1.0}}
            for name, verdict in check.verdicts
        ]
        content = parts[0] if check.about.kind == "table" else {"tables": parts}
        return CheckResult.model_validate(about | times | content | ended)

    def _acknowledge(self, happening: Acknowledged) -> None:
        """As the API does it, but at this time."""
        with self.database.transaction() as cursor:
            cursor.run(
                """update stringx.incidents set acknowledged_at = %(at)s, acknowledged_by = 'ann', acknowledged_until = %(until)s
                where subject_kind = %(kind)s and name = %(name)s and closed_at is null""",
                {"at": happening.at, "until": happening.until, "kind": happening.about.kind, "name": happening.about.name},
            )

    def noticed(self, now: datetime) -> None:
        """What has just happened was noticed at this time of the simulation, and not at that of the database's clock."""
        with self.database.transaction() as cursor:
            rows = cursor.all(
                "update stringx.events set recorded_at = %(now)s where event_id > %(last)s returning event_id",
                {"now": now, "last": self.last_event},
            )
        self.last_event = max([self.last_event, *(row["event_id"] for row in rows)])

    def deliver(self, now: datetime) -> None:
        """Every message that is due arrives."""
        with self.database.transaction() as cursor:
            rows = cursor.all(
                """update stringx.notifications set delivered_at = %(now)s, attempts = attempts + 1
                where delivered_at is null and given_up_at is null and withdrawn_at is null and due_at <= %(now)s
                returning notification_id, channel, content""",
                {"now": now},
            )
        for row in rows:
            self.received += said(now, row["channel"], str(row["notification_id"]), row["content"])


def said(at: datetime, channel: str, message: str, content: dict[str, Any]) -> Iterator[Said]:
    """The lines of a message."""
    assert content["more"] == 0, "a line that the model cannot hold against anything"
    for item in [*content["items"], *content["also"]]:
        kind, name = ("dataset", item["dataset"]) if item.get("dataset") else ("table", item["table"])
        yield Said(at, channel, item["what"], Subject(kind, name), message)  # type: ignore[arg-type]


def _rule(verdict: str) -> dict[str, Any]:
    failures = None if verdict == "error" else 0 if verdict == "pass" else 3
    return RULE | {
        "id": "known",
        "columns": ["c"],
        "status": verdict,
        "failures": failures,
        "total": None if failures is None else 10,
        "failure_ratio": None if failures is None else failures / 10,
        "message": f"{failures} of 10 rows have no c",
    }
