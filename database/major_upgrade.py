"""The embedded PostgreSQL's data folder of an older major version: pg_upgrade makes a copy, which takes its place when it is
whole.

The old folder is kept, and nothing is written to it but what a clean end of its server writes. After a crash at any point, the
next start goes on or begins anew. Works on the files of one machine while nothing else uses them.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from database.account import account
from database.server_processes import does_not_end

_WORK, _DONE = "postgres.upgrading", "postgres.upgraded"
_STATES_AT_REST = ("shut down", "shut down in recovery")
_LONGEST_FOLDER = 80  # bytes, of a Unix socket's folder
_START_S = 600  # a server that was killed may have much to recover


class UpgradeError(Exception):
    """The data folder could not be upgraded, and is as it was; the text is one line."""


def finish(data: Path) -> None:
    """Complete an upgrade that was interrupted when only renames were left. Nothing happens if there is none."""
    done = data.parent / _DONE
    if not (done / "PG_VERSION").exists():
        return
    if data.exists():
        data.rename(_unused(data.parent / f"{data.name}-{_version(data)}"))
    done.rename(data)


def upgrade(
    data: Path, old: Path, new: Path, sockets: Path, password: str, initialise: Callable[[Path, list[str]], None]
) -> Path:
    """Upgrade `data` from the version of the programs in `old` to that of those in `new`; returns where the old folder is now.

    `initialise` makes an empty data folder with the options for initdb that it is given. `password` is the superuser's. Raises
    UpgradeError.
    """
    work, done = data.parent / _WORK, data.parent / _DONE
    _clear(work)
    _require_room(data)
    run = work / "run"
    run.mkdir(parents=True)
    if (who := account()) is not None:
        for folder in (work, run):
            os.chown(folder, who.pw_uid, who.pw_gid)
    with _short(sockets) as short:
        _stop_cleanly(data, old, short, run)
        checksums = int(_control(data, old)["Data page checksum version"]) > 0
        fresh = work / "data"
        initialise(fresh, [] if checksums else ["--no-data-checksums"])
        _run(
            [new / "pg_upgrade", "--old-datadir", data, "--new-datadir", fresh, "--old-bindir", old, "--new-bindir", new,
             "--username", "postgres", "--socketdir", short, "--copy"],
            run, {"PGPASSWORD": password},
        )  # fmt: skip
    shutil.rmtree(fresh / "pg_upgrade_output.d", ignore_errors=True)
    kept = _unused(data.parent / f"{data.name}-{_version(data)}")
    fresh.rename(done)
    finish(data)
    _clear(work)
    return kept


def _clear(work: Path) -> None:
    """Remove what an interrupted upgrade has left, its processes first."""
    for folder in (work / "run", work / "data"):
        if (pid := does_not_end(folder)) is not None:
            raise UpgradeError(f"a process of an upgrade that was interrupted does not end: kill {pid}")
    shutil.rmtree(work, ignore_errors=True)
    if work.exists():
        raise UpgradeError(f"{work}, which an upgrade that was interrupted has left, cannot be removed")


def _require_room(data: Path) -> None:
    needed = sum(entry.stat(follow_symlinks=False).st_size for entry in data.rglob("*") if not entry.is_dir()) + (64 << 20)
    free = shutil.disk_usage(data.parent).free
    if free < needed:
        raise UpgradeError(f"the copy needs {needed >> 20} MB in {data.parent}, and {free >> 20} MB are free")


def _stop_cleanly(data: Path, programs: Path, sockets: Path, run: Path) -> None:
    """pg_upgrade wants a server that has ended by itself; one that was killed starts once more, with its own programs."""
    if _control(data, programs)["Database cluster state"] in _STATES_AT_REST:
        return
    options = f"-c listen_addresses='' -c unix_socket_directories='{sockets}'"
    control: list[str | Path] = [programs / "pg_ctl", "-D", data, "-w", "-t", str(_START_S)]
    _run([*control, "-o", options, "-l", run / "start.log", "start"], run)
    _run([*control, "-m", "fast", "stop"], run)


def _control(data: Path, programs: Path) -> dict[str, str]:
    """What pg_controldata says, by the names of its lines."""
    lines = _run([programs / "pg_controldata", "-D", data], Path("/")).splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _run(arguments: list[str | Path], folder: Path, variables: dict[str, str] | None = None) -> str:
    """Run one of PostgreSQL's programs as its account; returns its output. Raises UpgradeError with the line that says why."""
    who = account()
    done = subprocess.run(
        arguments, cwd=folder, env={"PATH": os.defpath, "LC_ALL": "C", **(variables or {})}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        user=who.pw_uid if who else None, group=who.pw_gid if who else None, extra_groups=[] if who else None,
    )  # fmt: skip
    if done.returncode != 0:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()] or ["no output"]
        said = [line for line in lines if re.search(r"error|fatal|could not|must|fail", line, re.IGNORECASE)]
        raise UpgradeError(f"{Path(arguments[0]).name}: {' '.join((said or lines)[:3])}")
    return done.stdout


@contextmanager
def _short(folder: Path) -> Iterator[Path]:
    """This folder, or one for the time being if a Unix socket in it would have too long a path."""
    if len(os.fsencode(folder)) <= _LONGEST_FOLDER:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="stringx-") as short:
        if (who := account()) is not None:
            os.chown(short, who.pw_uid, who.pw_gid)
        yield Path(short)


def _version(data: Path) -> str:
    return (data / "PG_VERSION").read_text().strip()


def _unused(path: Path) -> Path:
    """This path, or one beside it that nothing has."""
    number = 1
    candidate = path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}.{number}")
    return candidate
