"""Background loops: no error ends one, and one that does not turn says so."""

import logging
import threading
from collections.abc import Callable
from itertools import count

import pytest

from database import loops
from database.loops import Loop, Loops
from stringx_dataops.contract.problems import Invalid, Unavailable
from tests.support.processes import eventually

ODD: list[BaseException] = [
    ValueError("a\nb" * 1000),
    SystemExit(3),
    KeyboardInterrupt(),
    MemoryError(),
    RecursionError(),
    GeneratorExit(),
]


def started(turn: Callable[[Loop], float | None], **options: float) -> tuple[Loop, threading.Event]:
    stop = threading.Event()
    loop = Loop("test", turn, stop=stop, longest_pause_s=0.01, **options)  # type: ignore[arg-type]
    loop.start()
    return loop, stop


def test_no_error_ends_a_loop(caplog: pytest.LogCaptureFixture) -> None:
    errors = iter(ODD)
    done = threading.Event()

    def turn(_: Loop) -> float:
        if (error := next(errors, None)) is not None:
            raise error
        done.set()
        return 0.01

    loop, stop = started(turn)
    assert done.wait(60)
    eventually(lambda: loop.state.turns, 60)
    assert loop.state.failures == len(ODD)
    assert loop.state.fault is None
    logged = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.exc_info[1] for record in logged if record.exc_info] == ODD
    stop.set()
    loop.join(60)
    assert loop.state.fault is None, "it was told to end"


def test_a_loop_that_only_fails_is_named_with_its_error_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "FAILING_S", 0.0)
    numbers = count()

    def turn(_: Loop) -> None:
        raise Invalid("one\ntwo" * 1000) if next(numbers) % 2 else ValueError("a value that only the log may tell")

    loop, stop = started(turn)
    fault = eventually(lambda: "Invalid" in (loop.state.fault or "") and loop.state.fault, 60)
    assert "Invalid: one two" in fault
    assert "\n" not in fault
    assert len(fault) < 300
    assert eventually(lambda: (loop.state.fault or "").endswith("ValueError"), 60)
    stop.set()


def test_what_is_away_is_a_warning_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def turn(_: Loop) -> None:
        raise Unavailable("the database is away")

    loop, stop = started(turn)
    eventually(lambda: loop.state.failures, 60)
    stop.set()
    loop.join(60)
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    assert not any(record.exc_info for record in caplog.records)


def test_a_turn_that_takes_too_long_is_named_until_it_ends() -> None:
    goes_on = threading.Event()

    def turn(_: Loop) -> float:
        goes_on.wait(60)
        return 3600

    loop, stop = started(turn, longest_turn_s=0.05)
    eventually(lambda: (loop.state.fault or "").startswith("has not turned for"), 60)
    loop.may_take(3600)
    assert loop.state.fault is None, "it says that it needs longer"
    loop.may_take(0)
    goes_on.set()
    eventually(lambda: loop.state.turns == 1 and loop.state.fault is None, 60)
    stop.set()
    loop.join(60)


def test_a_loop_whose_thread_has_ended_is_named() -> None:
    every = Loops()
    stop = threading.Event()
    loop = every.add(Loop("test", lambda _: 0.01, stop=stop))
    loop.start()
    stop.set()
    loop.join(60)
    stop.clear()
    [state] = every.states()
    assert state.fault is not None
    assert "its thread has ended" in state.fault
