"""StringX DataOps over HTTP, sync: at the DataOps service, and at the Backend; one connection each that is kept."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import requests

from benchmarks.peers import service
from benchmarks.peers.data import CLEAN, FAULTY, PROVED
from benchmarks.peers.environments import PeerError
from benchmarks.peers.rules import ACCEPTED, FIFTY, TEN
from benchmarks.peers.server import Server
from benchmarks.peers.verdicts import Verdict
from benchmarks.peers.ways import PATIENCE_S, Answer, Way

NAMES = ("dataops", "backend", "dataops_50", "proved", "proved_accepted")


def ways(server: Server, tables: Sequence[str], stack: ExitStack) -> list[Way]:
    running = stack.enter_context(service.running(server))
    proved = [table for table in tables if table.startswith(PROVED)]
    others = [table for table in tables if table.startswith((CLEAN, FAULTY))]
    running.configure("ten", others, TEN)
    running.configure("fifty", others, FIFTY)
    running.configure("proved", proved, TEN, constraint=True)
    running.configure("accepted", proved, [ACCEPTED])
    running.wait_warm()
    dataops = _Asked(running.session(), f"{running.processes['api'].url}/api/v1/quality-checks")
    backend = _Asked(running.session(), f"{running.processes['backend'].url}/api/v1/requests")
    return [
        Way("dataops", "StringX DataOps, HTTP", lambda table: dataops.check("ten", table)),
        Way("backend", "StringX Backend, HTTP", lambda table: backend.check("ten", table)),
        Way("dataops_50", "StringX DataOps, HTTP, 50 rules", lambda table: dataops.check("fifty", table), rules=FIFTY),
        Way(
            "proved", "StringX DataOps, HTTP, 9 rules proved by constraints", lambda table: dataops.proved("proved", table),
            kind=PROVED,
        ),
        Way(
            "proved_accepted", "StringX DataOps, HTTP, the other rule alone", lambda table: dataops.check("accepted", table),
            rules=(ACCEPTED,), kind=PROVED,
        ),
    ]  # fmt: skip


class _Asked:
    def __init__(self, session: requests.Session, url: str) -> None:
        self._session, self._url = session, url

    def check(self, target: str, table: str) -> Answer:
        seconds, rules = self._post(target, table)
        return Answer(seconds, {rule["id"]: Verdict(rule["status"] == "pass", rule["failures"]) for rule in rules})

    def proved(self, target: str, table: str) -> Answer:
        """Of rules of which all but accepted_values must be proved by a constraint."""
        seconds, rules = self._post(target, table)
        if scanned := [rule["id"] for rule in rules if rule["verified_by"] != "constraint" and rule["type"] != ACCEPTED.type]:
            raise PeerError(f"{table}: no constraint proved {', '.join(scanned)}")
        return Answer(seconds, {rule["id"]: Verdict(rule["status"] == "pass", rule["failures"]) for rule in rules})

    def _post(self, target: str, table: str) -> tuple[float, list[dict[str, Any]]]:
        body = {"target": target, "table": f"public.{table}", "mode": "sync", "wait_s": 300}
        began = time.perf_counter()
        answer = self._session.post(self._url, json=body, timeout=PATIENCE_S)
        seconds = time.perf_counter() - began
        result = answer.json()
        if answer.status_code == 200 and "checks" in result:
            [result] = result["checks"]
        if answer.status_code != 200 or result["status"] != "succeeded" or result["counts"]["error"]:
            raise PeerError(f"{self._url}, {table}: {answer.status_code} {answer.text[:1500]}")
        return seconds, result["rules"]
