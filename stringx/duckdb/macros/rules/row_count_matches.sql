{#- The difference between the number of rows and that of another table. -#}
{% macro stringx_rule__row_count_matches(rule, scope) %}
  {{- return(dict(stringx_difference(rule, scope, 'count(*)', 'count(*)', stringx_fact_of_count(), stringx_fact_of_count()), counts_rows=true)) -}}
{% endmacro %}


{#- The absolute difference between an aggregate of the table and one of another, against a tolerance: a number, or a share of
    the other's value. A tolerance only under `warn` can only warn. -#}
{% macro stringx_difference(rule, scope, own, others, own_fact, other_fact) %}
  {%- set other = stringx_relation(rule.arguments.other_table) -%}
  {%- set warn = (rule.arguments.get('warn') or {}).get('tolerance') -%}
  {%- set fail = rule.arguments.get('tolerance', 0 if warn is none else none) -%}
  {%- set floats = own_fact.family == 'float' or other_fact.family == 'float' -%}
  {%- set finite = 'isfinite(own) and isfinite(other)' if floats else 'true' -%}
  {%- set cast = '::double' if floats else '' -%}
  {%- set measured -%}
    select total, {{ stringx_number_text('difference') if floats else 'difference' }} as measured, {{ stringx_beyond(fail, floats) }} as fails, {{ stringx_beyond(warn, floats) }} as warns,
           case when length(own::varchar) + length(other::varchar) < 1000 and {{ finite }} then json_object('own', own, 'other', other) end as found
    from (
      select total, own, other, case when own = other{{ ' and not isnan(own)' if floats }} then 0 else abs(own - other) end as difference
      from (select count(*) as total, {{ own }}{{ cast }} as own from {{ scope.relation }}{{ stringx_where(scope.both) }}) as this_table,
           (select {{ others }}{{ cast }} as other from {{ other }}{{ stringx_where(stringx_condition(rule.arguments.get('other_where'))) }}) as other_table
    ) as compared
  {%- endset -%}
  {{- return({'measured': measured | string, 'relations': [other], 'total': 'own', 'bounds': {'max': fail}, 'found': true}) -}}
{% endmacro %}


{#- Whether the difference is beyond a tolerance. Equal infinities do not differ, all others do, and NaN differs from everything; a value on only one
    side is beyond any tolerance. -#}
{% macro stringx_beyond(tolerance, floats) %}
  {%- if tolerance is none -%}{{- return('false') -}}{%- endif -%}
  {%- set text = tolerance | string | trim -%}
  {%- set fact = stringx_fact_of_double() if floats else stringx_fact_of_count() -%}
  {%- set beyond = 'difference > ' ~ stringx_value(text, fact) -%}
  {%- if text.endswith('%') -%}{%- set beyond = 'difference * 100 > abs(other) * ' ~ stringx_value(text[:-1] | trim, fact) -%}{%- endif -%}
  {{- return('coalesce(' ~ beyond ~ (' or not isfinite(difference)' if floats) ~ ', (own is null) <> (other is null))') -}}
{% endmacro %}
