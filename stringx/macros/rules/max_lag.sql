{#- A row whose other column is later than the column by more than at_most. -#}
{% macro stringx_rule__max_lag(rule, scope) %}
  {%- set holds = stringx_name(rule.arguments.other_column) ~ ' <= ' ~ stringx_name(rule.columns[0]) ~ ' + ' ~ stringx_interval(rule.arguments.at_most) -%}
  {{- return({'violation': stringx_violates(holds, rule.arguments.get('null_passes', true))}) -}}
{% endmacro %}
