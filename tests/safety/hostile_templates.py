"""Families of hostile texts for what fills in texts: Jinja, format strings and shells, placeholders."""

from collections.abc import Iterator

from tests.safety.canaries import FILE, TABLE, VARIABLE

# What a text does once it is read as Jinja.
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


def jinja() -> Iterator[str]:
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


def formats() -> Iterator[str]:
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


def long() -> Iterator[str]:
    for unit in ("a", "'", '"', "{{ ", "(", "\\", "\u00e9", "\U0001f600", "' or ", "a,"):
        for length in (62, 63, 64, 200, 201, 4000, 20_000):
            yield (unit * length)[:length]


def placeholders() -> Iterator[str]:
    yield from ("%(x)s; --", "%s'", "%'", "%(x)s%", "%%s", "%b", "%t", ":1", ":name", "$1::text", "{x}", "<%x%>", "\\gexec", "\\copy", "\\i x", ":{?x}", "&&x", "<<x>>", "[[x]]", "((x))", "null", "NULL", "none", "None", "nan", "infinity", "-infinity", "epoch", "now", "today", "allballs", "0", "-1", "1e400", "1_000", "0b1", "99999999999999999999", "1.", ".5", "f", "t", "public", "pg_temp", "pg_catalog.pg_authid", "information_schema.tables", '"public"."gold"', '"canary"."gold"', '"a.b"."c', '"a"."b"; drop table canary.gold; --', '"a".b', 'a."b"', '"";""."x"', "canary.gold", "canary.gold;", "canary.gold --", "canary.gold where false", 'canary.gold"; delete from canary.gold; --', "public.a.b", "public.", ".x", "x.", 'x." ; delete from canary.gold; --')  # fmt: skip
