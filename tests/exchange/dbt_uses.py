"""Data, and dbt tests on it, of every shape that an import knows. The package `dbt_utils` here is a stand-in of our own: tests of
the same names, arguments and counts."""

from dataclasses import dataclass, field
from typing import Any

TABLES = """
create schema {schema};
create table {schema}.customers (id integer, "Name" text);
insert into {schema}.customers select n, 'c' || n from generate_series(1, {customers}) n;
create table {schema}.orders (
  id integer, customer_id integer, code text, price numeric, weight double precision, real_weight real, email text, "Mixed Case" text, paid boolean, day date
);
insert into {schema}.orders {rows};
grant usage on schema {schema} to {reader}; grant select on all tables in schema {schema} to {reader};
"""
CLEAN = """select n, n, case when n % 2 = 0 then 'A' else 'B' end, n * 1.5, n, 0.5, 'u' || n || '@x.org', 'm' || n, true, date '2026-01-01' + n
  from generate_series(1, 4) n"""
DIRTY = """values
  (1, 1, 'A', 1.5, 1, 0.1, 'a@x.org', 'm', true, date '2026-01-01'), (1, 9, 'C', -2, 'NaN', 0.1, 'A@x.org', 'm', false, date '2026-01-02'),
  (1, 9, 'C', 99, 3, 0.3, 'b@x.org', null, null, null), (2, null, 'it''s', null, null, null, null, 'n', true, date '2027-01-01'),
  (2, 7, null, 0, 0, 0, 'b@x.org ', 'n', true, date '2026-01-01'), (null, null, null, 5, 7, 7, '', 'o', false, date '2026-01-05')"""
EMPTY = "select 1, 1, 'A', 1, 1, 1, 'a', 'm', true, date '2026-01-01' where false"
SCHEMAS = {"clean": (CLEAN, 4), "dirty": (DIRTY, 2), "empty": (EMPTY, 2)}

MACROS = {
    "dbt_project.yml": "name: dbt_utils\nversion: '1.0'\nconfig-version: 2\n",
    "macros/tests.sql": """
{% test expression_is_true(model, expression, column_name=none) %}
select 1 as one from {{ model }} where not ({{ column_name or '' }} {{ expression }})
{% endtest %}
{% test accepted_range(model, column_name, min_value=none, max_value=none, inclusive=true) %}
{% set equal = '=' if inclusive else '' %}
select * from {{ model }} where false
{% if min_value is not none %} or not {{ column_name }} >{{ equal }} {{ min_value }}{% endif %}
{% if max_value is not none %} or not {{ column_name }} <{{ equal }} {{ max_value }}{% endif %}
{% endtest %}
{% test unique_combination_of_columns(model, combination_of_columns, quote_columns=false) %}
{% set names = combination_of_columns | join(', ') %}
select {{ names }} from {{ model }} group by {{ names }} having count(*) > 1
{% endtest %}
{% test not_accepted_values(model, column_name, values, quote=true) %}
{% set q = "'" if quote else '' %}
select distinct {{ column_name }} from {{ model }} where {{ column_name }} in ({% for v in values %}{{ q }}{{ v }}{{ q }}{{ ',' if not loop.last }}{% endfor %})
{% endtest %}
{% test relationships_where(model, column_name, to, field, from_condition='1=1', to_condition='1=1') %}
select l.id from (select {{ column_name }} as id from {{ model }} where {{ column_name }} is not null and {{ from_condition }}) l
left join (select {{ field }} as id from {{ to }} where {{ field }} is not null and {{ to_condition }}) r on l.id = r.id where r.id is null
{% endtest %}
{% test not_null_proportion(model, column_name, at_least, at_most=1.0) %}
select share from (select count({{ column_name }}) / cast(nullif(count(*), 0) as numeric) as share from {{ model }}) s
where share < {{ at_least }} or share > {{ at_most }}
{% endtest %}
{% test equal_rowcount(model, compare_model) %}
{{ config(fail_calc='sum(off)') }}
select abs((select count(*) from {{ model }}) - (select count(*) from {{ compare_model }})) as off
{% endtest %}
""",
}


@dataclass(frozen=True)
class Use:
    """A test in YAML. `type` is the type of the rule that it becomes; None if it is lost."""

    test: str
    column: str | None
    type: str | None
    arguments: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    quote: bool = False


