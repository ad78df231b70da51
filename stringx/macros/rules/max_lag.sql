{#- A row whose other column is later than the column by more than at_most: by absolute time, in the document's zone where a column has none. -#}
{% macro stringx_rule__max_lag(rule, scope) %}
  {%- set moments = [] -%}
  {%- for column in (rule.arguments.other_column, rule.columns[0]) -%}
    {%- set zoned = column in scope.types and scope.types[column].type == 'timestamp with time zone' -%}
    {%- do moments.append(stringx_name(column) ~ ('' if zoned else '::timestamptz')) -%}
  {%- endfor -%}
  {%- set holds = moments[0] ~ ' <= ' ~ moments[1] ~ ' + ' ~ stringx_interval(rule.arguments.at_most) -%}
  {{- return({'violation': stringx_violates(holds, rule.arguments.get('null_passes', true))}) -}}
{% endmacro %}
