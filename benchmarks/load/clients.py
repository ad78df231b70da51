"""Clients in a closed loop: each asks for a check, waits for the answer, and asks for the next one, over its own connection."""

import http.client
import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from benchmarks.load.installation import Table
from stringx_dataops.following import pause_of

PATHS = {"dataops": "/api/v1/quality-checks", "backend": "/api/v1/requests"}
_LONGEST_S = 120.0


@dataclass
class Client:
    """One connection to one of the services; not for two threads."""

    url: str
    key: str
    path: str
    _connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=120)

    def ask(self, table: Table, mode: str = "sync", **asked: Any) -> str | None:
        """The verdict, None where there is none yet. A sync check that got no place to wait is asked for until it has ended."""
        answer, said = self._call("POST", self.path, {"target": table.target, "table": table.relation, "mode": mode} | asked)
        assert answer.status in (200, 202), (answer.status, said)
        location, until = urlsplit(answer.headers["Location"]).path, time.monotonic() + _LONGEST_S
        while mode == "sync" and said["status"] in ("queued", "running"):
            assert time.monotonic() < until, said
            time.sleep(pause_of(answer.headers))
            answer, said = self._call("GET", f"{location}?wait=60")
        verdict: str | None = said["verdict"]
        return verdict

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> tuple[http.client.HTTPResponse, dict[str, Any]]:
        """The answer, and what was said."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        self._connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self._connection.getresponse()
        return answer, json.loads(answer.read())

    def close(self) -> None:
        self._connection.close()


@dataclass
class Answers:
    """What clients were told: seconds of each answer, and verdicts that plain SQL contradicts."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.seconds) / (self.ended - self.began)

    def figures(self) -> dict[str, float]:
        ordered = sorted(self.seconds)
        shares = {"median_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "max_ms": 1.0}
        places = {name: min(len(ordered) - 1, int(len(ordered) * share)) for name, share in shares.items()}
        return {"checks": len(ordered)} | {name: round(ordered[place] * 1000, 1) for name, place in places.items()}


def ask(connect: Callable[[], Client], tables: Sequence[Table], clients: int, go_on: Callable[[Answers], bool]) -> Answers:
    """Each client has tables of its own, so that no two ask for the same one and share its run."""
    answers = Answers()
    lock = threading.Lock()

    def loop(number: int) -> None:
        client, place, own = connect(), 0, tables[number::clients]
        try:
            while go_on(answers):
                table = own[place % len(own)]
                began = time.perf_counter()
                verdict = client.ask(table)
                took = time.perf_counter() - began
                with lock:
                    answers.seconds.append(took)
                    if verdict != table.verdict:
                        answers.wrong.append(f"{table.relation}: {verdict}, and plain SQL says {table.verdict}")
                place += 1
        except BaseException as error:  # told to whoever started the clients
            answers.failures.append(error)
        finally:
            client.close()

    return _together([threading.Thread(target=loop, args=(number,)) for number in range(clients)], answers)


def _together(threads: Sequence[threading.Thread], answers: Answers) -> Answers:
    answers.began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.ended = time.perf_counter()
    assert not answers.failures, answers.failures[0]
    assert not answers.wrong, answers.wrong[:3]
    return answers


def arrive(
    connect: Callable[[], Client], tables: Sequence[Table], per_second: float, seconds: float, clients: int = 64
) -> Answers:
    """An open loop: checks arrive at random moments, on average so many per second, whatever was answered before. What each takes
    counts from the moment when it should have been sent."""
    dice = random.Random(1)
    due, at = [], 0.0
    while (at := at + dice.expovariate(per_second)) < seconds:
        due.append(at)
    answers, lock, number = Answers(), threading.Lock(), itertools.count()

    def loop() -> None:
        client = connect()
        try:
            while (place := next(number)) < len(due):
                time.sleep(max(0.0, answers.began + due[place] - time.perf_counter()))
                table = tables[place % len(tables)]
                verdict = client.ask(table)
                took = time.perf_counter() - answers.began - due[place]
                with lock:
                    answers.seconds.append(took)
                    if verdict != table.verdict:
                        answers.wrong.append(f"{table.relation}: {verdict}, and plain SQL says {table.verdict}")
        except BaseException as error:  # told to whoever started the clients
            answers.failures.append(error)
        finally:
            client.close()

    return _together([threading.Thread(target=loop) for _ in range(clients)], answers)


def for_seconds(seconds: float) -> Callable[[Answers], bool]:
    return lambda answers: time.perf_counter() - answers.began < seconds


def so_many(number: int) -> Callable[[Answers], bool]:
    """As many, and up to one a client more."""
    return lambda answers: len(answers.seconds) < number and not answers.failures
