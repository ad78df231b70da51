"""Trino's own parser, in a process of its own: `python trino_parser.py LIBRARIES JVM OPTION…` answers each line, a JSON text, with its tree."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Reading:
    """What a statement holds: the kinds of its nodes, the functions that are called, the tables that are named, by their parts."""

    kinds: frozenset[str]
    calls: frozenset[str]
    tables: frozenset[tuple[str, ...]]
    named: frozenset[str]  # common table expressions


@dataclass(frozen=True)
class Parser:
    process: subprocess.Popen[str]

    def read(self, statement: str) -> Reading | None:
        """None if Trino cannot read it as one statement."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(statement) + "\n")
        self.process.stdin.flush()
        found: dict[str, list[Any]] | None = json.loads(self.process.stdout.readline())
        if found is None:
            return None
        tables = frozenset(tuple(parts) for parts in found["tables"])
        return Reading(frozenset(found["kinds"]), frozenset(found["calls"]), tables, frozenset(found["named"]))


@contextmanager
def parser() -> Iterator[Parser]:
    """Skips the test where Trino cannot be had."""
    from tests.support.databases import missing
    from tests.support.java import SHORT_LIVED
    from tests.support.trino_distribution import distribution, java

    if importlib.util.find_spec("jpype") is None:
        missing("JPype is missing: pip install -r requirements-dev.txt")
    jvm = java().resolve().parent.parent / "lib" / "server" / "libjvm.so"
    command = [sys.executable, "-P", Path(__file__), distribution() / "lib", jvm, *SHORT_LIVED]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield Parser(process)
        finally:
            process.kill()


def _main(libraries: str, jvm: str, *options: str) -> None:
    import jpype

    jpype.startJVM(jvm, *options, "-Xmx400m", "-Xss8m", classpath=[f"{libraries}/*"])
    trino, failed = jpype.JClass("io.trino.sql.parser.SqlParser")(), jpype.JException
    for line in sys.stdin:
        try:
            tree = trino.createStatement(json.loads(line))
        except failed:  # Trino's exception, or that its stack is too small
            print("null", flush=True)
            continue
        kinds, calls, tables, named = set(), set(), set(), set()
        open_nodes = [tree]
        while open_nodes:
            node = open_nodes.pop()
            kind = str(node.getClass().getSimpleName())
            kinds.add(kind)
            if kind == "FunctionCall":
                calls.add(".".join(str(part) for part in node.getName().getParts()))
            elif kind == "Table":
                tables.add(tuple(str(part) for part in node.getName().getParts()))
                if node.getQueryPeriod().isPresent():
                    kinds.add("QueryPeriod")
            elif kind == "WithQuery":
                named.add(str(node.getName().getValue()).lower())
            open_nodes += list(node.getChildren())
        found = {"kinds": kinds, "calls": calls, "tables": tables, "named": named}
        print(
            json.dumps({name: [list(one) if name == "tables" else one for one in each] for name, each in found.items()}),
            flush=True,
        )


if __name__ == "__main__":
    _main(*sys.argv[1:])
