"""Keeps the portals up to date: generates a project's docs when its configuration or a verdict changes.

Run it with `python -m portal.refresh`.
A project shows a target, or a part of a large one. A new project is generated at once; later at most once a minute, and less
often if generating takes long. The project of a target that cannot be reached keeps its last catalog, shows new verdicts, and is
tried again every five minutes.
"""

import logging
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from database import probes
from database.loops import Loop, Loops
from database.pool import Database
from portal import board, health, parts, state
from portal.generation import Generator
from portal.parts import Part
from portal.project_state import STATE_FILE
from portal.sources import Names, named
from portal.user_project import UserProject
from stringx_dataops.contract.problems import StringXError
from stringx_dataops.contract.settings import Settings, read_settings
from stringx_dataops.contract.variables import SettingsError
from web import logs

LOOK_EVERY_S = 3.0
AT_MOST_EVERY_S = 60.0
AGAIN_AFTER_S = 300.0  # until a target that was not reached is tried again; also how often all projects are examined
AT_ONCE = 2  # projects, of different targets, are generated at the same time, so that a hanging one does not block the others
REST = 3.0  # after a generation its slot stays idle three times as long: two slots together use at most half of a processor
_LONGEST_TURN_S = 120.0  # enough to examine ten thousand tables
FINGERPRINT = "fingerprint"  # a file in a project's work folder, with the fingerprint of the content that it shows

Key = tuple[str, str]  # a project: the target's name and the part's name

log = logging.getLogger(__name__)


@dataclass
class Generation:
    """The last generation of a project, running or done. Times are those of time.monotonic()."""

    fingerprint: str
    began: float
    thread: threading.Thread | None = None
    reached: bool = False
    again: bool = False  # an earlier one has been tried or was there
    rests_until: float = 0.0

    @property
    def under_way(self) -> bool:
        """Whether it is still running."""
        return self.thread is not None and self.thread.is_alive()

    def may_begin_again(self, now: float) -> bool:
        """Whether it has ended and began at least AT_MOST_EVERY_S ago."""
        return not self.under_way and now - self.began >= AT_MOST_EVERY_S

    def is_due(self, fingerprint: str, now: float) -> bool:
        """Whether to generate again now: the content has changed, or the target was not reached for AGAIN_AFTER_S."""
        changed = fingerprint != self.fingerprint
        return self.may_begin_again(now) and (changed or (not self.reached and now - self.began >= AGAIN_AFTER_S))


@dataclass
class Layout:
    """All projects of the portal, and the project of each table."""

    tables: dict[str, list[str]] = field(default_factory=dict)
    parts: dict[Key, Part] = field(default_factory=dict)
    of_table: dict[tuple[str, str], Key] = field(default_factory=dict)

    def of(self, target: str) -> list[Part]:
        """The parts of a target, in their order."""
        return [part for (name, _), part in self.parts.items() if name == target]

    @classmethod
    def make(cls, tables: dict[str, list[str]], has_models: bool) -> "Layout":
        """The layout for the tables of each target. If the user's dbt project has models, large targets get a part for them."""
        found = cls(tables)
        for target, names in tables.items():
            cut = parts.cut(names)
            if has_models and len(cut) > 1:
                cut.append(Part("models", ()))  # the other parts leave the user's models out
            for part in cut:
                found.parts[target, part.name] = part
                found.of_table |= {(target, table): (target, part.name) for table in part.tables}
        return found


