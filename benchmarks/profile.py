"""What a profile of a million rows and twenty columns costs beside SQL by hand that reads the same numbers.

`python -m benchmarks.profile`: the engine's warm child and psql in turn on one server, several rounds, medians; the numbers of
both are compared, too. By hand it is one scan for all aggregates, and a statement per column that groups its values. Figures are
ratios of one run; seconds are there to be compared within it.
"""

import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from api.engine.command import DbtProject
from api.engine.pool import ChildFactory, Slot
from database import embedded
from stringx_dataops.contract.messages.profiles import SAMPLE_ROWS, SAMPLED_ABOVE, SEED
from stringx_dataops.contract.settings import ROOT
from tests.support.databases import Admin, Target, make_target, running_cluster
from tests.support.engine import gate

ROWS = 1_000_000
ROUNDS = 3
TABLE = f"""
create table measured as
select n as id, (hashint4(n) % 1000000) as amount, case when n % 100 <> 0 then n % 1000 end as shop, n % 12 as month,
       (hashint4(n + 7) % 100000)::numeric / 100 as price, (hashint4(n + 9) % 1000) / 10.0::double precision as weight,
       (hashint4(n + 11) % 5)::real as rating, n::bigint * 7 as big, n % 2 = 0 as paid,
       case when n % 3 = 0 then n % 5 = 0 end as maybe, timestamptz '2026-01-01' + n * interval '1 second' as sold_at,
       timestamp '2026-01-01' + (n % 5000) * interval '1 hour' as due_at, date '2020-01-01' + n % 2000 as day,
       (array['open', 'paid', 'sent', 'lost'])[1 + n % 4] as status, 'city ' || n % 1000 as city,
       'user' || n || '@example.com' as email, md5(n::text) as code,
       case when n % 10 = 0 then 'a note of order ' || n % 20000 end as note, (n % 500)::text as number,
       md5((n % 50000)::text)::uuid as customer
from generate_series(1, {ROWS}) n
"""
NUMBERS = ("id", "amount", "shop", "month", "price", "weight", "rating", "big")
TEXTS = ("status", "city", "email", "code", "note", "number")
TIMES = ("sold_at", "due_at", "day")
COLUMNS = ("id", "amount", "shop", "month", "price", "weight", "rating", "big", "paid", "maybe", *TIMES, *TEXTS, "customer")
LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
FORMATS = {
    "email": rf"^[A-Za-z0-9.!#$%&''*+/=?^_`{{|}}~-]+@{LABEL}([.]{LABEL})+$",
    "url": "^(https?|ftp)://[^[:space:]]+$",
    "uuid": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
    "ipv4": r"^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)([.](25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$",
    "ipv6": "^[0-9a-fA-F:]*:[0-9a-fA-F:]*:[0-9a-fA-F:.]*$",
    "date": r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$",
    "timestamp": r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?$",
    "e164": r"^[+][1-9]\d{0,14}$",
    "country_alpha2": "^[A-Z]{2}$",
    "currency": "^[A-Z]{3}$",
}
CASTS = ("bigint", "numeric", "boolean", "date", "timestamp")


def by_hand() -> list[str]:
    """The scan, then a statement per column; each a row of its numbers, in the order of `of_profile`."""
    parts = ["count(*)"]
    for column in COLUMNS:
        parts.append(f"count({column})")
        if column in NUMBERS:
            parts += [f"count(*) filter (where {column} = 0)", f"count(*) filter (where {column} < 0)"]
        if column in ("price", "weight", "rating"):
            parts += [
                f"count(*) filter (where {column} = 'NaN')",
                f"count(*) filter (where {column} in ('Infinity', '-Infinity'))",
            ]
        if column in NUMBERS:
            parts += [f"round(avg({column})::numeric, 6)", f"round(stddev_samp({column})::numeric, 6)"]
        if column in ("paid", "maybe"):
            parts += [f"count(*) filter (where not {column})"]
        if column in TIMES:
            parts += [
                f"count(*) filter (where {column} > now())",
                f"count(*) filter (where {column} in ('infinity', '-infinity'))",
            ]
            for span in ("1 hour", "24 hours", "168 hours", "720 hours"):
                parts.append(f"count(*) filter (where {column} <= now() and {column} > now() - interval '{span}')")
    statements = [f"select {', '.join(parts)} from measured"]
    for column in COLUMNS:
        parts = ["count(*)", "count(*) filter (where n = 1)", "max(n)"]
        if column in TEXTS:
            parts += ["min(length(v))", "max(length(v))", "round(sum(length(v) * n) / sum(n), 6)"]
            parts += [f"coalesce(sum(n) filter (where {condition}), 0)" for condition in _conditions()]
        groups = f"select {column} as v, count(*) as n from measured where {column} is not null group by 1"
        statements.append(f"select {', '.join(parts)} from ({groups}) as g")
    return statements


