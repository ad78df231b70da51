"""Which releases of the web services run: each web process says so every few seconds. Upgrades go by it (`launch/order.py`)."""

from contextlib import suppress

from database import reports
from database.leases import worker_name
from database.loops import Loop, Loops
from database.pool import Database
from stringx_dataops.contract.problems import StringXError


class Presence:
    """Says that a web process of a role runs, and of which release it is."""

    def __init__(self, database: Database, role: str, release: str) -> None:
        self._database = database
        self._role, self._release = role, release
        self._process: str | None = None

    def start(self, loops: Loops) -> None:
        """Say so every few seconds; called in the process that serves, after the fork."""
        loops.start("presence", self.say)

    def say(self, _: Loop | None = None) -> float:
        """Store it once; returns the seconds until it is to be said again."""
        self._process = self._process or worker_name(self._role)
        row = {"process": self._process, "service": _service(self._role), "release": self._release}
        with self._database.statements() as cursor:
            cursor.run(reports.SQL["write_release"], row)
        return reports.EVERY_S

    def end(self) -> None:
        """The process ends: nobody has to wait until it counts as gone."""
        if self._process is not None:
            with suppress(StringXError):
                reports.forget(self._database, self._process)


def older(database: Database, role: str, release: str) -> list[tuple[str, str]]:
    """Processes of a role that are of an earlier release and have not ended, each with its release."""
    with database.statements() as cursor:
        rows = cursor.all(reports.SQL["releases"], {"service": _service(role), "seen_s": reports.SEEN_S})
    return [(row["process"], row["release"]) for row in rows if _numbers(row["release"]) < _numbers(release)]


def _service(role: str) -> str:
    return f"web:{role}"


def _numbers(release: str) -> tuple[int, ...]:
    """`0.5.0` as numbers; what follows them, as in `0.5.0rc1`, does not count."""
    numbers = []
    for part in release.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if digits:
            numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)
