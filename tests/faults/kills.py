"""The campaign itself: clients that ask for checks, and kills, stops and crashes of every kind of process."""

import collections
import contextlib
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

import psycopg2
import requests

from tests.support.installation import Installation
from tests.support.postgres import Postgres
from tests.support.processes import Process
from tests.support.tables import CheckedTable

CLIENTS = 6
CLIENTS_OF_BATCHES = 12
WAITING = 150  # checks that clients let wait at most: the campaign is about deaths, not about the depth of the queue
_WEIGHTS = {
    "dbt process": 12,
    "worker": 9,
    "worker and its dbt processes": 5,
    "worker, asked to end": 5,
    "worker, stopped for a while": 16,
    "api": 5,
    "api web process": 8,
    "api, asked to end": 3,
    "api, stopped for a while": 6,
    "Backend": 5,
    "Backend web process": 8,
    "Backend, asked to end": 3,
    "Backend, stopped for a while": 6,
    "internal PostgreSQL": 4,
    "target's PostgreSQL": 5,
}


@dataclass(frozen=True)
class Kill:
    kind: str
    at: datetime  # by the clock of the internal database's machine, which is this one
    running: tuple[str, ...]  # the checks that ran on what was killed


@dataclass
class Campaign:
    installation: Installation
    seed: int
    kills_wanted: int
    checks_wanted: int
    until: float
    batches: bool = False  # many checks wait at a time
    kills: list[Kill] = field(default_factory=list)
    resume_at: dict[str, float] = field(default_factory=dict)
    asked: int = 0
    refused: collections.Counter[str] = field(default_factory=collections.Counter)
    canceled: set[str] = field(default_factory=set)
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def over(self) -> bool:
        done = self.asked >= self.checks_wanted and len(self.kills) >= self.kills_wanted
        return done or time.monotonic() > self.until

    # the clients

    def ask(self, number: int, tables: list[CheckedTable]) -> None:
        """One client: sync and async, over both services, keys that are repeated with the same and with another body, cancels."""
        dice = Random(f"{self.seed} client {number}")
        count = 0
        while not self.stop.is_set():
            if self.asked >= self.checks_wanted * 1.2 and len(self.kills) < self.kills_wanted:
                time.sleep(0.2)  # the kills are behind: go on, slowly
            if self._waiting() > WAITING:
                time.sleep(0.2)
                continue
            count += 1
            key = f"{self.seed}-{number}-{count}"
            table, service = dice.choice(tables), dice.choice(["api", "backend"])
            body: dict[str, Any] = {
                "request_id": key,
                "mode": dice.choice(["sync", "async", "async"]),
                "wait_s": 2,
                "timeout_s": 60,
            }
            repeats = dice.choice([1, 1, 1, 2, 3])
            if self.batches:
                body |= {"mode": dice.choice(["sync", "async", "async", "async", "async"]), "wait_s": 1}
            wants_cancel = dice.random() < 0.03
            if not self._accepted(dice, table, service, body):
                continue
            for _ in range(repeats - 1):
                self._send(dice, table, dice.choice(["api", "backend"]), body)
            if repeats == 3 and self._send(dice, table, service, body | {"timeout_s": 61}) not in (None, 409, 500, 503):
                self.refused["another body under a used key was accepted"] += 1
            if wants_cancel:
                self._cancel(key)

    def _accepted(self, dice: Random, table: CheckedTable, service: str, body: dict[str, Any]) -> bool:
        """As a client that wants it does: again and again under the same key until it is told that it is accepted."""
        while not self.stop.is_set():
            status = self._send(dice, table, service, body)
            if status in (200, 202):
                with self.lock:
                    self.asked += 1
                return True
            time.sleep(dice.uniform(0.1, 0.5))
        return False

    def _send(self, dice: Random, table: CheckedTable, service: str, body: dict[str, Any]) -> int | None:
        url = self.installation[f"{service}-{dice.choice([1, 2])}"].url
        try:
            answer = self.installation.post(table, service, url, timeout=20, **body)
        except requests.RequestException as error:
            self.refused[type(error).__name__] += 1
            return None
        if answer.status_code not in (200, 202):
            self.refused[str(answer.status_code)] += 1
        return answer.status_code

    def _cancel(self, key: str) -> None:
        with self.lock:
            self.canceled.add(key)
        with contextlib.suppress(requests.RequestException):
            self.installation.call("POST", f"{self.installation.to_backend.url}/api/v1/requests/{key}/cancel", timeout=20)

    def _waiting(self) -> int:
        with contextlib.suppress(psycopg2.Error):
            return int(self.installation.rows("select coalesce(sum(waiting), 0) as n from dataops.targets")[0]["n"])
        return 0

    # the killer; in the main thread, as a cluster ends with the thread that started it

    def kill(self, dice: Random) -> None:
        kind = dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        found = self._victim(kind, dice)
        if found is not None:
            victim, act = found
            running, at = self._running_on(victim), time.time()
            if act():
                self.kills.append(Kill(kind, datetime.fromtimestamp(at).astimezone(), running))

    def _victim(self, kind: str, dice: Random) -> tuple[Process | Postgres, Callable[[], bool]] | None:
        installation = self.installation
        if kind.endswith("PostgreSQL"):
            postgres = installation.internal if kind.startswith("internal") else installation.checked
            return (postgres, lambda: self._crash(postgres)) if postgres.process.runs else None
        role = "worker" if "dbt" in kind or kind.startswith("worker") else "api" if kind.startswith("api") else "backend"
        alive = [process for process in installation.of_role(role) if process.runs and process.name not in self.resume_at]
        if not alive:
            return None
        process = dice.choice(alive)
        if "stopped" in kind:
            return process, lambda: self._pause(process, dice.uniform(1, 1.5 * float(process.environment["LEASE_SECONDS"])))
        if "asked to end" in kind:
            return process, lambda: self._ask_to_end(process)
        parts = process.dbt_children() if "dbt" in kind else process.web_workers() if "web process" in kind else []

        def shoot() -> bool:
            for part in parts:
                with contextlib.suppress(Exception):  # it has ended by itself
                    part.kill()
            if kind in ("worker", "api", "Backend", "worker and its dbt processes"):
                process.kill()
                return True
            return bool(parts)

        return process, shoot

    def _pause(self, process: Process, seconds: float) -> bool:
        process.pause()
        self.resume_at[process.name] = time.monotonic() + seconds
        return True

    def _ask_to_end(self, process: Process) -> bool:
        process.send(signal.SIGTERM)
        return True

    def _crash(self, postgres: Postgres) -> bool:
        postgres.crash()
        return True

    def _running_on(self, victim: Process | Postgres) -> tuple[str, ...]:
        """The checks that run on it: of a worker its own, of a cluster all, of a web service none."""
        with contextlib.suppress(psycopg2.Error):
            rows = self.installation.rows("select check_id::text, worker from dataops.checks where status = 'running'")
            if isinstance(victim, Postgres):
                return tuple(row["check_id"] for row in rows)
            return tuple(row["check_id"] for row in rows if str(victim.pid) in (row["worker"] or "").split(":"))
        return ()

    def supervise(self) -> None:
        """Start again what has ended, as a supervisor does, and let those go on that have slept."""
        for postgres in (self.installation.internal, self.installation.checked):
            if not postgres.process.runs:
                postgres.process.start()
        for name, at in list(self.resume_at.items()):
            if time.monotonic() > at:
                del self.resume_at[name]
                self.installation[name].resume()
        self.installation.supervise()

    def run(self, tables: list[CheckedTable]) -> None:
        dice = Random(f"{self.seed} kills")
        clients = [
            threading.Thread(target=self.ask, args=(n, tables), daemon=True)
            for n in range(CLIENTS_OF_BATCHES if self.batches else CLIENTS)
        ]
        for client in clients:
            client.start()
        begun, length = time.monotonic(), self.until - time.monotonic()
        try:
            while not self.over:
                # spread over the time that there is, a little faster, so that the number is reached
                due = begun + 0.9 * length * len(self.kills) / max(1, self.kills_wanted)
                if len(self.kills) < self.kills_wanted and time.monotonic() >= due:
                    self.kill(dice)
                time.sleep(dice.uniform(0, 0.2))
                self.supervise()
                self._tell(begun)
        finally:
            self.stop.set()
            for client in clients:
                client.join(60)

    _told: float = 0.0

    def _tell(self, begun: float) -> None:
        if time.monotonic() - self._told > 30:
            self._told = time.monotonic()
            print(f"{time.monotonic() - begun:5.0f} s: {len(self.kills)} kills, {self.asked} requests accepted", flush=True)

    def settle(self, within_s: float) -> bool:
        """Whether everything ends, with everything alive."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            self.supervise()
            with contextlib.suppress(psycopg2.Error):
                if not self.resume_at and not self.installation.unfinished():
                    return True
            time.sleep(0.5)
        return False

    def recoveries(self) -> list[float]:
        """Seconds from each kill to the end of the first check that had been running on what was killed."""
        ends = {
            row["id"]: row["at"]
            for row in self.installation.rows("select check_id::text as id, finished_at as at from dataops.checks")
        }
        found = []
        for kill in self.kills:
            after = [(ends[one] - kill.at).total_seconds() for one in kill.running if ends.get(one) is not None]
            after = [seconds for seconds in after if seconds > 0]
            if after:
                found.append(min(after))
        return sorted(found)
