"""A warm dbt child for the tests of a process, and short ways to run the gate test in it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from api.checks.specification import custom_sql_facts, type_facts
from api.engine.command import DbtProject
from api.engine.pool import ChildFactory, Slot
from api.engine.run_result import DbtRunResult
from api.worker import encodings, lock_retry
from stringx_dataops.contract.adapters import Adapter
from stringx_dataops.contract.ascii_case import folded
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.documents.globs import python_pattern
from stringx_dataops.contract.gate_test.outcome import Outcome
from stringx_dataops.contract.gate_test.specification import Specification
from stringx_dataops.contract.settings import ROOT
from tests.support import loaded, typed
from tests.support.databases import Target
from tests.support.projects import copy_with

PROJECT = DbtProject(ROOT / "stringx", ROOT / "stringx")
CATALOGUE = Catalogue.load(ROOT / "stringx")
# Orders that violate every simple rule, and their customers.
SHOP = """
create table customers (customer_id integer, region text);
insert into customers values (1, 'north'), (2, 'south'), (null, 'east');
create table orders (order_id integer, customer_id integer, region text, status text, price numeric, ordered_at timestamptz);
insert into orders values
  (1, 1,    'north', 'open',   10.5, '2026-01-01 00:00+00'),
  (2, 2,    'south', 'Open',   null, '2026-01-02 00:00+00'),
  (2, 3,    'south', 'closed', -1,   '2026-01-03 00:00+00'),
  (2, null, null,    null,     99,   '2026-01-04 00:00+00'),
  (null, 1, 'north', 'lost',   100,  null),
  (null, 1, 'north', 'lost',   0,    '2026-01-05 00:00+00');
"""


def rule(
    id: str,
    type: str,
    *columns: str,
    fail_above: Any = 0,
    warn_above: Any = None,
    where: str | None = None,
    adapter: Adapter = "postgres",
    **arguments: Any,
) -> dict[str, Any]:
    """A rule as the gate specification has it; thresholds as counts, or shares where they are none. `adapter`: whose custom SQL it is."""

    def threshold(value: Any) -> dict[str, Any] | None:
        return None if value is None else {"share": str(value)} if isinstance(value, (float, Decimal)) else {"count": value}

    specification = {
        "id": id,
        "type": type,
        "columns": list(columns),
        "arguments": arguments,
        "where": where,
        "warn_above": threshold(warn_above),
        "fail_above": threshold(fail_above),
    }
    if (rule_type := CATALOGUE.get(type)) is None:
        return specification
    dialect = dialect_of(adapter)
    texts = [text for text in (where, *arguments.values()) if isinstance(text, str)]
    tables = {name for text in texts for name in dialect.bare_names(text)}  # each could be the table's name, which comes later
    if rule_type.all_by_default and not columns:
        specification |= {"columns": ["*"], "column_globs": {"*": python_pattern("*")}, "most_columns": rule_type.max_columns}
    return {
        **specification,
        **type_facts(rule_type, arguments, dialect),
        **custom_sql_facts(rule_type, arguments, where, dialect, tables),
    }


def gate(table: str, *rules: dict[str, Any], schema: str = "public", **changes: Any) -> dict[str, Any]:
    """A gate specification of one table."""
    settings = {name: changes.pop(name) for name in ("statement_timeout_ms", "lock_timeout_ms") if name in changes}
    one = {
        "schema": schema,
        "name": table,
        "timezone": "UTC",
        "on_empty": "fail",
        "window": None,
        "key": [],
        "sample_rows": 0,
        "sample_columns": [],
        "rules": [_of_table(each, table) for each in rules],
    }
    return {
        "statement_timeout_ms": 60_000,
        "lock_timeout_ms": 2_000,
        "work_mem": None,
        "max_parallel_workers_per_gather": None,
        "tables": [one | changes],
    } | settings


def _of_table(rule: dict[str, Any], table: str) -> dict[str, Any]:
    """A rule of `rule`, of whose names those are left that may mean a whole row: of this table, or of another one that it reads."""
    tables = {folded(name) for name in (table, *(parts[-1] for parts in rule.get("relations", ())))}
    named = {
        field: left
        for field, names in rule.get("named", {}).items()
        if (left := [each for each in names if folded(each) in tables])
    }
    return {**{key: value for key, value in rule.items() if key != "named"}, **({"named": named} if named else {})}


def held_to_the_border(spec: dict[str, Any], answer: DbtRunResult) -> None:
    """No key of the specification, or of the outcome, that is not declared, none missing, and values of the declared types."""
    faults = list(typed.faults(spec, Specification, "specification"))
    if answer.outcome is not None and not spec.get("plan_only"):
        faults += typed.faults(json.loads(answer.outcome), Outcome, "outcome")
    assert not faults, faults[:5]


@dataclass
class Engine:
    """Runs specifications in a warm child."""

    child: Slot
    folder: Path

    def answer(self, target: Target, spec: dict[str, Any]) -> DbtRunResult:
        """As the worker gets it."""
        self.child.ensure_warm()

        engine = target.engine()

        def run(spec: dict[str, Any]) -> DbtRunResult:
            return self.child.run(spec, self.folder, target.environment(), 90)

        def locked(spec: dict[str, Any]) -> DbtRunResult:
            return lock_retry.run_with_locks(run, spec, engine.refused_lock)

        answer = encodings.run_encodable(locked, spec, engine.refused_character)
        held_to_the_border(spec, answer)
        return answer

    def outcome(self, target: Target, spec: dict[str, Any]) -> dict[str, Any]:
        """The outcome of the specification's one table."""
        answer = self.answer(target, spec)
        assert answer.outcome is not None, answer.message
        table: dict[str, Any] = json.loads(answer.outcome)["tables"][0]
        return table

    def rules(self, target: Target, spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
        return {found["id"]: found for found in self.outcome(target, spec)["rules"]}


@dataclass
class Project:
    """A copy of the dbt project with some of its rule types and one of its own, `always`, and a factory of children that has loaded it."""

    folder: Path
    child_factory: ChildFactory

    def says(self, violation: str) -> None:
        """The violation's SQL, in Jinja's terms."""
        returned = f"{{{{ return({{'violation': {violation}}}) }}}}"
        macro = f"{{% macro stringx_rule__always(rule, scope) %}}{returned}{{% endmacro %}}"
        (self.folder / "macros" / "always.sql").write_text(macro)


@contextmanager
def a_project(folder: Path, violation: str = "'false'") -> Iterator[Project]:
    """One whose type `always` says so."""
    copy = copy_with(("not_null", "expression", "between", "sql"), folder / "project")
    made = Project(copy, ChildFactory(DbtProject(copy, copy), folder / "home", loaded.folder("always")))
    made.says(violation)
    yield made
    made.child_factory.close()