class Refresher:
    """Generates projects: knows when each was generated, which may have changed since, and the running processes."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings, self.database = settings, database
        self.generator = Generator(settings)
        self.folder, self.work = self.generator.folder, self.generator.work
        self.made: dict[Key, Generation] = {}
        self.layout = Layout()
        self._changes = state.Changes(database)
        self._stale: set[Key] = set()
        self._read_all_at = float("-inf")
        self._remembers = False
        self._has_looked = False

    def to_be_made(self) -> int | None:
        """How many projects were not tried since the start, and are not there from an earlier one; None before the first look."""
        if not self._has_looked:
            return None
        made = dict(self.made)
        return sum(key not in made or (made[key].under_way and not made[key].again) for key in list(self.layout.parts))

    def turn(self, _: Loop) -> float:
        """One turn of the loop. Whatever fails, such as a project that is being edited or a full disk, is tried again."""
        if not self._remembers:
            self.remember()
            self._remembers = True
        self.look()
        self._has_looked = True
        return LOOK_EVERY_S

    def remember(self) -> None:
        """Treat the projects of an earlier start as made just now, so that a start does not generate all of them."""
        for file in [*self.work.glob(f"*/{FINGERPRINT}"), *self.work.glob(f"*/parts/*/{FINGERPRINT}")]:
            place = file.parent.relative_to(self.work)
            if (self.folder / place / STATE_FILE).exists():
                key = (place.parts[0], place.name if len(place.parts) > 1 else "")
                self.made[key] = Generation(file.read_text(encoding="utf-8"), time.monotonic(), reached=True)

    def look(self) -> None:
        """Begin to generate changed projects, as far as there are free slots, and delete projects that no longer exist."""
        self._learn()
        now = time.monotonic()
        resting = sum(generation.rests_until > now for generation in self.made.values())
        for key in sorted(self.layout.parts, key=lambda key: self.made[key].began if key in self.made else float("-inf")):
            working = {target for (target, _), generation in self.made.items() if generation.under_way}
            if len(working) >= AT_ONCE or (key in self.made and len(working) + resting >= AT_ONCE):
                break  # no free slot; the others wait for a later look
            if key[0] in working:
                continue
            last = self.made.get(key)
            if last is None or ((key in self._stale or not last.reached) and last.may_begin_again(now)):
                self._consider(key, now)
        self._forget()

    def wait(self) -> None:
        """Wait until no generation is running."""
        for generation in self.made.values():
            if generation.thread is not None:
                generation.thread.join()

    def _learn(self) -> None:
        """Read the layout again if the configuration has changed, and mark projects whose content may have changed."""
        changes, now = self._changes.look(), time.monotonic()
        everything = now - self._read_all_at >= AGAIN_AFTER_S
        if everything or any(change.is_configured for change in changes):
            # If this fails, the next look examines everything again.
            read_all_at, self._read_all_at = self._read_all_at, float("-inf")
            self._lay_out()
            self._read_all_at = read_all_at
        if everything:
            self._stale, self._read_all_at = set(self.layout.parts), now
        for change in changes:
            if change.table is None:
                self._stale |= {key for key in self.layout.parts if key[0] == change.target}
            elif (change.target, change.table) in self.layout.of_table:
                self._stale.add(self.layout.of_table[change.target, change.table])

    def _lay_out(self) -> None:
        before = self.layout
        self.layout = Layout.make(state.tables(self.database), UserProject.find(self.settings.dbt_project_dir) is not None)
        for target in self.layout.tables:
            found = self.layout.of(target)
            if len(found) > 1 and [part.name for part in found] != [part.name for part in before.of(target)]:
                self._write_whole(target, found)

    def _write_whole(self, target: str, found: Sequence[Part]) -> None:
        """Write the project with all parts of a target, for use by hand. A failure is logged and does not stop other targets."""
        try:
            whole = state.read(self.database, target, [])
            if whole is not None:
                self.generator.write_whole(whole, found)
        except StringXError:
            raise
        except Exception:
            log.exception("the project of target %s", target)

    def _consider(self, key: Key, now: float) -> None:
        """Begin to generate a project if that is due."""
        target, part = key[0], self.layout.parts[key]
        fingerprint = state.fingerprint(self.database, target, part.tables)
        last = self.made.get(key)
        if last is not None and not last.is_due(fingerprint, now):
            if fingerprint == last.fingerprint:
                self._stale.discard(key)
            return
        self._stale.discard(key)
        self.made[key] = generation = Generation(fingerprint, now, again=last is not None)
        names = named(self.layout.tables[target])
        arguments = (target, part, names, generation)
        generation.thread = threading.Thread(target=self._attempt, args=arguments, daemon=True)
        generation.thread.start()

    def _attempt(self, name: str, part: Part, names: Names, generation: Generation) -> None:
        try:
            target = state.read(self.database, name, part.tables)
            generation.reached = target is None or self.generator.generate(target, part, names, is_new=not generation.again)
            if target is not None and generation.reached:
                (self.work / name / part.folder / FINGERPRINT).write_text(generation.fingerprint, encoding="utf-8")
        except StringXError as error:
            log.warning("%s", error)
        except Exception:  # such as a full disk, or a document of another release; other targets must go on
            log.exception("the portal of target %s", name)
        if generation.again:
            ended = time.monotonic()
            generation.rests_until = ended + REST * (ended - generation.began)

    def _forget(self) -> None:
        """Delete the folders of projects that no longer exist, unless they are still being generated."""
        for work in self.work.glob("*"):
            target, folder = work.name, self.folder / work.name
            if target not in self.layout.tables:
                if not self._under_way(key for key in self.made if key[0] == target):
                    shutil.rmtree(folder, ignore_errors=True)
                    shutil.rmtree(work, ignore_errors=True)
                    self.made = {key: generation for key, generation in self.made.items() if key[0] != target}
                continue
            for left in work.glob("parts/*"):
                key = (target, left.name)
                if key not in self.layout.parts and not self._under_way([key]):
                    shutil.rmtree(folder / "parts" / left.name, ignore_errors=True)
                    shutil.rmtree(left, ignore_errors=True)
                    self.made.pop(key, None)
            if (target, "") not in self.layout.parts and (folder / STATE_FILE).exists() and not self._under_way([(target, "")]):
                (folder / STATE_FILE).unlink()  # the target was small before; the folder remains as the project for use by hand
                shutil.rmtree(folder / "target", ignore_errors=True)
                (work / FINGERPRINT).unlink(missing_ok=True)
                self.made.pop((target, ""), None)

    def _under_way(self, keys: Iterable[Key]) -> bool:
        return any(key in self.made and self.made[key].under_way for key in keys)


def main() -> int:
    """Refresh until the process is ended; returns 2, after a line on standard error, if a setting is wrong."""
    logs.configure()
    try:
        settings = read_settings()
        database = Database(settings.require_database_url(), size=2 + AT_ONCE, application_name="stringx docs")
    except SettingsError as error:
        print(f"docs: {error}", file=sys.stderr)
        return 2
    refresher = Refresher(settings, database)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _end(refresher))
    os.umask(0o077)
    loops = Loops()
    health.start(loops, refresher.folder, refresher.to_be_made)
    probes.start(loops, settings.probe_folder, "docs-refresh", lambda: refresher.to_be_made() == 0)
    loops.add(board.loop(database, refresher.folder)).start()
    loops.add(Loop("refresh", refresher.turn, longest_turn_s=_LONGEST_TURN_S)).run()
    return 0


def _end(refresher: Refresher) -> NoReturn:
    """Kill the dbt processes and exit at once. That leaves no incomplete file, because files are renamed when complete."""
    for process in list(refresher.generator.processes):
        process.kill()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
