"""Types by SQLAlchemy's names, as Great Expectations compares them on PostgreSQL."""

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
    "TIMESTAMP": ["timestamp without time zone", "timestamp with time zone"],
    "TIME": ["time without time zone", "time with time zone"],
    "UUID": ["uuid"],
    "JSONB": ["jsonb"],
    "BYTEA": ["bytea"],
}


def types_of(names: Sequence[str]) -> list[str]:
    """PostgreSQL's names of the types. Raises NoRule for one that is not known."""
    found: dict[str, None] = {}
    for name in names:
        if name not in _TYPES:
            known = ", ".join(_TYPES)
            raise NoRule(f"the type {name!r} is none of a PostgreSQL column here ({known})")
        found.update(dict.fromkeys(_TYPES[name]))
    return list(found)
