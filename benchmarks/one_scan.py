"""What more rules cost on a million rows, and what the check costs beside the same SELECT run by psql.

`python -m benchmarks.one_scan`: the engine's warm child and psql in turn on one server, several rounds, medians. Figures are
ratios of one run; seconds are there to be compared within it.
"""

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.engine.command import DbtProject
from api.engine.pool import ChildFactory, Slot
from database import embedded
from stringx_dataops.contract.settings import ROOT
from tests.support.databases import Admin, Target, make_target, running_cluster
from tests.support.engine import gate, rule

ROWS = 1_000_000
ROUNDS = 9
TABLE = f"""
create table measured as
select n as id, (hashint4(n) % 1000000) as amount, case when n % 100 <> 0 then n % 1000 end as shop, md5(n::text) as code,
       (hashint4(n + 7) % 1000) / 10.0::double precision as price, timestamptz '2026-01-01' + n * interval '1 second' as sold_at,
       (n % 7)::text as status, n % 2 = 0 as paid
from generate_series(1, {ROWS}) n
"""
COLUMNS = ("id", "amount", "shop", "code", "price", "sold_at", "status", "paid")


def rules(number: int) -> list[dict[str, Any]]:
    """Row rules of five types in turn, all different."""
    found = []
    for n in range(number):
        made = (
            lambda n: rule(f"r{n}", "not_null", COLUMNS[n % 8]),
            lambda n: rule(f"r{n}", "between", "amount", min=-(10**6) - n, max=10**6 + n),
            lambda n: rule(f"r{n}", "accepted_values", "status", values=[str(value) for value in range(7 + n % 2)]),
            lambda n: rule(f"r{n}", "expression", sql=f"price >= {-100 - n} and id > {-n}"),
            lambda n: rule(f"r{n}", "compare", "id", operator=">", other_column="shop", where=f"id > {1000 + n}"),
        )[n % 5]
        found.append(made(n))
    return found


def same_select(number: int) -> str:
    """The SELECT by hand: what a person would write to count the same."""
    parts = ["count(*)"]
    for one in rules(number):
        arguments, column = one["arguments"], one["columns"][0] if one["columns"] else ""
        condition = {
            "not_null": f"{column} is null",
            "between": f"amount < {arguments.get('min')} or amount > {arguments.get('max')}",
            "accepted_values": "status not in (" + ", ".join(f"'{value}'" for value in arguments.get("values", ["x"])) + ")",
            "expression": f"({arguments.get('sql', 'true')}) is false",
            "compare": f"{one['where']} and (id > shop) is false",
        }[one["type"]]
        parts.append(f"count(*) filter (where {condition})")
    return "select " + ",\n".join(parts) + " from public.measured;\n"


def run(target: Target, home: Path) -> dict[str, Any]:
    target.execute(TABLE)
    target.execute("vacuum (analyze) measured")
    child_factory = ChildFactory(DbtProject(ROOT / "stringx", ROOT / "stringx"), home)
    child = Slot(child_factory, 10_000)
    child.ensure_warm()

    def check(number: int) -> Callable[[], None]:
        spec = gate("measured", *rules(number))

        def once() -> None:
            answer = child.run(spec, home / "run", target.environment(), 120)
            assert answer.outcome is not None, answer.message
            assert {found["status"] for found in json.loads(answer.outcome)["tables"][0]["rules"]} <= {"pass", "fail"}

        return once

    def psql(number: int) -> Callable[[], None]:
        file = home / f"{number}.sql"
        file.write_text(same_select(number))
        command = [str(embedded.binaries() / "psql"), target.loader_url, "-qAt", "-v", "ON_ERROR_STOP=1", "-f", str(file)]
        return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL) and None

    ways = {f"{way.__name__} {number}": way(number) for number in (10, 50) for way in (check, psql)}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for round_number in range(ROUNDS + 1):
        for name, once in ways.items():
            began = time.perf_counter()
            once()
            if round_number:  # the first warms up
                seconds[name].append(time.perf_counter() - began)
    child.kill()
    child_factory.close()
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    return {
        "rows": ROWS,
        "server": target.query("show server_version")[0][0],
        "seconds": {name: round(median, 4) for name, median in medians.items()},
        "spread": {name: [round(min(taken), 4), round(max(taken), 4)] for name, taken in seconds.items()},
        "ratios": {
            "50 rules to 10 rules": round(medians["check 50"] / medians["check 10"], 2),
            "check to psql, 10 rules": round(medians["check 10"] / medians["psql 10"], 2),
            "check to psql, 50 rules": round(medians["check 50"] / medians["psql 50"], 2),
        },
    }


def main() -> None:
    with running_cluster() as cluster, tempfile.TemporaryDirectory() as home:
        target = make_target(Admin(cluster), Path(home) / "secrets")
        print(json.dumps(run(target, Path(home)), indent=2))


if __name__ == "__main__":
    main()
