"""Tables on which other tools and imported rules are compared: full, small, without a row, and without a value."""

import random
from typing import Any

import psycopg2
from psycopg2.extras import execute_values

from tests.support.databases import Target

COLUMNS = """
id integer, n numeric, x double precision, r real, t text, e text, f text, v character varying(20), d date, ts timestamp with time zone,
tz timestamp without time zone, b boolean, s smallint, big bigint
"""
NAMES = [part.split()[0] for part in COLUMNS.replace("\n", " ").split(",") if not part.strip().startswith("4")]
WORDS = ["a", "b", "c", "A", "", " ", "N/A", "n/a", "ab", "abc", "it's", "a\\b", "ä", "-"]
EMAILS = ["x@example.org", "first.last@mail.example.com", "x@y", "@x.org", "no mail", "a@b.toolong"]
FORMATTED = [
    "1",
    "-1",
    " 12 ",
    "1.5",
    "1,5",
    "50%",
    "2020-01-31",
    "31/12/2020",
    "12:30",
    "23:59:59",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
]
TABLES = {"full": 240, "small": 7, "single": 1, "hollow": 5, "nothing": 0}


def _maybe(chance: random.Random, share: float, value: Any) -> Any:
    return None if chance.random() < share else value


def _row(chance: random.Random, hollow: bool) -> tuple[Any, ...]:
    if hollow:
        return (None,) * len(NAMES)
    day = f"20{chance.randint(20, 24)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    return (
        _maybe(chance, 0.02, chance.randint(1, 200)),
        _maybe(chance, 0.1, chance.randint(-20, 200) / 4),
        _maybe(chance, 0.1, chance.randint(-20, 200) / 10),
        _maybe(chance, 0.1, chance.randint(0, 30) / 10),
        _maybe(chance, 0.15, chance.choice(WORDS)),
        _maybe(chance, 0.05, chance.choice(EMAILS)),
        _maybe(chance, 0.05, chance.choice(FORMATTED)),
        _maybe(chance, 0.3, chance.choice(["x", "yy", "zzz"])),
        _maybe(chance, 0.1, day),
        _maybe(chance, 0.1, f"{day} 10:00+00"),
        _maybe(chance, 0.1, f"{day} 10:00"),
        _maybe(chance, 0.1, chance.random() < 0.5),
        _maybe(chance, 0.1, chance.randint(0, 5)),
        _maybe(chance, 0.1, chance.randint(0, 5)),
    )


def fill(target: Target) -> None:
    """The tables, the same at each run, and `other`, whose key some of their values are in."""
    chance = random.Random(19)
    connection = psycopg2.connect(target.loader_url)
    with connection, connection.cursor() as cursor:
        for name, rows in TABLES.items():
            cursor.execute(f"create table public.{name} ({COLUMNS})")
            if rows:
                execute_values(
                    cursor, f"insert into public.{name} values %s", [_row(chance, name == "hollow") for _ in range(rows)]
                )
        cursor.execute("create table public.other (key integer, word text)")
        cursor.execute("insert into public.other select n, chr(96 + n % 4) from generate_series(0, 180) n")
        cursor.execute("insert into public.other values (null, null), (3, 'a')")
    connection.close()
