"""The rules by the engine's warm child: one check of some rules, on one table or several."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from api.engine.command import DbtProject
from api.engine.pool import ChildFactory, Slot
from benchmarks.mix.rules import Rule
from stringx_dataops.contract.settings import ROOT
from tests.support.databases import Target
from tests.support.engine import gate, rule

MEASURED = ("aggregate", "correlation", "quantiles", "row_count", "freshness")
PATIENCE_S = 600


class Ours:
    def __init__(self, target: Target, home: Path) -> None:
        self._target, self._home = target, home
        self._factory = ChildFactory(DbtProject(ROOT / "stringx", ROOT / "stringx"), home)
        self._child = Slot(self._factory, 100_000)
        self._child.ensure_warm()
        self._specifications: dict[tuple[str, ...], dict[str, Any]] = {}

    def close(self) -> None:
        self._child.kill()
        self._factory.close()

    def check(self, rules: Sequence[Rule]) -> dict[str, Any]:
        """What the answer of each rule is, as the rule is compared."""
        answer = self._child.run(self._specification(rules), self._home / "run", self._target.environment(), PATIENCE_S)
        assert answer.outcome is not None, answer.message
        found: dict[str, Any] = {}
        for table in json.loads(answer.outcome)["tables"]:
            for one in table["rules"]:
                assert one["status"] != "error", f"{table['name']}.{one['id']}: {one['reason']}"
                found[f"{table['name']}.{one['id']}"] = one
        return {one.name: _answer(one, found[one.name]) for one in rules}

    def _specification(self, rules: Sequence[Rule]) -> dict[str, Any]:
        names = tuple(one.name for one in rules)
        if names not in self._specifications:
            tables = []
            for table in dict.fromkeys(one.table for one in rules):
                made = [_as_specified(one) for one in rules if one.table == table]
                tables += gate(table, *made)["tables"]
            self._specifications[names] = gate("", statement_timeout_ms=PATIENCE_S * 1000) | {"tables": tables}
        return self._specifications[names]


def _as_specified(one: Rule) -> dict[str, Any]:
    bounds: dict[str, Any] = {"fail_above": None} if one.type in MEASURED else {}
    return rule(one.id, one.type, *one.columns, where=one.where, **bounds, **one.arguments)


def _answer(one: Rule, found: dict[str, Any]) -> Any:
    if one.answer == "holds":
        return int(found["status"] == "fail")
    return found["failures" if one.answer == "failures" else "measured"]
