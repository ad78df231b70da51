"""Runs schedules when they are due, and notices checks that were expected and have not come: in threads of each process."""

import logging
from dataclasses import dataclass

from backend.schedules import expecting, firing
from database.loops import Loop, Loops
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue

LOOK_S = 1.0
_EXPECT_S = 5.0
_END_EVERY = 3  # looks

log = logging.getLogger(__name__)


@dataclass
class Turns:
    """The turns of the loop that runs schedules."""

    database: Database
    catalogue: Catalogue
    token: str | None = None  # of the documents that were taken up
    number: int = 0

    def look(self, loop: Loop) -> float | None:
        with self.database.statements() as cursor:
            found = cursor.one(firing.SQL["look"])
        assert found is not None
        now, has_due = found["now"], found["has_due"]
        if found["token"] != self.token:
            firing.sync(self.database, now)
            self.token, has_due = found["token"], True
            loop.alive()
        if has_due and (fired := firing.fire_due(self.database, now)):
            log.info("%s schedules were due", fired)
            loop.alive()
        if found["has_runs"] and self.number % _END_EVERY == 0:
            firing.end(self.database, now)
        self.number += 1
        if found["has_items"] and firing.start_items(self.database, self.catalogue, now) == firing.ITEMS:
            return None  # there may be more
        return LOOK_S


def start(database: Database, catalogue: Catalogue, loops: Loops) -> None:
    """In daemon threads."""

    def expect(loop: Loop) -> float:
        expecting.look(database, alive=loop.alive)
        return _EXPECT_S

    loops.start("schedules", Turns(database, catalogue).look)
    loops.start("expectations", expect)
