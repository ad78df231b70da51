{#- An aggregate of a column. Where it may be the value of a row its type is found, too: a message tells numbers only. -#}
{% macro stringx_rule__aggregate(rule, scope) %}
  {%- set sorts = rule.arguments.function in ('median', 'percentile', 'distinct_count', 'distinct_ratio') -%}
  {%- set measure = stringx_aggregate(rule.arguments.function, rule.columns[0], rule.arguments.get('p'), scope.both) -%}
  {%- set of_a_row = rule.arguments.function in ('min', 'max', 'median', 'percentile') -%}
  {{- return({'measure': measure, 'apart': sorts,
              'found': "json_build_object('value_type', format_type(pg_typeof(" ~ measure ~ '), null))' if of_a_row else none}) -}}
{% endmacro %}


{#- The SQL of an aggregate over the rows of a condition; NULL where there is no value to take it of. -#}
{% macro stringx_aggregate(function, column, p, condition) %}
  {%- set value = stringx_name(column) -%}
  {%- set rows = stringx_filter([condition]) -%}
  {%- if function in ('min', 'max', 'sum', 'avg') -%}
    {{- return(function ~ '(' ~ value ~ ')' ~ rows) -}}
  {%- elif function == 'stddev' -%}
    {{- return('stddev_samp(' ~ value ~ ')' ~ rows) -}}
  {%- elif function in ('median', 'percentile') -%}
    {{- return('percentile_cont(' ~ stringx_literal(0.5 if function == 'median' else p) ~ '::double precision) within group (order by ' ~ value ~ ')' ~ rows) -}}
  {%- elif function == 'distinct_count' -%}
    {{- return('count(distinct ' ~ value ~ ')' ~ rows) -}}
  {%- elif function == 'distinct_ratio' -%}
    {{- return('count(distinct ' ~ value ~ ')' ~ rows ~ '::numeric / nullif(count(' ~ value ~ ')' ~ rows ~ ', 0)') -}}
  {%- elif function == 'null_ratio' -%}
    {{- return('(count(*)' ~ rows ~ ' - count(' ~ value ~ ')' ~ rows ~ ')::numeric / nullif(count(*)' ~ rows ~ ', 0)') -}}
  {%- endif -%}
{% endmacro %}
