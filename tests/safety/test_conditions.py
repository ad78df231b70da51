"""Custom SQL as our parser reads it and as PostgreSQL does: what is accepted is one expression, or one query, that calls allowed
functions only and reads what we know of. Texts are those of the unit tests, the hostile ones, and changes of both by chance."""

import logging
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest

from stringx_dataops.contract.custom_sql.postgres.conditions import fault_of_condition
from stringx_dataops.contract.custom_sql.postgres.qualified import names_of_condition
from stringx_dataops.contract.custom_sql.postgres.queries import fault_of_query, relations_of_query
from stringx_dataops.contract.custom_sql.postgres.sql_words import ALLOWED_FUNCTIONS, NO_CALL, QUERY_FUNCTIONS, QUERY_NO_CALL
from tests.safety.payloads import corpus
from tests.safety.postgres import COLUMNS, Server
from tests.support.conditions import ALLOWED, REFUSED
from tests.support.databases import Admin

# Functions behind syntax of its own (AT TIME ZONE, OVERLAPS, LIKE … ESCAPE), and casts written as calls.
SYNTAX = frozenset(["timezone", "overlaps", "like_escape", "similar_to_escape", "is_normalized"])
TRIES = 6000
PIECES = [
    "a", "b", "1", "1.5", "'x'", "(", ")", "--", "/*", "*/", "pg_sleep", '"pg_sleep"', "evil", "lower", "now", "and", "or",
    "not", "=", "<", ">", "-", "*", "::", "int", "text", "'", '"', "`", ".", ",", "[", "]", "$$", "$1", "$t$", ":", "?", "@",
    "#", "|", "||", "&", "!", "~", "%", "\\", "e'", "E'", "U&'", 'U&"', "u&", "uescape", "'!'", "n'", "b'", "x'", "case",
    "when", "then", "end", "is", "null", "in", "any", "array", "row", "cast", "as", "interval", "date", "timestamp", "time",
    "with", "zone", "at", "between", "like", "escape", "collate", '"C"', "extract", "from", "position", "substring", "trim",
    "both", "overlay", "placing", "distinct", "comment", "fetch", "show", "rename", "call", "declare", "default",
    "current_user", "operator", "(+)", "pg_catalog", "checked", "public", "other", "E", "U", "{", "}", "{{", "}}", "{%", "#}",
    "{#", "/*+", "*/--", "é", "exec", "kill", "use", "put", "get", "unset", "attach", "pragma", "cache", "describe", "if",
    "columns", "map", "struct", "decimal", "unique", "filter", "using", "ilike", "similar", "to", "json", "->", "->>", "#>",
    "@>", "?|", "&&", "^", "<->", "@@", "!!", "|/", "=>", ":=", "==", "<=>", "variadic", "local", "xml", "document",
    "normalized", "of", "symmetric", "isnull", "some", "all", "tablesample", "lateral", "only", "grouping", "exists", "limit",
    "offset", "order", "by", "group", "having", "where", "window", "over", "select", "union", "values", "recursive",
    "ordinality", "materialized", "into", "for", "share", "update", "table", "columns(", "json_table", "rows", "qualify",
    "pivot",
]  # fmt: skip
PIECES += ["\n", "\r", "\t", "\x0b", "\x0c", "\xa0", "\u3000", "\ufeff", "\u212a", "-- x\n", " "]
QUERIES = [
    "select a, b from checked where a > 1",
    "select * from public.checked",
    "select c.a from checked c join other.shop s on s.a = c.a",
    "with x as (select a from checked) select * from x",
    "with recursive x(n) as (select 1 union all select n + 1 from x where n < 3) select n from x",
    "select a, count(*) from checked group by a having count(*) > 1",
    "select a, row_number() over (partition by b order by a) from checked",
    "select * from (values (1), (2)) as v(n)",
    "select a from checked where exists (select 1 from other.shop where shop.a = checked.a)",
    "select a from checked union all select b from shop",
    "select distinct on (a) a, b from checked order by a, b limit 3",
    "select a from checked, lateral (select max(b) as m from shop) as l where m > a",
    "select n from generate_series(1, 3) as n",
    "select string_agg(c, ',' order by a) filter (where a > 1) from checked",
    "select percentile_cont(0.5) within group (order by a) from checked",
    "select x.* from checked as x",
    'select a from "public"."checked"',
    "select array(select a from shop)",
    "select a from unnest(array[1, 2]) with ordinality as u(a, n)",
    "select a from checked where c ~ 'x' and d > now()",
]


@pytest.fixture(scope="module")
def server(admin: Admin) -> Iterator[Server]:
    admin.run("create database reading")
    admin.run(COLUMNS, "reading")
    opened = Server(admin.url("reading"))
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    yield opened
    opened.close()
    admin.run("drop database reading with (force)")


