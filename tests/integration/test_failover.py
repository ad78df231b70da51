"""The server of the internal database is lost, and its standby takes over."""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from database.loops import Loops
from database.notifications import Listener, notify
from database.pool import Database
from stringx_dataops.contract.problems import Unavailable
from tests.support.databases import Admin
from tests.support.postgres import Postgres
from tests.support.processes import eventually
from tests.support.standby import lose, promote, standby_of


@pytest.fixture
def pair() -> Iterator[tuple[Postgres, Postgres]]:
    folder = Path(tempfile.mkdtemp(prefix="stringx-failover-"))
    folder.chmod(0o755)
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    servers = [Postgres("primary", folder / "primary", inherited)]
    try:
        servers[0].start()
        servers.append(standby_of(servers[0], folder / "standby", inherited))
        yield servers[0], servers[1]
    finally:
        for server in servers:
            server.process.end()
        shutil.rmtree(folder, ignore_errors=True)


def test_after_a_failover_everything_that_was_acknowledged_is_there_once(pair: tuple[Postgres, Postgres]) -> None:
    """Also if the address names the standby first. Whoever writes asks again with the same id, as senders do."""
    primary, standby = pair
    primary.rows("postgres", "create table t (id integer primary key, times integer not null default 1)")
    password = primary.url("postgres").partition("@")[0]
    url = f"{password}@127.0.0.1:{standby.port},127.0.0.1:{primary.port}/postgres"
    database = Database(url, size=5)
    listener = Listener(database, "stringx_test")
    listener.start(Loops())
    acknowledged, is_over = [], threading.Event()

    def write(which: int) -> None:
        number = which
        while not is_over.is_set():
            try:
                with database.transaction() as cursor:
                    cursor.run(
                        "insert into t (id) values (%(id)s) on conflict (id) do update set id = excluded.id", {"id": number}
                    )
            except Unavailable:
                is_over.wait(0.05)
                continue
            acknowledged.append(number)
            number += 4

    with ThreadPoolExecutor(4) as writers:
        written = [writers.submit(write, which) for which in range(4)]
        try:
            eventually(lambda: len(acknowledged) > 200, 60)
            lose(primary)
            before = len(acknowledged)
            promote(standby)
            eventually(lambda: len(acknowledged) > before + 200, 60, "writes on the new primary")
        finally:
            is_over.set()
        for each in written:
            each.result()
    rows = standby.rows("postgres", "select id, times from t")
    assert set(acknowledged) <= {row["id"] for row in rows}
    assert len(acknowledged) == len(set(acknowledged))

    told = threading.Event()
    waiter = threading.Thread(
        target=lambda: listener.wait_for("it", lambda: True if told.is_set() else None, 60, look_again_s=60), daemon=True
    )
    waiter.start()

    def tell() -> bool:
        told.set()
        with database.statements() as cursor:
            notify(cursor, "stringx_test", "it")
        waiter.join(0.5)
        return not waiter.is_alive()

    eventually(tell, 40, "a notification of the new primary")
    listener.stop()
    database.close()


def test_a_server_that_takes_no_writes_any_more_is_left_by_all_connections(admin: Admin, internal_url: str) -> None:
    database = Database(internal_url, size=3)

    def processes() -> set[int]:
        with database.transaction() as one, database.transaction() as two, database.transaction() as three:
            return {cursor.all("select pg_backend_pid() as pid")[0]["pid"] for cursor in (one, two, three)}

    before = processes()
    admin.run("alter system set default_transaction_read_only = on")
    try:
        admin.run("select pg_reload_conf()")

        def is_refused() -> bool:
            try:
                with database.statements() as cursor:
                    cursor.run("create table if not exists public.written ()")
            except Unavailable:
                return True
            return False

        eventually(is_refused, 20)
    finally:
        admin.run("alter system reset default_transaction_read_only")
        admin.run("select pg_reload_conf()")
    assert not before & processes()
    database.close()
