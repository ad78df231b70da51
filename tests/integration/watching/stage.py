"""The product's side of a simulation: results are stored and messages planned by its own functions, on a real database, at simulated
times."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from backend.incidents import acting
from backend.notifications.planning import Planner
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.incidents import Acknowledgement
from tests.integration.watching.model import Route, Said
from tests.integration.watching.mortal import Mortal
from tests.integration.watching.world import Acknowledged, Check, Subject, World
from tests.support import watching
from tests.support.datasets import ME, TARGET, apply
from tests.support.processes import eventually

RULE = {"type": "not_null", "kind": "engineering", "dimension": "completeness", "measured": None, "verified_by": "scan"}
LOOKS = [timedelta(seconds=seconds) for seconds in (1, 4, 120)]  # after what happens on the grid: routed, told, repeated
_LOCKS = """
select 1 as held from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
"""


@dataclass
class Stage:
    """`received`: all that channels were told. `messages`: how many arrived. `killed`: how many planners were."""

    database: Database
    hashes: dict[str, str] = field(default_factory=dict)
    received: list[Said] = field(default_factory=list)
    messages: int = 0
    killed: int = 0

    def __post_init__(self) -> None:
        self._planner = Planner(self.database)

    def play(self, world: World, mortal: Mortal, chance: random.Random, kills: float) -> None:
        """Each step: results are stored, then messages are planned and arrive. Planners of another process are killed in the share
        `kills` of the steps in which something happens, or plan beside."""
        for at, happenings in world.steps:
            for happening in happenings:
                self.happen(happening)
            for now in (at + after for after in LOOKS):
                if happenings and chance.random() < kills:
                    self._plan_badly(now, mortal, chance)
                self._planner.turn(now)
                self.deliver(now)

    def _plan_badly(self, now: datetime, mortal: Mortal, chance: random.Random) -> None:
        dies_before = chance.choice([None, *range(24)])
        mortal.begin(now, dies_before)
        if dies_before is None:
            self._planner.turn(now)
        self.killed += mortal.was_killed()
        eventually(self._nobody_plans, 60, "the end of a killed planner's session")

    def _nobody_plans(self) -> bool:
        with self.database.transaction() as cursor:
            return not cursor.all(_LOCKS)

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
        apply(self.database, TARGET, *tables, *datasets)
        watching.configure(self.database, *(watching.channel(name) for name in names), *(route.document for route in routes))
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
        """Whoever comes too late is refused."""
        with self.database.transaction() as cursor:
            open_one = cursor.one(
                "select incident_id::text from stringx.incidents where subject_kind = %(kind)s and name = %(name)s and closed_at is null",
                {"kind": happening.about.kind, "name": happening.about.name},
            )
        if open_one is not None:
            order = Acknowledgement(until=happening.until)
            acting.acknowledge(self.database, ME, open_one["incident_id"], order, happening.at)

    def deliver(self, now: datetime) -> None:
        """Every message that is due arrives."""
        with self.database.transaction() as cursor:
            rows = cursor.all(
                """update stringx.notifications set delivered_at = %(now)s, attempts = attempts + 1
                where delivered_at is null and given_up_at is null and withdrawn_at is null and due_at <= %(now)s
                returning notification_id, channel, content""",
                {"now": now},
            )
        self.messages += len(rows)
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
