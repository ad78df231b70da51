"""Soda Core 4: a contract a table, verified by its command line and in a warm process; telemetry off."""

import re
from collections.abc import Sequence
from contextlib import ExitStack

import yaml

from benchmarks.peers.environments import environment
from benchmarks.peers.rules import TEN, soda_columns
from benchmarks.peers.server import CHECKED, Server
from benchmarks.peers.verdicts import Verdict
from benchmarks.peers.warm import started
from benchmarks.peers.ways import Answer, Way, timed

NAMES = ("soda_cli", "soda_warm")


def ways(server: Server, tables: Sequence[str], stack: ExitStack) -> list[Way]:
    peer = environment("soda")
    project = server.folder / "soda"
    project.mkdir()
    _write(server, tables)
    environ = {"PATH": server.inherited["PATH"], "HOME": str(project), "SODA_CORE_TELEMETRY_ENABLED": "false", "COLUMNS": "400"}
    warm = stack.enter_context(started(peer, "soda_warm", project, environ, {"project": str(project)}))

    def command_line(table: str) -> Answer:
        command = [peer.program("soda"), "contract", "verify", "-ds", "source.yml", "-c", f"{table}.yml"]
        seconds, output = timed(command, project, environ, (0, 1))
        return Answer(seconds, _read(output))

    return [
        Way("soda_cli", "Soda Core, command line", command_line, slow=True),
        Way("soda_warm", "Soda Core, warm process", warm.ask),
    ]


_LINE = re.compile(r"^\|[^|]*\| (\w+) +\|[^|]*\| \S+ (PASSED|FAILED) +\| \w+_count: (\d+) ", re.MULTILINE)


def _read(output: str) -> dict[str, Verdict]:
    """The first line of each check in the table that it prints."""
    return {name: Verdict(outcome == "PASSED", int(count)) for name, outcome, count in _LINE.findall(output)}


def _write(server: Server, tables: Sequence[str]) -> None:
    connection = {
        "host": "127.0.0.1", "port": server.port, "user": "reader", "password": server.reader_password,
        "database": CHECKED, "sslmode": "disable",
    }  # fmt: skip
    files = {"source": {"type": "postgres", "name": "peers", "connection": connection}}
    for table in tables:
        files[table] = {"dataset": f"peers/{CHECKED}/public/{table}", "columns": soda_columns(TEN)}
    for name, content in files.items():
        (server.folder / "soda" / f"{name}.yml").write_text(yaml.safe_dump(content, sort_keys=False))
