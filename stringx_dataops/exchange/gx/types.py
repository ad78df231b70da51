"""Types by SQLAlchemy's names, as Great Expectations compares them on PostgreSQL."""

import re
from collections.abc import Sequence

from stringx_dataops.exchange.gx.conditions import NoRule

_TYPES = {
    "INTEGER": ["integer"],
    "BIGINT": ["bigint"],
    "SMALLINT": ["smallint"],
    "TEXT": ["text"],
    "VARCHAR": ["character varying"],
    "CHAR": ["character"],
    "BOOLEAN": ["boolean"],
    "DATE": ["date"],
    "NUMERIC": ["numeric"],
    "REAL": ["real"],
    "DOUBLE_PRECISION": ["double precision"],
    "TIMESTAMP_WITHOUT_TIME_ZONE": ["timestamp without time zone"],
    "TIMESTAMP_WITH_TIME_ZONE": ["timestamp with time zone"],
    "TIMESTAMP": ["timestamp without time zone", "timestamp with time zone"],
    "TIME": ["time without time zone", "time with time zone"],
    "UUID": ["uuid"],
    "JSONB": ["jsonb"],
    "BYTEA": ["bytea"],
}


_NOT_NOW = ("TIMESTAMP", "TIME")  # 1 names them with their time zone
SIZED = ("VARCHAR", "CHAR", "NUMERIC")
_WITH_SIZE = re.compile(r"(VARCHAR|CHAR|NUMERIC)\([0-9]+(, ?[0-9]+)?\)", re.IGNORECASE)


def types_of(names: Sequence[str], old: bool) -> list[str]:
    """PostgreSQL's names of the types. 0.18 (`old`) knows them by classes, 1 by SQL's names in any case. Raises NoRule."""
    found: dict[str, None] = {}
    for name in names:
        if not old and _WITH_SIZE.fullmatch(name):
            found[name.lower()] = None
            continue
        known = _TYPES.get(name if old else name.upper().replace(" ", "_"))
        if known is None or (not old and ("_" in name or name.upper() in _NOT_NOW)) or (old and name.endswith("_TIME_ZONE")):
            raise NoRule(f"the type {name!r} is none by which Great Expectations finds a column of PostgreSQL")
        found.update(dict.fromkeys(known))
    return list(found)