def changed(texts: Sequence[str], seed: int) -> Iterator[str]:
    """Texts with pieces put in, taken out and exchanged; the same ones each time."""
    chance = random.Random(seed)
    for _ in range(TRIES):
        parts = re.findall(r"\w+|\s+|.", chance.choice(texts), re.DOTALL)
        for _ in range(chance.randint(1, 4)):
            at = chance.randint(0, len(parts))
            match chance.choice("iiird"):
                case "i":
                    parts.insert(at, chance.choice(("", " ")) + chance.choice(PIECES) + chance.choice(("", " ")))
                case "r" if parts:
                    parts[at - 1] = chance.choice(PIECES)
                case "d" if parts:
                    del parts[at - 1]
        yield "".join(parts)
    for _ in range(TRIES):
        yield chance.choice(("", " ")).join(chance.choice(PIECES) for _ in range(chance.randint(1, 9)))


def differences(server: Server, texts: Sequence[str], fault_of: Callable[[str], str | None], embed: str, functions: frozenset[str], relations: Callable[[str], set[str]]) -> tuple[list[str], Counter[str]]:  # fmt: skip
    """What the server makes of accepted texts that we do not know of. A text that it cannot read at all makes its rule an error
    and nothing else; one that is two statements does not begin with an error of syntax, so it would be told here."""
    found, tally = [], Counter[str]()
    for text in dict.fromkeys(texts):
        if fault_of(text) is not None:
            tally["refused"] += 1
            continue
        query = embed.format(text=text)
        if (fault := server.fault_of_syntax(query)) is not None:
            tally["no SQL to PostgreSQL"] += 1
            if "multiple commands" in fault:
                found.append(f"{text!r} is several statements")
            continue
        tally["one statement"] += 1
        reading = server.read(query)
        if reading.error is not None:
            continue
        tally["read as we do"] += 1
        if reading.columns != 1:
            found.append(f"{text!r} gives {reading.columns} columns")
        if calls := reading.calls - functions - SYNTAX:
            found.append(f"{text!r} calls {sorted(calls)}")
        if more := reading.relations - relations(text):
            found.append(f"{text!r} reads {sorted(more)}")
    return found, tally


def storable(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if not any("\ud800" <= char <= "\udfff" for char in text)]


def test_an_accepted_condition_is_one_expression_of_allowed_functions(server: Server) -> None:
    base = [*ALLOWED, *(text for text, _ in REFUSED), *(payload.text for payload in corpus() if len(payload.text) < 200)]
    texts = storable([*base, *(payload.text for payload in corpus()), *changed(base, 1)])
    found, tally = differences(
        server, texts, fault_of_condition, "select (\n{text}\n) as only from checked", ALLOWED_FUNCTIONS, lambda _: {"checked"}
    )
    assert found == []
    assert tally["read as we do"] > 100
    assert tally["refused"] > 5000


def test_an_accepted_query_is_one_select_of_allowed_functions(server: Server) -> None:
    def relations(text: str) -> set[str]:
        return {".".join(parts).removeprefix("public.") for parts in relations_of_query(text)}

    texts = storable([*QUERIES, *(payload.text for payload in corpus()), *changed(QUERIES, 2)])
    found, tally = differences(
        server, texts, fault_of_query, "select count(*) as n from (\n{text}\n) as violating", QUERY_FUNCTIONS, relations
    )
    assert found == []
    assert tally["read as we do"] > 100
    assert tally["refused"] > 2000


@pytest.mark.parametrize("text", ALLOWED)
def test_what_the_unit_tests_allow_is_sql_to_postgresql(server: Server, text: str) -> None:
    assert server.fault_of_syntax(f"select (\n{text}\n) as only from checked") is None


def test_the_server_is_heard(server: Server) -> None:
    assert "multiple commands" in str(server.fault_of_syntax("select 1; select 2"))
    assert "syntax error" in str(server.fault_of_syntax("select ("))
    assert server.fault_of_syntax("select missing from nowhere") is None
    assert server.read("select (pg_sleep(0) is null) as only from checked").calls == {"pg_sleep"}
    assert server.read("select (checked.c = other.lower('a')) as only from checked").calls == {"other.lower"}
    assert server.read("select c = U&\"pg!005fread_file\" UESCAPE '!' ('x') as only from checked").calls == {"pg_read_file"}
    assert server.read("select a, b from checked").columns == 2
    assert server.read("select (exists (select from other.shop)) as only from checked").relations == {"checked", "other.shop"}
    assert server.read("select a::text::regclass is null as only from checked").calls == frozenset()


def test_a_word_before_a_parenthesis_that_is_never_a_call_is_no_name_of_a_function(server: Server) -> None:
    kinds = server.keywords()
    words = {word for words in (NO_CALL | QUERY_NO_CALL) for word in words.split()[:1]}
    assert {word for word in words if kinds.get(word) not in ("R", "C")} == {"partition", "similar"}, (
        "`partition by`, `similar to`"
    )


def test_a_function_of_a_row_is_no_column(server: Server) -> None:
    text = "checked.wipe > 0"
    reading = server.read(f"select (\n{text}\n) as only from checked")
    assert reading.calls == {"public.wipe"}, "this is what it does"
    assert names_of_condition(text) == [("column", ["own"], None, "wipe")], "which the engine asks the target about"
