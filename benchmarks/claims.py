"""What a claim costs with 100,000 checks waiting, and a million done, beside a queue that is almost empty.

`python -m benchmarks.claims`: the product's own statements on one server; medians and the slowest of a hundred.
"""

import json
import statistics
import time
from typing import Any

from api.checks import claims
from database.migrate import migrate
from database.pool import Database
from stringx_dataops.contract.problems import StringXError
from tests.support.databases import Admin, running_cluster

DONE, WAITING, TARGETS, TABLES, CLAIMS = 1_000_000, 100_000, 20, 500, 100
TARGET = """
insert into stringx.targets (name, document, version)
select 't' || n, jsonb_build_object('max_concurrent_checks', 100), 1 from generate_series(0, %(targets)s - 1) n
"""
FILL = """
insert into dataops.checks (check_id, request_id, body, body_hash, target, table_name, mode, timeout_s, is_full, status,
                            finished_at)
select gen_random_uuid(), %(name)s || n, jsonb_build_object('target', target, 'table', name), decode(md5(n::text), 'hex'),
       target, name, case when n %% 10 = 0 then 'sync' else 'async' end, 60, true, %(status)s,
       case when %(status)s = 'succeeded' then clock_timestamp() end
from generate_series(%(from)s::integer, %(to)s::integer) n,
     lateral (select 't' || n %% %(targets)s, 'public.a' || n %% %(tables)s) as named(target, name)
"""


def fill(database: Database, name: str, status: str, number: int, targets: int = TARGETS) -> None:
    """In steps, as a statement has a limited time."""
    for first in range(0, number, 2_000):
        to = min(number, first + 2_000) - 1
        parameters = {"name": f"{name} ", "status": status, "from": first, "to": to, "targets": targets, "tables": TABLES}
        with database.transaction() as cursor:
            cursor.run(FILL, parameters)


def measure(database: Database) -> dict[str, float]:
    """Milliseconds of claims that find something; what was claimed runs on, so that each claim meets more of it."""
    taken = []
    for _ in range(CLAIMS):
        began = time.perf_counter()
        found = claims.claim(database, "w")
        taken.append((time.perf_counter() - began) * 1000)
        if found is None:
            raise StringXError("nothing to claim")
    return {"median_ms": round(statistics.median(taken), 2), "slowest_ms": round(max(taken), 2)}


def run(admin: Admin, prepare: list[tuple[str, str, int, int]]) -> dict[str, float]:
    name = f"claims_{time.monotonic_ns()}"
    admin.run(f"create database {name}")
    database = Database(admin.url(name), size=2)
    migrate(database)
    with database.transaction() as cursor:
        cursor.run(TARGET, {"targets": TARGETS})
    for step in prepare:
        fill(database, *step)
    admin.run("vacuum (analyze) dataops.checks, dataops.lines, dataops.targets", name)
    found = measure(database)
    database.close()
    return found


def main() -> None:
    with running_cluster() as cluster:
        admin = Admin(cluster)
        found: dict[str, Any] = {
            "few waiting": run(admin, [("w", "queued", 200, TARGETS)]),
            "100,000 waiting, 1,000,000 done": run(admin, [("d", "succeeded", DONE, TARGETS), ("w", "queued", WAITING, TARGETS)]),
            "100,000 waiting for one target": run(admin, [("w", "queued", WAITING, 1)]),
        }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
