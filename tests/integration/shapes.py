"""Generic dbt tests of every shape that the well-known packages use, and uses of them."""

from dataclasses import dataclass, field
from typing import Any

# Each as a generic test of a package does it: dispatched or not, its config in variables, comments, conditions.
MACROS = """
{% test column_exists(model, column_name) %}
  {%- if execute -%}
    {%- set names = adapter.get_columns_in_relation(model) | map(attribute='name') | map('upper') | list -%}
  {%- endif -%}
  select 1 as missing where {{ 'true' if execute and column_name | upper not in names else 'false' }}
{% endtest %}

{% test of_type(model, column_name, wanted) %}
  {%- if execute -%}
  {%- set found = [] -%}
  {%- for column in adapter.get_columns_in_relation(model) if column.name | upper == column_name | upper -%}
    {%- do found.append("select '" ~ column.dtype | upper ~ "'::text as dtype") -%}
  {%- endfor -%}
  select * from ({{ found | join(' union all ') if found else "select 'none'::text as dtype where false" }}) as types
  where dtype not in ({% for one in wanted %}'{{ one | upper }}'{{ ', ' if not loop.last }}{% endfor %})
  {%- endif -%}
{% endtest %}

{% test suffixed(model, column_name) %}
  select {{ column_name }} as {{ column_name }}_suffix from {{ model }} where {{ column_name }} is null
{% endtest %}

{% test sums(model, column_name) %}{{ config(fail_calc='sum(x)') }} select {{ column_name }} as x from {{ model }}{% endtest %}

{% test says(model, calc) %}{{ config(fail_calc=calc) }} select 1 as one, null::integer as nothing, 'a' as word{% endtest %}

{% test same_count(model, compare_to, group_by=[]) %}
  {{ return(adapter.dispatch('test_same_count')(model, compare_to, group_by)) }}
{% endtest %}
{% macro default__test_same_count(model, compare_to, group_by) %}
  {% set difference %}
    sum(coalesce(abs(n - m), n, m))
    + count(*) * 0
  {% endset %}
  {#- needs to be set at parse time, before '' is returned below: config(fail_calc = 'nothing of the kind') -#}
  {{ config(fail_calc = difference) }}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  -- config(fail_calc='min(wrong)')
  select (select count(*) from {{ model }}) as n, (select count(*) from {{ compare_to }}) as m
{% endmacro %}

{% test conditional(model, column_name, mild=false) %}
  {% if mild %}{{ config(severity='warn', fail_calc='count(*) + 1') }}{% endif %}
  {% if execute %}{{ config(fail_calc='0') }}{% endif %}
  {% if not execute %}{{ config(limit=2) }}{% endif %}
  select {{ column_name }} from {{ model }} where {{ column_name }} is null or {{ column_name }} < 10
{% endtest %}

{% test in_a_comment(model, column_name) %}
  -- {{ config(fail_calc='count(*) * 2') }}
  select {{ column_name }} from {{ model }} where {{ column_name }} is null
{% endtest %}

{% test by_dictionary(model, column_name) %}
  {{ config({'warn_if': '> 0', 'error_if': '> 1000'}) }}
  select {{ column_name }} from {{ model }} where {{ column_name }} is not null
{% endtest %}

{% test narrowed(model, column_name) %}
  {{ config(where="id > 2") }}
  select {{ column_name }} from {{ model }} where {{ column_name }} is not null
{% endtest %}

{% test stored(model) %}{{ config(store_failures=true) }} select 1 as one{% endtest %}

{% test beyond(model, column_name, bound, note) %}
  select {{ column_name }} from {{ model }}
  where {% if bound %}{{ column_name }} > {{ bound }}{% else %}{{ column_name }} is null{% endif %} {{ note }}
{% endtest %}

{% test holds(model, expression, group_by=none) %}
  select 1 as one from {{ model }} {{ 'group by ' ~ group_by if group_by }} having not ({{ expression }})
{% endtest %}

{% test matches(model, column_name, regex) %}
  select {{ column_name }} from {{ model }} where not ({{ column_name }}::text ~ '{{ regex }}')
{% endtest %}

{% test unlike(model, column_name, pattern) %}
  select {{ column_name }} from {{ model }} where {{ column_name }}::text like '{{ pattern | replace("'", "''") }}'
{% endtest %}

{% test reads_config(model, column_name) %}
  select {{ column_name }} from {{ model }} where {{ 'false' if config.get('where') else column_name ~ ' is null' }}
{% endtest %}

{% test asks_first(model, column_name) %}
  {%- set rows = run_query('select count(*) from ' ~ model) -%}
  {%- set total = rows.columns[0].values()[0] if execute else 0 -%}
  select {{ column_name }} from {{ model }} where {{ total }} > 3 and {{ column_name }} is null
{% endtest %}

{% test given_by_name(model) %}
  select * from {{ model }} where {{ kwargs['column_name'] }} is null
{% endtest %}
"""

