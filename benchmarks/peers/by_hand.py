"""The limit: the best SQL a person would write for one table, run by psql."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.peers.rules import FIFTY, TEN, Rule
from benchmarks.peers.server import Server
from benchmarks.peers.verdicts import Verdict
from benchmarks.peers.ways import Answer, Way, timed
from database import embedded

NAMES = ("sql", "sql_50")
TRIES = 2
_MEMORY = "set work_mem = '256MB'"
_DISTINCT = "select count({column}) - count(distinct {column}) from {table}"
_KNOWN = "from {table} where {column} is not null"
_GROUPS = f"select coalesce(sum(n - 1), 0) from (select count(*) as n {_KNOWN} group by {{column}} having count(*) > 1) g"
_KEYS = f"select (select count({{column}}) from {{table}}) - (select count(*) from (select distinct {{column}} {_KNOWN}) d)"
# Even and odd integers are counted by a process each, where parallel scans are made too dear for either.
_PARTS = " union all ".join(f"{_DISTINCT} where {{column}} & 1 = {part}" for part in (0, 1))
_HALVES = (
    _MEMORY,
    "set min_parallel_table_scan_size = '1TB'",
    "set parallel_setup_cost = 0",
    f"select sum(again) from ({_PARTS}) halves (again)",
)
UNIQUE = {
    "count(distinct)": (_DISTINCT,),
    "count(distinct), work_mem 256MB": (_MEMORY, _DISTINCT),
    "count(distinct) in two halves, work_mem 256MB": _HALVES,
    "group by having": (_GROUPS,),
    "group by having, work_mem 256MB": (_MEMORY, _GROUPS),
    "select distinct": (_KEYS,),
    "select distinct, work_mem 256MB": (_MEMORY, _KEYS),
}
TOGETHER = "in the scan"
TRIED: dict[str, dict[str, float]] = {}  # of each table, seconds of the ten rules by how uniqueness is asked for


def chosen(table: str) -> str:
    return min(TRIED[table], key=lambda how: TRIED[table][how])


class ByHand:
    """The first question about a table tries what there is; the fastest answers from then on."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._folder = server.folder / "sql"
        self._folder.mkdir()

    def ask(self, table: str, rules: Sequence[Rule]) -> Answer:
        if table not in TRIED:
            TRIED[table] = {how: self._tried(table, how) for how in (*UNIQUE, TOGETHER)}
        return self._run(self._file(table, rules, chosen(table)), rules)

    def _tried(self, table: str, how: str) -> float:
        file = self._file(table, TEN, how)
        return min([self._run(file, TEN).seconds for _ in range(TRIES + 1)][1:])

    def _file(self, table: str, rules: Sequence[Rule], how: str) -> Path:
        conditions = [rule.violates for rule in rules if rule.violates]
        [unique] = [rule.column for rule in rules if rule.violates is None]
        parts = [f"count(*) filter (where {condition})" for condition in conditions]
        if how == TOGETHER:
            statements = [f"select {', '.join(parts)}, count({unique}) - count(distinct {unique}) from {table}"]
        else:
            statements = [f"select {', '.join(parts)} from {table}"]
            statements += [statement.format(table=table, column=unique) for statement in UNIQUE[how]]
        file = self._folder / "checks.sql"
        file.write_text(";\n".join(statements) + ";\n")
        return file

    def _run(self, file: Path, rules: Sequence[Rule]) -> Answer:
        command = [str(embedded.binaries() / "psql"), self._server.reader_url, "-XqAt", "-v", "ON_ERROR_STOP=1", "-f", str(file)]
        seconds, output = timed(command, self._folder, os.environ, (0,))
        counts = map(int, output.replace("|", "\n").split())
        ordered = sorted(rules, key=lambda rule: rule.violates is None)
        return Answer(seconds, {rule.id: Verdict(count == 0, count) for rule, count in zip(ordered, counts, strict=True)})


def ways(server: Server, tables: Sequence[str], stack: ExitStack) -> list[Way]:
    hand = ByHand(server)
    return [
        Way("sql", "SQL by hand, psql", lambda table: hand.ask(table, TEN)),
        Way("sql_50", "SQL by hand, psql, 50 rules", lambda table: hand.ask(table, FIFTY), rules=FIFTY),
    ]
