"""Keeps the portals true: generates a project's docs when its configuration or a verdict has changed.

`python -m portal.refresh`. A project (of a target, or of a part of a large one) is made at once when it is new, and at most
once a minute after that, less often where making them takes long. A target that cannot be reached keeps its last catalog, still
shows its verdicts, and is tried again every five minutes.
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

from database.loops import Loop, Loops
from database.pool import Database
from portal import health, parts, project, state
from portal.generation import STATE, Generator
from portal.parts import Part
from stringx_dataops.contract.problems import StringXError
from stringx_dataops.contract.settings import Settings, SettingsError, read_settings
from web import logs

LOOK_EVERY_S = 3.0
AT_MOST_EVERY_S = 60.0
AGAIN_AFTER_S = 300.0  # where the last generation did not reach the target; and every project is looked at so often
AT_ONCE = 2  # targets, one project of each, generated side by side, so that one that hangs does not hold up the others
REST = 3.0  # after a generation its slot stays idle three times as long: two slots together use at most half of a processor
_LONGEST_TURN_S = 120.0  # of a look at ten thousand tables
FINGERPRINT = "fingerprint"  # in a project's work folder: what it shows

Key = tuple[str, str]  # a target's name, a part's name

log = logging.getLogger(__name__)


@dataclass
class Generation:
    """The last generation of a project, under way or done."""

    fingerprint: str
    began: float
    thread: threading.Thread | None = None
    reached: bool = False
    rests_until: float = 0.0

    @property
    def under_way(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def may_begin_again(self, now: float) -> bool:
        return not self.under_way and now - self.began >= AT_MOST_EVERY_S

    def is_due(self, fingerprint: str, now: float) -> bool:
        changed = fingerprint != self.fingerprint
        return self.may_begin_again(now) and (changed or (not self.reached and now - self.began >= AGAIN_AFTER_S))


@dataclass
class Layout:
    """Which projects there are, and in which of them a table is."""

    tables: dict[str, list[str]] = field(default_factory=dict)
    parts: dict[Key, Part] = field(default_factory=dict)
    of_table: dict[tuple[str, str], Key] = field(default_factory=dict)

    def of(self, target: str) -> list[Part]:
        return [part for (name, _), part in self.parts.items() if name == target]

    @classmethod
    def make(cls, tables: dict[str, list[str]], has_models: bool) -> "Layout":
        found = cls(tables)
        for target, names in tables.items():
            cut = parts.cut(names)
            if has_models and len(cut) > 1:
                cut.append(Part("models", ()))  # the user's, which none of the others shows
            for part in cut:
                found.parts[target, part.name] = part
                found.of_table |= {(target, table): (target, part.name) for table in part.tables}
        return found


class Refresher:
    """What was generated when, what may have changed since, and the processes that are at it."""

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

    def turn(self, _: Loop) -> float:
        """What fails now may be mended at the next look: a project that is just being edited, a full disk."""
        if not self._remembers:
            self.remember()
            self._remembers = True
        self.look()
        return LOOK_EVERY_S

    def remember(self) -> None:
        """Take projects of an earlier start as made now: a start has better things to do than to make them again."""
        for file in [*self.work.glob(f"*/{FINGERPRINT}"), *self.work.glob(f"*/parts/*/{FINGERPRINT}")]:
            place = file.parent.relative_to(self.work)
            if (self.folder / place / STATE).exists():
                key = (place.parts[0], place.name if len(place.parts) > 1 else "")
                self.made[key] = Generation(file.read_text(encoding="utf-8"), time.monotonic(), reached=True)

    def look(self) -> None:
        """Begin generating what has changed; forget what is gone."""
        self._learn()
        now = time.monotonic()
        resting = sum(generation.rests_until > now for generation in self.made.values())
        for key in sorted(self.layout.parts, key=lambda key: self.made[key].began if key in self.made else float("-inf")):
            working = {target for (target, _), generation in self.made.items() if generation.under_way}
            if len(working) >= AT_ONCE or (key in self.made and len(working) + resting >= AT_ONCE):
                break  # the others are due at a later look
            if key[0] in working:
                continue
            last = self.made.get(key)
            if last is None or ((key in self._stale or not last.reached) and last.may_begin_again(now)):
                self._consider(key, now)
        self._forget()

    def wait(self) -> None:
        """Until nothing is under way."""
        for generation in self.made.values():
            if generation.thread is not None:
                generation.thread.join()

    def _learn(self) -> None:
        """What there is, where that has changed; and which projects may show something old."""
        changes, now = self._changes.look(), time.monotonic()
        everything = now - self._read_all_at >= AGAIN_AFTER_S
        if everything or any(change.is_configured for change in changes):
            read_all_at, self._read_all_at = self._read_all_at, float("-inf")  # everything again, where this fails
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
        self.layout = Layout.make(state.tables(self.database), project.models_of(self.settings.dbt_project_dir) is not None)
        for target in self.layout.tables:
            found = self.layout.of(target)
            if len(found) > 1 and [part.name for part in found] != [part.name for part in before.of(target)]:
                self._write_whole(target, found)

    def _write_whole(self, target: str, found: Sequence[Part]) -> None:
        """The project by hand of all parts; one target's trouble is not the others'."""
        try:
            whole = state.read(self.database, target, [])
            if whole is not None:
                self.generator.write_whole(whole, found)
        except StringXError:
            raise
        except Exception:
            log.exception("the project of target %s", target)

    def _consider(self, key: Key, now: float) -> None:
        """Begin, unless it shows everything as it is."""
        target, part = key[0], self.layout.parts[key]
        fingerprint = state.fingerprint(self.database, target, part.tables)
        last = self.made.get(key)
        if last is not None and not last.is_due(fingerprint, now):
            if fingerprint == last.fingerprint:
                self._stale.discard(key)
            return
        self._stale.discard(key)
        self.made[key] = generation = Generation(fingerprint, now)
        names = project.named(self.layout.tables[target])
        arguments = (target, part, names, generation, last is not None)
        generation.thread = threading.Thread(target=self._attempt, args=arguments, daemon=True)
        generation.thread.start()

    def _attempt(self, name: str, part: Part, names: project.Names, generation: Generation, again: bool) -> None:
        try:
            target = state.read(self.database, name, part.tables)
            generation.reached = target is None or self.generator.generate(target, part, names)
            if target is not None and generation.reached:
                (self.work / name / part.folder / FINGERPRINT).write_text(generation.fingerprint, encoding="utf-8")
        except StringXError as error:
            log.warning("%s", error)
        except Exception:  # one target's trouble (a full disk, a document of another release) is not the others'
            log.exception("the portal of target %s", name)
        if again:
            ended = time.monotonic()
            generation.rests_until = ended + REST * (ended - generation.began)

    def _forget(self) -> None:
        """Projects and targets that are no more, once nothing is at them."""
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
            if (target, "") not in self.layout.parts and (folder / STATE).exists() and not self._under_way([(target, "")]):
                (folder / STATE).unlink()  # it was small once: the rest of the folder is the project by hand
                shutil.rmtree(folder / "target", ignore_errors=True)
                (work / FINGERPRINT).unlink(missing_ok=True)
                self.made.pop((target, ""), None)

    def _under_way(self, keys: Iterable[Key]) -> bool:
        return any(key in self.made and self.made[key].under_way for key in keys)


def main() -> int:
    logs.configure()
    try:
        settings = read_settings()
        database = Database(settings.require_database_url(), size=1 + AT_ONCE, application_name="stringx docs")
    except SettingsError as error:
        print(f"docs: {error}", file=sys.stderr)
        return 2
    refresher = Refresher(settings, database)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _end(refresher))
    os.umask(0o077)
    loops = Loops()
    health.start(loops, refresher.folder)
    loops.add(Loop("refresh", refresher.turn, longest_turn_s=_LONGEST_TURN_S)).run()
    return 0


def _end(refresher: Refresher) -> NoReturn:
    """At once, with every dbt; a half-written file is nobody's, for each is put in its place when complete."""
    for process in list(refresher.generator.processes):
        process.kill()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
