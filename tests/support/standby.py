"""A standby of an internal database: a copy that follows it by streaming replication, until it is promoted."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from database import embedded
from database.account import account
from tests.support.postgres import Postgres
from tests.support.processes import eventually


def standby_of(primary: Postgres, home: Path, inherited: Mapping[str, str]) -> Postgres:
    """Started, and synchronous from now on: what the primary acknowledges is there."""
    made = Postgres("standby", home, inherited, _copy_of(primary))
    made.start()
    primary.rows("postgres", "alter system set synchronous_standby_names = 'ANY 1 (*)'")
    primary.rows("postgres", "select pg_reload_conf()")
    eventually(lambda: primary.rows("postgres", "select 1 from pg_stat_replication where sync_state = 'quorum'"), 30, "a standby")
    return made


def lose(primary: Postgres) -> None:
    """Its first process is killed, and the others end after it."""
    family = primary.process.family()
    primary.process.send(signal.SIGKILL)
    primary.process.wait(20)
    eventually(lambda: not any(process.is_running() for process in family), 30, "the end of the primary")


def promote(standby: Postgres) -> None:
    """Returns when it takes writes. It waits for no standby of its own: what the primary had set is copied with it."""
    standby.rows("postgres", "alter system set synchronous_standby_names = ''")
    standby.rows("postgres", "select pg_promote(true, 60)")
    standby.rows("postgres", "select pg_reload_conf()")


def _copy_of(primary: Postgres) -> Callable[[Path], None]:
    def prepare(home: Path) -> None:
        for name in ("postgres-password", "stringx-password"):
            if (primary.cluster.home / name).exists():
                shutil.copy(primary.cluster.home / name, home / name)
        data = embedded.Cluster(home).data
        embedded._own(data)
        who = account()
        as_user = {} if who is None else {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        done = subprocess.run(
            [embedded.binaries() / "pg_basebackup", "-D", data, "-R", "-c", "fast", "-d", primary.url("")],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", env={"PATH": os.defpath, "LC_ALL": "C"}, **as_user,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    return prepare
