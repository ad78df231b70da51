"""The rules by hand: statements of a person who knows PostgreSQL, in one session as the role that may only SELECT."""

import time
from collections.abc import Sequence
from typing import Any

import psycopg2

from benchmarks.mix.rules import Rule
from tests.support.databases import Target

TRIES = 2  # of each of a rule's statements, of which the fastest is taken


class ByHand:
    def __init__(self, target: Target) -> None:
        self._connection = psycopg2.connect(
            host=target.host, port=target.port, dbname=target.dbname, user=target.user, password=target.password
        )
        self._connection.autocommit = True
        self._chosen: dict[str, str] = {}

    def close(self) -> None:
        self._connection.close()

    def _row(self, statement: str) -> Sequence[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            [found] = cursor.fetchall()
        return tuple(found)

    def _statement(self, rule: Rule) -> str:
        if rule.name not in self._chosen:
            taken = {}
            for statement in rule.alone if len(rule.alone) > 1 else ():
                seconds = []
                for _ in range(TRIES):
                    began = time.perf_counter()
                    self._row(statement)
                    seconds.append(time.perf_counter() - began)
                taken[statement] = min(seconds)
            self._chosen[rule.name] = min(taken, key=lambda statement: taken[statement]) if taken else rule.alone[0]
        return self._chosen[rule.name]

    def _alone(self, rule: Rule) -> Any:
        return self._row(self._statement(rule))[0]

    def table(self, rules: Sequence[Rule]) -> dict[str, Any]:
        """All rules of a table: one scan for what is about single rows, and a statement for each of the others."""
        scanned = [rule for rule in rules if rule.query is None]
        found = {rule.name: self._alone(rule) for rule in rules if rule.query is not None}
        if scanned:
            parts = [rule.value or f"count(*) filter (where {rule.violates})" for rule in scanned]
            row = self._row(f"select {', '.join(parts)} from {rules[0].table}")
            found |= {rule.name: answer for rule, answer in zip(scanned, row, strict=True)}
        return found

    def tables(self, rules: Sequence[Rule]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for table in dict.fromkeys(rule.table for rule in rules):
            found |= self.table([rule for rule in rules if rule.table == table])
        return found
