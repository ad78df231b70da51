"""Families of hostile texts for SQL: quotes, statements, calls, comments, dollar quotes, strings, Unicode, control characters."""

from collections.abc import Iterator
from itertools import product

from tests.safety.canaries import FILE, TABLE

# What a text does once it is read as SQL.
STATEMENTS = (
    f"delete from {TABLE}",
    f"drop table {TABLE}",
    f"copy {TABLE} to '{FILE}'",
    f"copy {TABLE} from '{FILE}'",
    f"set session authorization postgres; update {TABLE} set secret = 'x'",
)
CALLS = (
    f"pg_read_file('{FILE}')",
    f"lo_import('{FILE}')",
    f"query_to_xml('delete from {TABLE} returning 1', true, true, '')",
    "current_setting('stringx.probe')",
    "pg_sleep(30)",
    "pg_terminate_backend(pg_backend_pid())",
    f"(select secret from {TABLE})",
    "set_config('transaction_read_only', 'off', false)",
)


def quotes() -> Iterator[str]:
    for quote in ("'", '"', "`", "''", '""', "'\"", "\"'", "\\'", '\\"', "\\\\'", "'''", "\u2019", "\u02bc", "\uff07", "\u2032"):
        yield quote
        yield f"x{quote}"
        yield f"{quote} or 1=1"
        yield f"{quote}) or {quote}1{quote}={quote}1"
    yield from (
        "\\",
        "\\\\",
        "a\\",
        "%",
        "%%",
        "_",
        "''''",
        "'||'",
        '"||"',
        "x' 'y",
        "')",
        "'))",
        "')))",
        '")',
        '"."',
        "']",
        "'::text",
    )


def stacked() -> Iterator[str]:
    for closer, statement in product(("", "'", '"', "')", "'))", '"."x"', "x) filter (where true"), STATEMENTS):
        yield f"{closer}; {statement}; --"
    for closer in ("'", '"', "')", ""):
        yield f"{closer}; commit; begin; delete from {TABLE}; commit; begin; select 1; --"
        yield f"{closer}; rollback; delete from {TABLE}; begin; --"
        yield f"{closer}; abort; start transaction read write; drop table {TABLE}; end; --"
        yield f"{closer} end $stringx$; drop table {TABLE}; do $stringx$ begin --"
        yield f"{closer}; execute 'delete from {TABLE}'; --"
    yield "\n".join(["x'", ";", STATEMENTS[0], ";", ""])
    yield f"UTC', true); delete from {TABLE}; select ('x"


def calls() -> Iterator[str]:
    for call in CALLS:
        yield call
        yield f"' || {call} || '"
        yield f"' and {call} is null and '' = '"
        yield f'" || {call} || "'
        yield f"1 = 1 or {call} is null"
        yield f"a' or {call} is null or 'a"
        yield f"({call})::text"
        yield f'a") || {call} || max("a'
        yield f"array[{call}]"
        yield f"case when true then {call} end is null"
    for name in (
        "pg_sleep",
        "PG_SLEEP",
        '"pg_sleep"',
        "pg_catalog.pg_sleep",
        "pg_sleep ",
        "pg_sleep\n",
        "pg_sleep/**/",
        "pg_sleep--\n",
    ):
        yield f"{name}(30) is null"
    yield from (
        "comment = pg_sleep(30)", "fetch = pg_sleep(30)", "show = pg_sleep(30)", "rename(pg_sleep(30))",
        "current_user = session_user", "a::regclass is null", "'pg_sleep'::regproc is null", "a operator(pg_catalog.=) b",
        'U&"pg!005fsleep" UESCAPE \'!\' (30) is null', 'U&"pg\\005fsleep"(30) is null', "(table canary.gold) is null",
        "exists (select 1)", "a in (select 1)", "a = any (array(select 1))", "(values (1)) = a", "count(*) > 0", "a > all (table x)",
        "gold.wipe > 0", "(gold).wipe > 0", "lower(variadic array['x']) = ''", "1 = 1 union select secret from canary.gold",
        "xmlparse(document 'x') is null", "row_number() over () = 1", "a is null limit 1", "a as b", "*", "gold.*", "default",
    )  # fmt: skip