# "Odd Name" is quoted in the project's YAML.
DATA = """
create schema {schema};
create table {schema}.orders (id integer, price numeric, note text, code text, "Odd Name" integer);
insert into {schema}.orders values {rows};
create table {schema}.customers (id integer);
insert into {schema}.customers select n from generate_series(1, {customers}) n;
"""
CLEAN = "(1, 5, 'open', '02134', 1), (2, 6, 'o''pen', '10001', 2), (3, 7, 'delete', '94110', 3)"
DISTURBED = "(1, -5, 'open', '02134', 1), (2, null, 'a (b)', 'x', null), (null, 2, '50%&', '1', 3), (4, 0, null, '94110', 4), (5, 100, 'a@b', null, 5)"


@dataclass(frozen=True)
class Use:
    """A generic test as a rule calls it; `native` are arguments where dbt's YAML has other ones."""

    test: str
    column: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    native: dict[str, Any] | None = None
    refused: str | None = None  # why, where dbt would run it

    @property
    def in_yaml(self) -> dict[str, Any]:
        return self.arguments if self.native is None else self.native


OTHER = ({"relation": "{schema}.customers"}, "source('{schema}', 'customers')")
USES = [
    Use("unique", "id"),
    Use("not_null", "price"),
    Use("not_null", "Odd Name"),
    Use("accepted_values", "note", {"values": ["open", "delete"]}),
    Use("accepted_values", "id", {"values": [1, 2], "quote": False}, {"severity": "warn"}),
    Use("accepted_values", "id"),
    Use("relationships", "id", {"to": OTHER[0], "field": "id"}, native={"to": OTHER[1], "field": "id"}),
    Use("relationships", "id", {"to": {"ref": "known"}, "field": "id"}, native={"to": "ref('known')", "field": "id"}),
    Use("column_exists", "price"),
    Use("column_exists", "Odd Name"),
    Use("of_type", "price", {"wanted": ["numeric"]}),
    Use("of_type", "price", {"wanted": ["text", "integer"]}),
    Use("suffixed", "id"),
    Use("sums", "id"),
    Use("sums", "price"),
    *(
        Use("says", None, {"calc": calc})
        for calc in ("-3 * count(*)", "0.5 * count(*)", "1.5 * count(*)", "2.0 * count(*)", "sum(nothing)", "count(*)::text", "max(word)",
                     "bool_or(true)", "0 * count(*)", "count(*)::double precision", "sum(one::bigint)")
    ),
    Use("same_count", None, {"compare_to": OTHER[0]}, native={"compare_to": OTHER[1]}),
    Use("same_count", None, {"compare_to": {"ref": "known"}}, native={"compare_to": "ref('known')"}),
    Use("conditional", "price"),
    Use("conditional", "price", {"mild": True}),
    Use("in_a_comment", "price"),
    Use("by_dictionary", "price"),
    Use("by_dictionary", "price", {}, {"error_if": "between 1 and 3"}),
    Use("narrowed", "price"),
    Use("stored", None, refused="store_failures"),
    Use("beyond", "price"),
    Use("beyond", "price", {"bound": 6}),
    Use("beyond", "price", {"bound": "6"}),
    Use("holds", None, {"expression": "max(price) < 50 and count(*) > 1"}),
    Use("holds", None, {"expression": "sum(price) filter (where id > 1) >= 0", "group_by": "note"}),
    *(Use("matches", "code", {"regex": regex}) for regex in (r"^\d{5}$", "@[^.]*", "^(0|1|9)")),
    *(Use("unlike", "note", {"pattern": pattern}) for pattern in ("%&%", "delete", "a (b)", "o'pen", "--", "/* x", "$$a$$")),
    Use("reads_config", "price"),
    Use("reads_config", "price", {}, {"where": "id > 1"}),
    Use("asks_first", "price"),
    Use("given_by_name", "price"),
    Use("not_null", "price", {}, {"fail_calc": "count(*) * 3"}),
    Use("not_null", "price", {}, {"limit": 1}),
    Use("not_null", "price", {}, {"warn_if": ">= 1", "error_if": "> 5"}),
    Use("not_null", "price", {}, {"severity": "warn", "error_if": "> 5"}),
    Use("not_null", "price", {}, {"severity": "warn", "warn_if": "= 7"}),
]  # fmt: skip
