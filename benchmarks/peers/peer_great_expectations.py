"""Great Expectations 1: a validation definition a table, run in a warm process."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict

from benchmarks.peers.environments import environment
from benchmarks.peers.rules import TEN
from benchmarks.peers.server import Server
from benchmarks.peers.warm import started
from benchmarks.peers.ways import Way

NAMES = ("gx_warm",)
MEASURES = {"_unique": "sharing"}  # every row of a value that occurs again, the first one too


def ways(server: Server, tables: Sequence[str], stack: ExitStack) -> list[Way]:
    peer = environment("great_expectations")
    folder = server.folder / "great_expectations"
    folder.mkdir()
    environ = {"PATH": server.inherited["PATH"], "HOME": str(folder), "GX_ANALYTICS_ENABLED": "false"}
    url = server.reader_url.replace("postgresql://", "postgresql+psycopg2://")
    given = {"url": url, "rules": [asdict(rule) | {"id": rule.id} for rule in TEN]}
    warm = stack.enter_context(started(peer, "great_expectations_warm", folder, environ, given))
    return [Way("gx_warm", "Great Expectations, warm process", warm.ask, measures=MEASURES)]