def comments() -> Iterator[str]:
    for mark in (
        "--",
        "-- ",
        "/*",
        "*/",
        "/**/",
        "/*! x */",
        "/* /* */",
        "#",
        "--\n",
        "--\r",
        "\\c",
        "\\! id",
        "/*+ x */",
        "{#",
        "#}",
        "{# x #}",
        "{#-",
    ):
        yield mark
        yield f"a = 1 {mark}"
        yield f"' {mark}"
        yield f'" {mark}'
    yield from ("a = 1) --", "a = 1)) -- x", "a /* ' */ = '*/ 1'", "1=1\n--x\n", "true /* {{ x }} */", "'/*' = a /* '*/")


def dollars() -> Iterator[str]:
    for tag in ("$$", "$x$", "$stringx$", "$_$", "$\u00e9$", "$1$", "$$$$", "$x$ $$ $x$"):
        yield tag
        yield f"a = {tag}x{tag}"
        yield f"{tag}; delete from {TABLE}; {tag}"
        yield f"'{tag}'"
        yield f"a{tag}; drop table {TABLE}; {tag}"
    yield from ("$1", "$2", "a = $1", ":x", ":'x'", ':"x"', "::", "?", "a ? 'x'", "@x", "@@x", "&x")


def strings() -> Iterator[str]:
    for prefix, body in product(
        ("E", "e", "U&", "u&", "B", "X", "N", "_utf8"),
        ("'\\''", "'x'", "'\\0027'", "'\\x27; --'", "''; delete from canary.gold; --'"),
    ):
        yield f"{prefix}{body}"
    yield from (
        "U&'d!0061t!+000061' UESCAPE '!'",
        "U&\"gold\" UESCAPE 'g'",
        "'a'\n'b'",
        "'a' 'b'",
        "E'a'\n'\\''",
        "chr(39)",
        "\\047",
        "\\u0027",
        "&#39;",
        "%27",
        "%2527",
    )


def unicode() -> Iterator[str]:
    yield from (
        f"{mark}; delete from {TABLE}"
        for mark in ("\uff07", "\u2018", "\u2019", "\u201b", "\u02b9", "\u02bb", "\u0301'", "\u05f3", "\ua78c")
    )
    yield from (f"x{space}or{space}1=1" for space in "\u00a0\u1680\u2003\u2028\u2029\u202f\u3000\ufeff\u200b\u180e\u0085")
    yield from (
        "\uff53\uff45\uff4c\uff45\uff43\uff54 1",
        "\uff1b drop",
        "\uff0d\uff0d",
        "\u2014\u2014",
        "\uff1b\uff0d\uff0d",
        "\uff5b\uff5b 1 \uff5d\uff5d",
        "\uff1cscript\uff1e",
        "\uff0e\uff0e\uff0f",
        "\u212aelvin",
        "dele\u0442e",
        "\u017felect",
        "\u0130",
        "\u0131",
        "\u00df",
        "\ufb01",
        "\U0001f600",
        "\U0001d5ee = 1",
        "e\u0301",
        "\u00e9",
        "\u0645\u0631\u062d\u0628\u0627",
        "\u202egnp.exe",
        "\u2066x\u2069",
        "a\u034fb",
        "\ufffd",
        "\ufffe",
        "\uffff",
        "\U000fffff",
        "\u4e2d\u6587",
        "\u0e01\u0e33",
        "\u1100\u1161",
        "Z\u0351\u036b\u0343",
    )
    yield from ("\ud800", "\udfff", "x\udc00y", "\ud83d")


def control_characters() -> Iterator[str]:
    for code in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 13, 26, 27, 28, 30, 31, 127, 128, 133, 155, 159):
        yield chr(code)
        yield f"x{chr(code)}y"
        yield f"'{chr(code)}; delete from {TABLE}"
    yield from (
        "\x1b[2J\x1b[31mred",
        "\x1b]0;title\x07",
        "x\r\nLocation: http://evil.invalid",
        "x\r\n\r\n<html>",
        "x\nlevel=error forged",
        '"}\n{"level": "error", "message": "forged"}',
        "x%0d%0aSet-Cookie: a=b",
        "x\\r\\nforged",
        "\r\nready http://evil.invalid",
        "a\n\n\nb",
        "\t\t",
        "   ",
        " x",
        "x ",
        "",
    )
