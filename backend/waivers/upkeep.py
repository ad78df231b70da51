"""Notes the ends of waivers that time or a change of the rules has brought. Gates do not wait for it: they look at waivers again
whenever somebody asks."""

import logging

from backend.configuration import versions
from backend.waivers.store import SQL
from database.loops import Loop, Loops
from database.pool import Database

_LOOK_S = 5.0
_EVERY_RULE = {"target": None, "table": None, "rule": None}
KEPT_DAYS = 400  # after its end

log = logging.getLogger(__name__)


def start(database: Database, loops: Loops) -> None:
    """In a daemon thread."""

    def look(_: Loop) -> float:
        note_ends(database)
        return _LOOK_S

    loops.start("waivers", look)


def note_ends(database: Database) -> int:
    """How many waivers have ended since the last time. The states of their tables are looked at again (`0027_waivers.sql`)."""
    with database.transaction() as cursor:
        cursor.run(SQL["forget"], {"days": KEPT_DAYS})
        due = cursor.one(SQL["has_ended"])
        if due is None or not due["has_ended"]:
            return 0
        versions.lock(cursor)  # as whoever changes rules does: it locks states before waivers, and this after them
        ended = cursor.run(SQL["note_end"], _EVERY_RULE)
    if ended:
        log.info("%s waivers have ended", ended)
    return ended
