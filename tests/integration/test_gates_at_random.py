"""Random changes of tables, defaults, sets, datasets and waivers, and checks between them: no gate is open that the history of what was
configured does not explain, and the board says what the gate says."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from backend.configuration import layers, refreshing
from backend.configuration import store as configuration
from backend.gates.gate import of_dataset
from backend.waivers import store
from database.pool import Database, json_value
from stringx_dataops.contract.messages.requests import GateView
from stringx_dataops.contract.problems import StringXError
from tests.support.datasets import CATALOGUE, ME, apply, check_now, dataset, gate, table
from tests.support.history import refreshed, states
from tests.support.waivers import expire, waive

pytestmark = pytest.mark.long
STEPS = 120
NAMES = ("public.a", "public.b", "public.d")
KEEP = {"on_changed_rules": "keep"}
DEFAULTS = {"apiVersion": "stringx/v1", "kind": "Defaults", "target": "shop", "owner": "x"}
RULE_SET = {"apiVersion": "stringx/v1", "kind": "RuleSet", "name": "s", "target": "shop", "tables": ["public.[abd]"]}
FAILURES = {"x": 3, "s.x": 2}


@dataclass(frozen=True)
class Stood:
    """How a table stood after a step. `rules`: what a waiver of each active rule is bound to."""

    step: int
    rules_hash: str | None
    is_kept: bool
    rules: dict[str, Any]


@dataclass
class Walk:
    """The steps so far, as the database has them, and what a waiver was made for."""

    database: Database
    chance: random.Random
    tables: dict[str, list[Stood]] = field(default_factory=lambda: {name: [] for name in NAMES})
    kept_datasets: list[bool] = field(default_factory=list)
    members: Sequence[str] = ()
    waivers: dict[str, tuple[str, str, int]] = field(default_factory=dict)  # table, rule, and the step before

    def note(self, step: int) -> None:
        with self.database.transaction() as cursor:
            rows = {row["table_name"]: row for row in cursor.all("select * from stringx.configured_tables")}
            found = cursor.one("select document, tables from stringx.datasets where name = 'sales'")
        assert found is not None
        self.members = found["tables"]
        self.kept_datasets.append(found["document"].get("gate") == KEEP)
        for name, stood in self.tables.items():
            document = rows[name]["document"] if name in rows else {}
            active = [rule for rule in document.get("rules", []) if rule.get("active", True) is True]
            rules = {rule["id"]: [rule["type"], rule["column"], rule.get("where")] for rule in active}
            is_kept = document.get("gate", {}).get("on_changed_rules") == "keep"
            stood.append(Stood(step, rows[name]["rules_hash"] if name in rows else None, is_kept, rules))

    def kept_since(self, name: str, checked: str | None) -> int | None:
        """The step that first changed the rules that were checked, if each change since left the gate as it was; the number of steps
        if there was none."""
        stood = self.tables[name]
        last = max(index for index, each in enumerate(stood) if each.rules_hash == checked)
        later = stood[last + 1 :]
        assert all(each.is_kept and each.rules for each in later), (name, checked, stood)
        return later[0].step if later else len(self.kept_datasets)

    def require_waived(self, view: GateView, names: Sequence[str]) -> dict[str, str]:
        """Every failing rule of these tables has a waiver that is active and of just this rule. Returns the hash of each table."""
        with self.database.transaction() as cursor:
            row = cursor.one("select result from stringx.results where check_id = %(id)s", {"id": view.check_id})
        assert row is not None
        parts = [part for part in (row["result"].get("tables") or [row["result"]]) if part["table"] in names]
        for part in parts:
            for rule in part["rules"]:
                assert rule["shadow"] or rule["status"] == ("pass" if rule["waived"] is None else "warn"), rule
                if rule["waived"] is not None:
                    name, rule_id, before = self.waivers[rule["waived"]["id"]]
                    assert (name, rule_id) == (part["table"], rule["id"])
                    assert store.find(self.database, rule["waived"]["id"]).state == "active"
                    assert len({str(each.rules.get(rule_id)) for each in self.tables[name][before:]}) == 1
        return {part["table"]: part["rules_hash"] for part in parts}

    def require_explained(self) -> None:
        """Every open gate is open for a reason, and the board shows just these."""
        for name, stood in self.tables.items():
            if stood[-1].rules_hash is None:
                continue
            view = gate(self.database, name)
            assert (view.gate == "open") == (states(self.database)[name]["state"] == "open"), view
            if view.gate == "open":
                assert stood[-1].rules
                self.require_waived(view, [name])
                self.kept_since(name, view.rules_hash)
        whole = of_dataset(self.database, "sales")
        assert (whole.gate == "open") == (states(self.database, "dataset")["sales"]["state"] == "open"), whole
        if whole.gate == "open":
            checked = self.require_waived(whole, self.members)
            for name in self.members:
                assert self.tables[name][-1].rules_hash != "pending"
                if name not in checked:
                    assert not self.tables[name][-1].rules, "it was not checked"
                elif (since := self.kept_since(name, checked[name])) is not None:
                    assert all(self.kept_datasets[since:])

    def rules(self) -> list[dict[str, Any]]:
        chance = self.chance
        found = [{"id": name, "type": "not_null", "column": name} for name in chance.sample("xyz", chance.randint(0, 3))]
        for rule in found:
            rule |= {"where": "k > 1"} if chance.random() < 0.15 else {}
            rule |= {"active": chance.choice([False, "shadow"])} if chance.random() < 0.2 else {}
        return found

    def steps(self) -> list[Callable[[], Any]]:
        """What may happen next; some of it is refused."""
        shop, chance = self.database, self.chance
        name, failures = chance.choice(NAMES), FAILURES if chance.random() < 0.6 else {}
        setting = chance.choice([{"gate": KEEP}, {"gate": KEEP}, {"gate": {"on_changed_rules": "closed"}}, {}])
        waived = list(self.waivers) or ["0190f000-0000-7000-8000-000000000000"]
        more = chance.choice([{"gate": KEEP}, {}, {"timezone": "Europe/Berlin"}, {"gate": KEEP, "timezone": "UTC"}])
        in_set = self.rules()[:2] or [{"id": "w", "type": "not_null", "column": "w"}]
        globs = ["public.a", chance.choice(["public.[bd]*", "public.d*"])]
        return [
            *[lambda: apply(shop, table(name, rules=self.rules(), **setting))] * 3,
            lambda: layers.put(shop, CATALOGUE, ME, "Defaults", "shop", DEFAULTS | more, None),
            lambda: layers.delete(shop, CATALOGUE, ME, "Defaults", "shop", None),
            lambda: layers.put(shop, CATALOGUE, ME, "RuleSet", "s", RULE_SET | {"rules": in_set}, None),
            lambda: layers.delete(shop, CATALOGUE, ME, "RuleSet", "s", None),
            lambda: self.write_as_before(name),
            lambda: refreshing.take_up(shop, CATALOGUE),
            *[lambda: check_now(shop, failures, table=name)] * 2,
            *[lambda: check_now(shop, failures, dataset="sales")] * 2,
            lambda: apply(shop, dataset(gate=chance.choice([KEEP, KEEP, {}]), tables=globs)),
            lambda: configuration.delete_table(shop, ME, "shop", "public.d", None),
            *[lambda: self.waive(name)] * 3,
            lambda: store.delete(shop, ME, chance.choice(waived)),
            lambda: expire(shop, chance.choice(waived)),
        ]

    def waive(self, name: str) -> None:
        limit = {"at_most": self.chance.choice([2, 3, "20%", "30%"])} if self.chance.random() < 0.5 else {}
        made = waive(self.database, table=name, rule=self.chance.choice(["x", "x", "s.x"]), **limit)
        self.waivers[made.id] = (name, made.rule, len(self.kept_datasets) - 1)

    def write_as_before(self, name: str) -> None:
        """As a release before this one writes a table."""
        written = {"rules": json_value({"rules": self.rules()}), "hash": f"old{len(self.kept_datasets)}", "name": name}
        with self.database.transaction() as cursor:
            cursor.run(
                "update stringx.tables set document = document || %(rules)s, rules_hash = %(hash)s, version = version + 1"
                " where table_name = %(name)s",
                written,
            )


@pytest.mark.parametrize("seed", range(10))
def test_no_gate_is_open_without_a_reason(shop: Database, seed: int) -> None:
    walk = Walk(shop, random.Random(seed))
    apply(shop, dataset(gate=KEEP, tables=["public.a", "public.[bd]*"]))
    walk.note(0)
    for step in range(1, STEPS):
        try:
            walk.chance.choice(walk.steps())()
        except StringXError:
            pass  # such as a waiver of a rule that is not there
        walk.note(step)
        store.note_ends(shop)  # `expire` sets another time than the state knows
        refreshed(shop)
        walk.require_explained()
