{#- The difference between the number of rows and that of another table. -#}
{% macro stringx_rule__row_count_matches(rule, scope) %}
  {%- set fact = stringx_fact_of_count() -%}
  {{- return(dict(stringx_difference(rule, scope, 'count(*)', 'count(*)', fact, fact), counts_rows=true)) -}}
{% endmacro %}


{#- The absolute difference between an aggregate of the table and one of another, against a tolerance: a number, or a share of
    the other's value. A tolerance only under `warn` can only warn. Both values are in `found` if they are numbers; other values may be a
    row's. -#}
{% macro stringx_difference(rule, scope, own, others, own_fact=none, other_fact=none) %}
  {%- set other = stringx_relation(rule.arguments.other_table) -%}
  {%- set warn = (rule.arguments.get('warn') or {}).get('tolerance') -%}
  {%- set fail = rule.arguments.get('tolerance', 0 if warn is none else none) -%}
  {%- set two = stringx_two_measures(own, others, own_fact, other_fact) -%}
  {%- set measured -%}
    select total, {{ two.measured }} as measured, {{ stringx_beyond(fail, two.floats) }} as fails, {{ stringx_beyond(warn, two.floats) }} as warns,
           case when {{ two.are_numbers }} then {{ stringx_object({'own': 'own', 'other': 'other'}) }} end as found
    from (
      select total, own, other, case when {{ two.are_equal }} then 0 else abs(own - other) end as difference
      from (select count(*) as total, {{ two.own }} as own from {{ scope.relation }}{{ stringx_where(scope.both) }}) as this_table,
           (select {{ two.other }} as other from {{ other }}{{ stringx_where(stringx_condition(rule.arguments.get('other_where'))) }}) as other_table
    ) as compared
  {%- endset -%}
  {{- return({'measured': measured | string, 'relations': [other], 'total': 'own', 'bounds': {'max': fail}, 'found': true}) -}}
{% endmacro %}
