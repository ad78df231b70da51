{#- A row whose other column is later than the column by more than at_most, in absolute time. A column without a zone is in the document's. -#}
{% macro stringx_rule__max_lag(rule, scope) %}
  {%- set moments = [] -%}
  {%- for column in (rule.arguments.other_column, rule.columns[0]) -%}
    {%- set zoned = column in scope.types and scope.types[column].type == 'timestamp with time zone' -%}
    {%- do moments.append(stringx_name(column) ~ ('' if zoned else '::timestamptz')) -%}
  {%- endfor -%}
  {%- set holds = moments[0] ~ ' <= ' ~ moments[1] ~ ' + ' ~ stringx_interval(rule.arguments.at_most) -%}
  {{- return({'violation': stringx_violates(holds, rule.arguments.get('null_passes', true))}) -}}
{% endmacro %}
