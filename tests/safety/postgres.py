"""What PostgreSQL itself makes of a text: the oracle of the differential tests."""

import ctypes
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

# One column of every sort of type, by names that the texts of the tests use.
COLUMNS = """
create schema other;
create function other.lower(text) returns text language sql as $$ select $1 $$;
create function public.evil(integer) returns integer language sql as $$ select $1 $$;
create table checked (
  a integer, b integer, c text, d timestamptz, e date, j jsonb, r integer[], t text, x numeric, y boolean,
  "select" integer, "Mixed Case" text
);
create table shop (a integer, b integer);
create table other.shop (a integer, b integer, c text);
create function public.wipe(checked) returns integer language sql as $$ select 1 $$;
"""


@dataclass(frozen=True)
class Reading:
    """How the server read a statement: `error` is (SQLSTATE, message) or None; `calls` are the functions that it would call by
    name or by a syntax of their own, `columns` how many it returns, `relations` what it reads."""

    error: tuple[str, str] | None
    calls: frozenset[str] = frozenset()
    columns: int = 0
    relations: frozenset[str] = frozenset()


class Server:
    """Asks a server how it reads a query, without running it."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg2.connect(url)
        self._connection.autocommit = True
        self._cursor = self._connection.cursor()
        self._libpq = _libpq()

    def close(self) -> None:
        self._connection.close()

    def fault_of_syntax(self, sql: str) -> str | None:
        """The server's words where the text is not exactly one statement, by its own grammar: the extended protocol takes no two."""
        pointer = ctypes.c_void_p(self._connection.pgconn_ptr)
        result = ctypes.c_void_p(self._libpq.PQprepare(pointer, b"", sql.encode(), 0, None))
        try:
            state = self._libpq.PQresultErrorField(result, ord("C"))
            return (
                self._libpq.PQresultErrorMessage(result).decode(errors="replace").strip()
                if state in (b"42601", b"54001")
                else None
            )
        finally:
            self._libpq.PQclear(result)

    def read(self, query: str) -> Reading:
        """The query as the definition of a view: its functions, columns and relations are told by the catalog."""
        self._cursor.execute("begin")
        try:
            self._cursor.execute("create view public.reading as " + query)
            calls = self._rows(
                "select regexp_matches(ev_action, '[{](?:FUNCEXPR|AGGREF|WINDOWFUNC) :(?:func|aggfn|win)\\w* ([0-9]+)(.{0,120})', 'g')"
                " from pg_rewrite where ev_class = 'public.reading'::regclass"
            )
            names = set()
            for ((oid, rest),) in calls:
                form = re.search(r":funcformat ([0-9])", rest)
                if form is None or form.group(1) in "03":  # the others are casts
                    ((schema, name),) = self._rows(
                        f"select nspname, proname from pg_proc join pg_namespace n on n.oid = pronamespace where pg_proc.oid = {int(oid)}"
                    )
                    names.add(name if schema == "pg_catalog" else f"{schema}.{name}")
            ((columns,),) = self._rows(
                "select count(*) from pg_attribute where attrelid = 'public.reading'::regclass and attnum > 0"
            )
            relations = self._rows(
                "select distinct refobjid::regclass::text from pg_depend join pg_rewrite w on w.oid = objid and classid = 'pg_rewrite'::regclass"
                " where ev_class = 'public.reading'::regclass and refclassid = 'pg_class'::regclass and refobjid <> ev_class"
            )
            return Reading(None, frozenset(names), columns, frozenset(name for (name,) in relations))
        except psycopg2.Error as error:
            return Reading((str(error.pgcode), str(error).splitlines()[0]))
        finally:
            self._cursor.execute("rollback")

    def keywords(self) -> dict[str, str]:
        """Its keywords by category: R is reserved, C no function's name."""
        return dict(self._rows("select word, catcode::text from pg_get_keywords()"))

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        self._cursor.execute(sql)
        return self._cursor.fetchall()


def _libpq() -> Any:
    """The very library that psycopg2 has loaded."""
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        if re.search(r"/libpq[^/]*\.so", line):
            library = ctypes.CDLL(line.split(maxsplit=5)[5])
            library.PQprepare.restype = ctypes.c_void_p
            library.PQprepare.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
            library.PQresultErrorField.restype = ctypes.c_char_p
            library.PQresultErrorField.argtypes = [ctypes.c_void_p, ctypes.c_int]
            library.PQresultErrorMessage.restype = ctypes.c_char_p
            library.PQresultErrorMessage.argtypes = [ctypes.c_void_p]
            library.PQclear.argtypes = [ctypes.c_void_p]
            return library
    raise RuntimeError("psycopg2 has loaded no libpq")
