"""Notes the ends of waivers that time or a change of the rules has brought. Gates do not wait for it: they look at waivers again
whenever somebody asks."""

import logging

from backend.waivers import store
from database.loops import Loop, Loops
from database.pool import Database

_LOOK_S = 5.0

log = logging.getLogger(__name__)


def start(database: Database, loops: Loops) -> None:
    """In a daemon thread."""

    def look(_: Loop) -> float:
        if ended := store.note_ends(database):
            log.info("%s waivers have ended", ended)
        return _LOOK_S

    loops.start("waivers", look)
