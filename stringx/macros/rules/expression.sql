{#- A row for which the condition is false; also where it is NULL, unless null_passes. -#}
{% macro stringx_rule__expression(rule, scope) %}
  {%- set held = ' is false' if rule.arguments.get('null_passes', true) else ' is not true' -%}
  {{- return({'violation': stringx_condition(rule.arguments.sql) ~ held}) -}}
{% endmacro %}