def _conditions() -> list[str]:
    casts = [f"pg_input_is_valid(v, '{cast}')" for cast in ("json", *CASTS)]
    return [r"v ~ '^\s*$'", "v like ' %' or v like '% '", *(f"v ~ '{pattern}'" for pattern in FORMATS.values()), *casts]


def of_profile(outcome: dict[str, Any]) -> list[list[str]]:
    """The numbers of a profile, as the statements by hand select them."""
    measured = outcome["profile"]
    columns = {column["name"]: column["measures"] for column in measured["columns"]}
    scan, groups = [str(measured["rows"])], []
    after = ("zeros", "negatives", "nan", "infinities", "mean", "stddev")
    for name in COLUMNS:
        found = columns[name]
        moments = ("future", "infinities", "1h", "1d", "7d", "30d") if name in TIMES else after
        scan += [found[each] for each in ("values", *moments) if each in found]
        texts = ("shortest", "longest", "length", "blanks", "padded") if name in TEXTS else ()
        more = [f"format {each}" for each in (*FORMATS, "json")] + [f"castable {each}" for each in CASTS] if name in TEXTS else []
        groups.append([found[each] for each in ("distinct", "singles", "most_common", *texts, *more)])
    return [scan, *groups]


def _rounded(numbers: list[str]) -> list[float]:
    return [float(f"{float(number):.6f}") for number in numbers]


def run(target: Target, home: Path) -> dict[str, Any]:
    target.execute(TABLE)
    target.execute("vacuum (analyze) measured")
    child_factory = ChildFactory(DbtProject(ROOT / "stringx", ROOT / "stringx"), home)
    child = Slot(child_factory, 10_000)
    child.ensure_warm()
    settings = {"columns": None, "sample_rows": None, "sampled_above": SAMPLED_ABOVE, "default_rows": SAMPLE_ROWS, "seed": SEED}
    spec: Any = gate("measured", statement_timeout_ms=600_000) | {"profile": settings}
    file = home / "by-hand.sql"
    file.write_text(";\n".join(by_hand()) + ";\n")
    command = [str(embedded.binaries() / "psql"), target.loader_url, "-qAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-f", str(file)]

    def profile() -> list[list[str]]:
        answer = child.run(spec, home / "run", target.environment(), 600)
        assert answer.outcome is not None, answer.message
        return of_profile(json.loads(answer.outcome))

    def psql() -> list[list[str]]:
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        return [line.split("\t") for line in text.splitlines()]

    seconds: dict[str, list[float]] = {"profile": [], "psql": []}
    for round_number in range(ROUNDS + 1):
        read = {}
        for way in (profile, psql):
            began = time.perf_counter()
            read[way.__name__] = way()
            if round_number:  # the first warms up
                seconds[way.__name__].append(time.perf_counter() - began)
        for ours, theirs in zip(read["profile"], read["psql"], strict=True):
            assert _rounded(ours) == _rounded(theirs), (ours, theirs)
    child.kill()
    child_factory.close()
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    return {
        "rows": ROWS,
        "columns": len(COLUMNS),
        "server": target.query("show server_version")[0][0],
        "seconds": {name: round(median, 2) for name, median in medians.items()},
        "spread": {name: [round(min(taken), 2), round(max(taken), 2)] for name, taken in seconds.items()},
        "ratio": round(medians["profile"] / medians["psql"], 2),
    }


def main() -> None:
    with running_cluster() as cluster, tempfile.TemporaryDirectory() as home:
        target = make_target(Admin(cluster), Path(home) / "secrets")
        print(json.dumps(run(target, Path(home)), indent=2))


if __name__ == "__main__":
    main()