_WARN = {"severity": "warn"}
_CUSTOMERS = {"to": "source('{schema}', 'customers')", "field": "id"}
USES = [
    Use("not_null", "id", "not_null"),
    Use("not_null", "ID", "not_null", config=_WARN),
    Use("not_null", "Mixed Case", "not_null", quote=True),
    Use("not_null", "code", "not_null", config={"error_if": ">10", "warn_if": ">1"}),
    Use("not_null", "code", "not_null", config={"error_if": ">=2"}),
    Use("not_null", "code", "not_null", config={"error_if": "!=0", "warn_if": ">= 1"}),
    Use("not_null", "code", "dbt", config={"error_if": "between 1 and 3"}),
    Use("not_null", "code", "dbt", config={"error_if": "= 2"}),
    Use("not_null", "code", "dbt", config={"limit": 1}),
    Use("not_null", "code", "dbt", config={"fail_calc": "count(*) * 3"}),
    Use("not_null", "code", "not_null", config={"where": "id > 1 or price > 2"}),
    Use("not_null", "email", "not_null", config={"severity": "warn", "warn_if": ">0", "error_if": ">0"}),
    Use("not_null", "lower(email)", "expression"),
    Use("not_null", "code || email", "expression", config={"error_if": ">2"}),
    Use("unique", "id", "unique"),
    Use("unique", "id", "unique", config=_WARN),
    Use("unique", "id", "dbt", config={"error_if": ">1"}),
    Use("unique", "id", "dbt", config={"error_if": ">2", "warn_if": ">1"}),
    Use("unique", "id", "unique", config={"where": "price >= 0"}),
    Use("unique", "lower(email)", "sql"),
    Use("unique", "id || code", "sql", config={"error_if": "> 1", "where": "price > -1"}),
    Use("unique", "Mixed Case", "unique", quote=True),
    Use("accepted_values", "code", "accepted_values", {"values": ["A", "B"]}),
    Use("accepted_values", "code", "accepted_values", {"values": ["A", "B", "it''s"]}, {"where": "code <> 'C'"}),
    Use("accepted_values", "code", "dbt", {"values": ["A", "B"]}, {"error_if": ">1"}),
    Use("accepted_values", "code", "dbt", {"values": ["A", "B"]}, {"error_if": ">2", "warn_if": ">1"}),
    Use("accepted_values", "id", "accepted_values", {"values": [1, 2]}),
    Use("accepted_values", "id", "accepted_values", {"values": [1, 2, 3, 4], "quote": False}),
    Use("accepted_values", "price", "dbt", {"values": [1.5, 3], "quote": False}),
    Use("accepted_values", "real_weight", "dbt", {"values": [0.1, 0.5], "quote": False}),
    Use("accepted_values", "paid", "accepted_values", {"values": [True]}),
    Use("accepted_values", "day", "accepted_values", {"values": ["2026-01-02", "2026-01-03"]}, _WARN),
    Use("accepted_values", "lower(code)", None, {"values": ["a", "b"]}),
    Use("accepted_values", "code", None, {"values": ["it's"]}),
    Use("relationships", "customer_id", "relationship", _CUSTOMERS),
    Use("relationships", "customer_id", "relationship", _CUSTOMERS, {"error_if": ">2", "warn_if": ">0"}),
    Use("relationships", "customer_id", "relationship", _CUSTOMERS, {"where": "customer_id < 9"}),
    Use("relationships", "id", "dbt", {"to": "source('{schema}', 'customers')", "field": "abs(id)"}),
    Use("not_null", "code", None, config={"where": "id in (select 1)"}),
    Use("dbt_utils.expression_is_true", None, "expression", {"expression": "price > 0"}),
    Use("dbt_utils.expression_is_true", "price", "expression", {"expression": ">= 1 and weight < 5"}, {"error_if": ">3"}),
    Use("dbt_utils.accepted_range", "price", "expression", {"min_value": 0, "max_value": 50}),
    Use("dbt_utils.accepted_range", "weight", "expression", {"min_value": 0}),
    Use("dbt_utils.accepted_range", "weight", "expression", {"max_value": 100, "inclusive": False}),
    Use("dbt_utils.accepted_range", "real_weight", "expression", {"max_value": 0.1}),
    Use("dbt_utils.accepted_range", "day", "expression", {"min_value": "'2026-01-02'", "max_value": "date '2026-06-01'"}),
    Use("dbt_utils.unique_combination_of_columns", None, "unique", {"combination_of_columns": ["id", "code"]}),
    Use("dbt_utils.unique_combination_of_columns", None, "unique", {"combination_of_columns": ["customer_id", "code"]}, _WARN),
    Use("dbt_utils.unique_combination_of_columns", None, "dbt", {"combination_of_columns": ["id", "code"]}, {"error_if": ">1"}),
    Use("dbt_utils.not_accepted_values", "code", "rejected_values", {"values": ["C", "it''s"]}),
    Use("dbt_utils.relationships_where", "customer_id", "relationship", _CUSTOMERS | {"from_condition": "price > 0", "to_condition": "id < 2"}),
    Use("dbt_utils.not_null_proportion", "code", "not_null", {"at_least": 0.7}),
    Use("dbt_utils.not_null_proportion", "code", "not_null", {"at_least": 0.6, "at_most": 1}, _WARN),
    Use("dbt_utils.not_null_proportion", "code", "dbt", {"at_least": 0.1, "at_most": 0.6}),
    Use("dbt_utils.not_null_proportion", "code", "dbt", {"at_least": 0.66666666666}),
    Use("dbt_utils.equal_rowcount", None, "dbt", {"compare_model": "source('{schema}', 'customers')"}),
    Use("dbt_utils.equal_rowcount", None, "dbt", {"compare_model": "source('{schema}', 'customers')"}, {"error_if": ">3"}),
]  # fmt: skip
# Types, and tests, of which the number differs, although the verdict does not.
COUNTED_OTHERWISE = ("unique", "accepted_values", "rejected_values", "dbt_utils.not_null_proportion")
