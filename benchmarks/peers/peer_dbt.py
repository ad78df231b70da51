"""dbt's own generic tests in the YAML of a source: `dbt test` from the shell, and `dbtRunner` in a warm process."""

import json
from collections.abc import Sequence
from contextlib import ExitStack

import yaml

from benchmarks.peers.environments import PeerError, environment
from benchmarks.peers.rules import TEN, dbt_columns
from benchmarks.peers.server import CHECKED, Server
from benchmarks.peers.verdicts import Verdict
from benchmarks.peers.warm import started
from benchmarks.peers.ways import Answer, Way, timed

NAMES = ("dbt_shell", "dbt_warm")
THREADS = 4
MEASURES = {"_accepted_values": "values", "_unique": "values"}  # dbt's tests count the values, not the rows


def ways(server: Server, tables: Sequence[str], stack: ExitStack) -> list[Way]:
    peer = environment("dbt")
    project = server.folder / "dbt"
    (project / "models").mkdir(parents=True)
    _write(server, tables)
    environ = {"PATH": server.inherited["PATH"], "HOME": str(project), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    warm = stack.enter_context(started(peer, "dbt_warm", project, environ, {"project": str(project)}))

    def from_the_shell(table: str) -> Answer:
        command = [peer.program("dbt"), "test", "--select", f"source:peers.{table}"]
        seconds, _ = timed(command, project, environ, (0, 1))
        found = {}
        for one in json.loads((project / "target" / "run_results.json").read_text())["results"]:
            name = one["unique_id"].split(".")[2]
            if one["status"] not in ("pass", "fail"):
                raise PeerError(f"dbt, {name}: {one['status']} {one['message']}")
            found[name.removeprefix(f"{table}__")] = Verdict(one["status"] == "pass", one["failures"])
        return Answer(seconds, found)

    return [
        Way("dbt_shell", "dbt test, from the shell", from_the_shell, slow=True, measures=MEASURES),
        Way("dbt_warm", "dbt test, warm process", warm.ask, measures=MEASURES),
    ]


def _write(server: Server, tables: Sequence[str]) -> None:
    output = {
        "type": "postgres", "host": "127.0.0.1", "port": server.port, "user": "reader", "password": server.reader_password,
        "dbname": CHECKED, "schema": "public", "sslmode": "disable", "threads": THREADS,
    }  # fmt: skip
    sources = [{"name": table, "columns": dbt_columns(TEN, table)} for table in tables]
    files = {
        "dbt_project.yml": {"name": "peers", "version": "1.0", "config-version": 2, "profile": "peers"},
        "profiles.yml": {"peers": {"target": "checked", "outputs": {"checked": output}}},
        "models/sources.yml": {"version": 2, "sources": [{"name": "peers", "schema": "public", "tables": sources}]},
    }
    for name, content in files.items():
        (server.folder / "dbt" / name).write_text(yaml.safe_dump(content, sort_keys=False))
