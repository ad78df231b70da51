{#- The difference between the number of rows and that of another table. -#}
{% macro stringx_rule__row_count_matches(rule, scope) %}
  {{- return(dict(stringx_difference(rule, scope, 'count(*)', 'count(*)'), counts_rows=true)) -}}
{% endmacro %}


{#- The absolute difference between an aggregate of the table and one of another, against a tolerance: a number, or a share of
    the other's value. A tolerance only under `warn` can only warn. Both values are in `found` if they are numbers; other values may be a
    row's. -#}
{% macro stringx_difference(rule, scope, own, others) %}
  {%- set other = stringx_relation(rule.arguments.other_table) -%}
  {%- set warn = (rule.arguments.get('warn') or {}).get('tolerance') -%}
  {%- set fail = rule.arguments.get('tolerance', 0 if warn is none else none) -%}
  {%- set measured -%}
    select total, difference as measured, {{ stringx_beyond(fail) }} as fails, {{ stringx_beyond(warn) }} as warns,
           case when format_type(pg_typeof(other), null) in ({{ stringx_literals(stringx_number_types()) }}) and length(own::text) + length(other::text) < 1000
                then json_build_object('own', own, 'other', other) end as found
    from (
      select total, own, other, case when own = other and own::text <> 'NaN' then 0 else abs(own - other) end as difference
      from (select count(*) as total, {{ own }} as own from {{ scope.relation }}{{ stringx_where(scope.both) }}) as this_table,
           (select {{ others }} as other from {{ other }}{{ stringx_where(stringx_condition(rule.arguments.get('other_where'))) }}) as other_table
    ) as compared
  {%- endset -%}
  {{- return({'measured': measured | string, 'relations': [other], 'total': 'own', 'bounds': {'max': fail}, 'found': true}) -}}
{% endmacro %}


{#- Whether the difference is beyond a tolerance. Equal infinities do not differ, all others do, and NaN differs from everything; a value on only one
    side is beyond any tolerance. -#}
{% macro stringx_beyond(tolerance) %}
  {%- if tolerance is none -%}{{- return('false') -}}{%- endif -%}
  {%- set text = tolerance | string | trim -%}
  {%- set allowed = stringx_literal(text) ~ '::numeric' -%}
  {%- if text.endswith('%') -%}{%- set allowed = 'abs(other) * ' ~ stringx_literal(text[:-1] | trim) ~ '::numeric / 100' -%}{%- endif -%}
  {{- return('coalesce(difference > ' ~ allowed ~ " or difference::text in ('Infinity', 'NaN'), (own is null) <> (other is null))") -}}
{% endmacro %}
