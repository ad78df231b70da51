"""Internal databases with something of everything in them, and what they hold, read without the code of backups."""

import json
import secrets
from typing import Any

import psycopg2

from database.pool import Database
from tests.support.queue import ask, claimed, end

ODD = "tab\there, line\nbreak, back\\slash, \\N, \\., a ' quote, ☃, \U0001f600 and \x7f"
_REQUEST = """insert into stringx.requests (request_id, source, body, body_hash, target, table_name, mode, is_full, status, reason)
    values (%(request_id)s, 'cli', %(body)s, '\\x00ff5c0a', 'north', 'public.a', 'async', true, 'queued', %(reason)s)"""


def fill(database: Database) -> None:
    """Checks in every state, odd texts, numbers and times, and points of months with and without a partition. Into the database of
    the fixture `queue`."""
    for number in range(4):
        ask(database, target=("north", "south")[number % 2], table=f"public.{'abcd'[number]}", request_id=f"{number} ☃")
    end(database, claimed(database))
    claimed(database)
    with database.transaction() as cursor:
        for number in range(300):
            request(cursor, f"request {number}")
        cursor.run(
            """select stringx.make_partitions('2026-03-01'); select stringx.make_partitions('2024-12-01');
            insert into stringx.subjects (kind, target, name) values ('table', 'north', 'public.odd');
            insert into stringx.subject_rules (subject_id, rule_id) select subject_id, 'a' from stringx.subjects limit 1;
            insert into stringx.check_points (subject_id, at, check_id, request_id, status, verdict, gate, is_full, counts, score)
            select subject_id, timestamptz '2024-11-20 00:00:00.123456Z' + n * interval '11 days', gen_random_uuid(), 'r', 'succeeded', 'pass', 'open', true,
                   '{"pass": 1}', 1 / 3.0 from stringx.subjects, generate_series(1, 60) n where name = 'public.odd';
            insert into stringx.rule_points (rule_key, at, check_id, status, failures, measured)
            select rule_key, timestamptz '2024-11-20Z' + n * interval '9 days', gen_random_uuid(), 'pass', n,
                   (array['NaN', 'Infinity', '1e-300', '0.1'])[1 + n % 4]::float8 from stringx.subject_rules, generate_series(1, 70) n;
            insert into stringx.audit (actor, action, subject, details) values ('me', 'key.created', 'key:x', '{"a": 1.10}')"""
        )
        cursor.run(
            """insert into stringx.results (check_id, request_id, target, table_name, status, verdict, result, finished_at, is_full)
            select gen_random_uuid(), request_id, target, table_name, 'succeeded', 'fail', %(result)s, clock_timestamp(), true
            from stringx.requests limit 50""",
            {"result": '{"z": 1.50,  "a": ' + json.dumps(ODD, ensure_ascii=False) + "}"},
        )


def request(cursor: Any, request_id: str) -> None:
    """A request of the Backend with an odd text in its body."""
    cursor.run(_REQUEST, {"request_id": request_id, "body": json.dumps({"odd": ODD, "n": 1.10}), "reason": ODD})


def contents(url: str) -> dict[str, list[str]]:
    """The rows of every table of both schemas as text, sorted; and the next number of every sequence."""
    found: dict[str, list[str]] = {}
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                """select format('%I.%I', n.nspname, c.relname), c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname in ('stringx', 'dataops') and c.relkind in ('r', 'S')"""
            )
            for name, kind in cursor.fetchall():
                if kind == "S":
                    cursor.execute(f"select last_value::text, is_called::text from {name}")
                else:
                    cursor.execute(f"select t::text from {name} t")
                found[name] = sorted(" ".join(row) for row in cursor.fetchall())
    finally:
        connection.close()
    return found


def empty_database(admin: Any, owner: str | None = None) -> str:
    """The name of a new empty database."""
    name = f"restored_{secrets.token_hex(6)}"
    admin.run(f"create database {name}" + (f" owner {owner}" if owner is not None else ""))
    return name
