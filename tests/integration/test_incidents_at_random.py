"""Random results, settings, waivers, deadlines and deletions: incidents and events are what a model of the decided gate says, which
knows nothing of the database."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from backend.gates.gate import of_dataset
from backend.requests import tracking
from backend.schedules import expecting
from backend.waivers import store as waivers
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckResult
from tests.support.datasets import ME, apply, check_now, dataset, gate, table
from tests.support.history import refreshed, taken_up
from tests.support.incidents import events, finished, incidents
from tests.support.schedules import rows
from tests.support.waivers import expire, waive

TABLES = ("public.a", "public.b")
SUBJECTS = (*TABLES, "sales")
FLIPS = {"closed", "opened", "removed", "missed"}
WINDOW = {"column": "at", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
REFUSE = "alter table stringx.check_points add constraint refused check (false) not valid"
TAKE = "alter table stringx.check_points drop constraint refused; update stringx.results set points_after = null"
# As if all that was had been five days earlier: the deadline of this midnight, or of the one before, is judged again.
LATER = (
    "update stringx.states set checked_at = checked_at - interval '5 days';"
    " update stringx.results set finished_at = finished_at - interval '5 days';"
    " update stringx.expectations set since = since - interval '5 days', missed_at = missed_at - interval '5 days',"
    " next_deadline_at = null"
)


@dataclass(frozen=True)
class Known:
    """A check that may decide a gate. `leans_on`: ids of waivers."""

    at: datetime
    verdict: str
    is_window: bool = False
    leans_on: tuple[str, ...] = ()


@dataclass
class Model:
    """What is known of a table or dataset; `flips` are the events that there should be, `number` of incidents."""

    settings: dict[str, str] = field(default_factory=dict)
    checks: list[Known] = field(default_factory=list)
    is_there: bool = True
    is_missed: bool = False
    last: Known | None = None
    gate: str | None = None
    flips: list[str] = field(default_factory=list)
    number: int = 0
    is_open: bool = False

    def deciding(self) -> Known | None:
        by_window = self.settings.get("decided_by") == "window"
        found = [each for each in self.checks if by_window or not each.is_window]
        return max(found, key=lambda each: each.at) if found and self.is_there else None

    def decided(self, ended: set[str]) -> str | None:
        if self.last is None:
            return None
        said = {"on_warn": "open", "on_error": "closed"} | self.settings
        by_verdict = {"pass": "open", "warn": said["on_warn"], "fail": "closed", "error": said["on_error"]}
        return "closed" if ended & set(self.last.leans_on) else by_verdict[self.last.verdict]

    def look(self, ended: set[str]) -> None:
        """After a step."""
        earlier, self.last = self.last, self.deciding()
        has_come = self.last is not None and self.last is not earlier and (earlier is None or self.last.at >= earlier.at)
        before, self.gate = self.gate, self.decided(ended)
        if self.gate == "closed" and before != "closed":
            self.begin("closed")
        elif self.gate == "open" and (before == "closed" or (has_come and self.is_open)):
            self.end("opened")
        elif self.is_open and (not self.is_there or (self.gate is None and before == "closed")):
            self.end("removed")
        self.is_missed = self.is_missed and not has_come and self.is_open

    def begin(self, flip: str) -> None:
        self.flips.append(flip)
        self.number += not self.is_open
        self.is_open = True

    def end(self, flip: str) -> None:
        self.flips.append(flip)
        self.is_open = False


@dataclass
class Walk:
    """The steps so far. `is_exact`: no result is late, so that since when a gate is closed is known to the moment."""

    shop: Database
    chance: random.Random
    is_exact: bool
    models: dict[str, Model] = field(default_factory=lambda: {name: Model() for name in SUBJECTS})
    waivers: dict[str, str] = field(default_factory=dict)  # by id: the table
    ended: set[str] = field(default_factory=set)
    is_refusing: bool = False
    log: list[str] = field(default_factory=list)

    def step(self) -> None:
        steps: list[Callable[[], str]] = [*[self.check] * 8, *[self.check_waived] * 2, *[self.configure] * 2]
        steps += [self.waive, self.end_waiver, self.miss, self.change_rules]
        if not all(model.is_there for model in self.models.values()):
            steps = [self.end_waiver, self.miss, self.delete_table, self.come_back]
        elif self.chance.random() < 0.03:
            steps = [self.delete_dataset]
        elif not self.is_exact and self.chance.random() < 0.05:
            steps = [self.refuse]
        self.log.append(self.chance.choice(steps)())
        waivers.note_ends(self.shop)
        refreshed(self.shop)

    def check(self) -> str:
        name = self.chance.choice(SUBJECTS)
        verdict = self.chance.choice(["pass", "pass", "warn", "fail", "fail", "error"])
        ago = timedelta(seconds=0 if self.is_exact else self.chance.choice([0, 0, 0, 0, 0.05, 60]))
        asked: dict[str, Any] = {"dataset": name, "table": None} if name == "sales" else {"table": name}
        asked |= {"window": WINDOW} if self.chance.random() < 0.25 else {}
        asked |= {"kinds": ["engineering"]} if self.chance.random() < 0.1 else {}
        found = finished(self.shop, verdict, ago=ago, **asked)
        if self.chance.random() < 0.1:
            found = found.model_copy(update={"status": "canceled", "verdict": "error"})
        tracking.store(self.shop, found.request_id, found)
        if "kinds" not in asked:
            self.know(name, found)
        return f"check {asked} {found.verdict} {found.status} {ago}"

    def check_waived(self) -> str:
        name = self.chance.choice(SUBJECTS)
        failures = {rule: 3 for rule in "ab" if self.chance.random() < 0.6}
        found = check_now(self.shop, failures, **({"dataset": name} if name == "sales" else {"table": name}))
        self.know(name, found)
        return f"check {name} {failures} {found.verdict}"

    def know(self, name: str, found: CheckResult) -> None:
        assert found.snapshot_at is not None
        assert found.verdict is not None
        parts = {part.table: part for part in found.tables} or {name: found}
        leans = {part: [rule.waived.id for rule in each.rules if rule.waived is not None] for part, each in parts.items()}
        whole = Known(found.snapshot_at, found.verdict, not found.full, tuple(each for some in leans.values() for each in some))
        if found.status != "canceled":
            self.models[name].checks.append(whole)
            for part in found.tables:
                one = replace(whole, verdict=part.verdict, leans_on=tuple(leans[part.table]))
                self.models[part.table].checks.append(one)

    def document(self, name: str) -> dict[str, Any]:
        more = {"gate": self.models[name].settings, "expected_by": {"time": "00:00"}}
        return dataset(tables=list(TABLES), **more) if name == "sales" else table(name, name[-1], **more)

    def configure(self) -> str:
        name = self.chance.choice(SUBJECTS)
        words = {"on_warn": ["open", "closed"], "on_error": ["closed", "open"], "decided_by": ["full", "window"]}
        word = self.chance.choice(list(words))
        self.models[name].settings[word] = self.chance.choice(words[word])
        apply(self.shop, self.document(name))
        return f"configure {name} {self.models[name].settings}"

    def change_rules(self) -> str:
        name = self.chance.choice(TABLES)
        self.run(f"update stringx.tables set rules_hash = rules_hash || 'x' where table_name = '{name}'")
        return f"other rules of {name}"

    def waive(self) -> str:
        name = self.chance.choice(TABLES)
        if name not in [of for waiver, of in self.waivers.items() if waiver not in self.ended]:
            self.waivers[waive(self.shop, table=name, rule=name[-1]).id] = name
        return f"waive {name}"

    def end_waiver(self) -> str:
        left = sorted(self.waivers.keys() - self.ended)
        if left and self.chance.random() < 0.5:
            waivers.delete(self.shop, ME, left[0])
        elif left:
            expire(self.shop, left[0])
        self.ended |= set(left[:1])
        return "end a waiver"

    def miss(self) -> str:
        self.run(LATER)
        expecting.look(self.shop)
        for model in self.models.values():
            if model.is_there and not (model.is_missed and model.is_open):
                model.begin("missed")
                model.is_missed = True
        return "miss"

    def delete_dataset(self) -> str:
        self.run("delete from stringx.datasets")
        self.models["sales"].is_there = False
        return "delete the dataset"

    def delete_table(self) -> str:
        name = self.chance.choice(TABLES)
        self.run(f"delete from stringx.tables where table_name = '{name}'")
        self.models[name].is_there = False
        self.ended |= {waiver for waiver, of in self.waivers.items() if of == name}
        return f"delete {name}"

    def come_back(self) -> str:
        for model in self.models.values():
            model.is_there = True
        apply(self.shop, *[self.document(name) for name in SUBJECTS])
        return "all come back"

    def refuse(self) -> str:
        self.is_refusing = not self.is_refusing
        self.run(REFUSE if self.is_refusing else TAKE)
        taken_up(self.shop)
        return f"histories are refused: {self.is_refusing}"

    def run(self, statement: str) -> None:
        with self.shop.transaction() as cursor:
            cursor.run(statement)

    def require(self) -> None:
        """All that the database has is what the models say."""
        stood = {row["name"]: row for row in rows(self.shop, "select * from stringx.states")}
        found, told = incidents(self.shop), events(self.shop)
        for name, model in self.models.items():
            model.look(self.ended)
            where, state, mine = (name, self.log[-6:]), stood.get(name), [each for each in found if each["name"] == name]
            flips = [word for each in told if each["name"] == name for word in each["kinds"] if word in FLIPS]
            assert flips == model.flips, where
            lasting = [each for each in mine if each["closed_at"] is None]
            assert (len(mine), len(lasting)) == (model.number, model.is_open), where
            assert model.is_open == (model.gate == "closed" or model.is_missed), where
            for before, after in pairwise(mine):
                assert before["opened_at"] <= before["closed_at"] <= after["opened_at"], where
            assert (state is not None) == model.is_there, where
            if state is None:
                continue
            linked = state["incident_id"] and str(state["incident_id"])
            assert (state["gate"], linked) == (model.gate, lasting[0]["incident_id"] if lasting else None), where
            if self.is_exact and lasting and lasting[0]["kind"] == "closed":
                ends = [each["closed_at"] for each in mine if each["closed_at"] is not None]
                assert lasting[0]["opened_at"] == max([state["since"], *ends]), where
        name = self.chance.choice([name for name in SUBJECTS if self.models[name].is_there] or [""])
        if name:
            view = of_dataset(self.shop, name) if name == "sales" else gate(self.shop, name)
            assert view.gate == "closed" or self.models[name].gate == "open", (name, self.log[-6:])


@pytest.mark.parametrize(("seed", "steps"), [(8, 35), *(pytest.param(seed, 80, marks=pytest.mark.long) for seed in range(30))])
def test_incidents_are_what_the_decided_gate_says(shop: Database, seed: int, steps: int) -> None:
    walk = Walk(shop, random.Random(seed), is_exact=seed % 2 == 0)
    apply(shop, *[walk.document(name) for name in SUBJECTS])
    for _ in range(steps):
        walk.step()
        walk.require()
