{#- How far the number of rows is from that of another table. -#}
{% macro stringx_rule__row_count_matches(rule, scope) %}
  {%- set found = stringx_difference(rule, scope, 'count(*)', 'count(*)') -%}
  {%- do found.update({'counts_rows': true}) -%}
  {{- return(found) -}}
{% endmacro %}


{#- The absolute difference of an aggregate of the table and one of another, against a tolerance that is a number or a
    share of the other's value. A tolerance is only the warning's where it stands under `warn` alone. Both values are found where they are
    numbers: others may be a row's. -#}
{% macro stringx_difference(rule, scope, own, others) %}
  {%- set other = stringx_relation(rule.arguments.other_table) -%}
  {%- set warn = (rule.arguments.get('warn') or {}).get('tolerance') -%}
  {%- set fail = rule.arguments.get('tolerance', 0 if warn is none else none) -%}
  {%- set measured -%}
    select total, abs(own - other) as measured, {{ stringx_beyond(fail) }} as fails, {{ stringx_beyond(warn) }} as warns,
           case when format_type(pg_typeof(other), null) in ({{ stringx_literals(stringx_number_types()) }}) then json_build_object('own', own, 'other', other) end as found
    from (select count(*) as total, {{ own }} as own from {{ scope.relation }}{{ stringx_where(scope.both) }}) as ours,
         (select {{ others }} as other from {{ other }}{{ stringx_where(stringx_condition(rule.arguments.get('other_where'))) }}) as theirs
  {%- endset -%}
  {{- return({'measured': measured | string, 'relations': [other], 'total': 'own', 'bounds': {'max': fail}, 'found': true}) -}}
{% endmacro %}


{% macro stringx_beyond(tolerance) %}
  {%- if tolerance is none -%}{{- return('false') -}}{%- endif -%}
  {%- set text = tolerance | string | trim -%}
  {%- if text.endswith('%') -%}{{- return('abs(own - other) > abs(other) * ' ~ stringx_literal(text[:-1] | trim) ~ '::numeric / 100') -}}{%- endif -%}
  {{- return('abs(own - other) > ' ~ stringx_literal(text) ~ '::numeric') -}}
{% endmacro %}


{#- The types whose values a message may tell, as format_type names them. -#}
{% macro stringx_number_types() %}
  {{- return(['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision']) -}}
{% endmacro %}
