"""When a portal is made again, and how the process that makes it ends."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from api.engine.profile import clean_environment
from database.pool import Database
from portal import refresh, state
from portal.refresh import Generation, Refresher
from stringx_dataops.contract.settings import ROOT, Settings
from tests.support.databases import Target
from tests.support.portal import add_check, configure, remove, write


def test_when_a_portal_is_due(database: Database, flights_target: Target) -> None:
    configure(database, flights_target.document(), {"table": "public.airlines"})
    before = state.fingerprint(database, "shop", ["public.airlines"])
    add_check(database, "shop", "public.airlines", "pass", full=False)
    assert state.fingerprint(database, "shop", ["public.airlines"]) == before
    add_check(database, "shop", "public.airlines", "pass")
    assert state.fingerprint(database, "shop", ["public.airlines"]) != before
    now = float(int(time.monotonic()))  # whole, so that what is added can be taken away again exactly
    done = Generation("a", now, reached=True)
    assert not done.is_due("b", now + refresh.AT_MOST_EVERY_S - 1)
    assert done.is_due("b", now + refresh.AT_MOST_EVERY_S)
    assert not done.is_due("a", now + refresh.AGAIN_AFTER_S)
    assert Generation("a", now).is_due("a", now + refresh.AGAIN_AFTER_S)


def test_each_change_is_seen_once(database: Database, flights_target: Target) -> None:
    configure(database, flights_target.document(), {"table": "public.airlines"})
    changes = state.Changes(database)
    assert changes.look() == set()
    add_check(database, "shop", "public.airlines", "pass", full=False)
    assert changes.look() == set()
    add_check(database, "shop", "public.airlines", "pass")
    with database.transaction() as cursor:
        write(cursor, "shop", {"table": "public.planes"})
    assert {(change.table, change.is_configured) for change in changes.look()} == {
        ("public.airlines", False),
        ("public.planes", True),
    }
    remove(database, "shop", "public.planes")
    with database.transaction() as cursor:
        cursor.run("update stringx.targets set version = 2, updated_at = now()")
    assert {(change.table, change.is_configured) for change in changes.look()} == {("public.planes", True), (None, False)}
    assert changes.look() == set()


def test_sigterm_ends_it_at_once_with_its_dbt(
    internal_url: str, database: Database, flights_target: Target, settings: Settings
) -> None:
    configure(database, flights_target.document(), {"table": "public.airlines"})
    environ = clean_environment() | {
        "STRINGX_HOME": str(settings.home),
        "STRINGX_SECRETS": str(settings.secrets),
        "STRINGX_DATABASE_URL": internal_url,
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.Popen([sys.executable, "-P", "-m", "portal.refresh"], env=environ)
    try:
        until(lambda: processes_at(settings.home))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        until(lambda: not processes_at(settings.home))
    finally:
        process.kill()
        process.wait()


def processes_at(home: Path) -> list[str]:
    """The command lines that name the home."""
    found = subprocess.run(["ps", "-eo", "args", "-ww"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in found if str(home) in line]


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_did_not_change_is_not_generated_again_whichever_start_made_it(
    refresher: Refresher, database: Database, flights_target: Target
) -> None:
    configure(database, flights_target.document("a"), {"table": "public.airlines"})
    configure(database, flights_target.document("b"), {"table": "public.airlines"})
    refresher.look()
    assert {key for key, generation in refresher.made.items() if generation.under_way} == {("a", ""), ("b", "")}
    refresher.wait()
    again = Refresher(refresher.settings, database)
    again.remember()
    again.look()
    assert not any(generation.under_way for generation in again.made.values())
    for generation in again.made.values():
        generation.began -= refresh.AT_MOST_EVERY_S
    add_check(database, "a", "public.airlines", "pass")
    again.look()
    assert [key for key, generation in again.made.items() if generation.under_way] == [("a", "")]
    again.wait()
    assert again.made["a", ""].rests_until > time.monotonic(), "making it again has its price"
