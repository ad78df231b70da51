"""One process of each role, as an installation has them, with nothing between them, and many small tables on two targets."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.installation import Installation

# One database under two addresses: to the children these are two targets.
TARGETS = {"left": "127.0.0.1", "right": "localhost"}
COLUMNS = ("id", "customer", "product", "quantity", "price", "state", "placed_on", "note")
STATES = ("open", "paid", "sent")
RULES: list[dict[str, Any]] = [
    *({"id": f"{column}_known", "type": "not_null", "column": column} for column in COLUMNS),
    {"id": "state_known", "type": "accepted_values", "column": "state", "arguments": {"values": list(STATES)}},
    {"id": "id_unique", "type": "unique", "columns": ["id"]},
]
RULES[COLUMNS.index("state")]["id"] = "state_given"
# Every tenth table has one fault, another one each time.
_FAULTS = ("id repeated", "state unknown", "note missing")
_FILL = """
create table {name} as
select (case when {repeated} and n = 2 then 1 else n end)::bigint as id, (n % 17)::integer as customer,
       (n % 5)::smallint as product, n % 9 + 1 as quantity, (n * 1.25)::numeric(10, 2) as price,
       case when {unknown} and n = 3 then 'lost' else (array['open', 'paid', 'sent'])[n % 3 + 1] end as state,
       date '2026-01-01' + n % 300 as placed_on, case when not ({missing} and n = 4) then 'note ' || n end as note
from generate_series(1, {rows}) n
"""
# What plain SQL says: the violations of all ten rules together.
_TRUTH = (
    "select {nulls} + count(*) filter (where state not in ('open', 'paid', 'sent')) + count(id) - count(distinct id) from {name}"
)


@dataclass(frozen=True)
class Table:
    """A table of one of the targets, and the verdict that plain SQL gives it."""

    target: str
    name: str
    verdict: str

    @property
    def relation(self) -> str:
        return f"public.{self.name}"


def temporary(installation: Installation) -> Path:
    """TMPDIR of its processes."""
    return installation.folder / "tmp"


@contextmanager
def installed(max_checks: int, concurrency: int = 2, **variables: str) -> Iterator[Installation]:
    """Running, warm, and with both targets configured."""
    installation = Installation(lease_s=20, each=1)
    direct = {"DATAOPS_URL": installation["api-1"].url, "BACKEND_URL": installation["backend-1"].url}
    temporary(installation).mkdir()
    temporary(installation).chmod(0o777)
    own = {
        "WORKER_CONCURRENCY": str(concurrency),
        "WORKER_MAX_CHECKS": str(max_checks),
        "TMPDIR": str(temporary(installation)),
    } | variables
    for process in installation.processes.values():
        process.environment |= direct | own
    try:
        installation.start()
        for target, host in TARGETS.items():
            installation.configure_target(target, host=host)
        yield installation
    finally:
        _stop(installation)
        installation.end()


def _stop(installation: Installation) -> None:
    """In order: a killed PostgreSQL leaves its shared memory behind."""
    for process in installation.processes.values():
        if process.runs:
            process.stop()
    for postgres in (installation.internal, installation.checked):
        postgres.stop()


def make_tables(installation: Installation, number: int, rows: int = 100) -> list[Table]:
    """Half of them on each target."""
    tables = []
    for place in range(number):
        name = f"orders_{place:04d}"
        fault = _FAULTS[place // 10 % len(_FAULTS)] if place % 10 == 7 else None
        flags = {"repeated": fault == _FAULTS[0], "unknown": fault == _FAULTS[1], "missing": fault == _FAULTS[2]}
        installation.load(_FILL.format(name=name, rows=rows, **flags) + f"; alter table {name} set (autovacuum_enabled = false)")
        nulls = " + ".join(f"count(*) filter (where {column} is null)" for column in COLUMNS)
        [(violations,)] = installation.target.query(_TRUTH.format(nulls=nulls, name=name))
        tables.append(Table(list(TARGETS)[place % 2], name, "fail" if violations else "pass"))
        document = {"apiVersion": "stringx/v1", "target": tables[-1].target, "table": tables[-1].relation, "rules": RULES}
        installation.put(f"tables/{tables[-1].target}/{tables[-1].relation}", document)
    installation.load("analyze")
    return tables
