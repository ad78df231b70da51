{#- A row for which the condition is false; also where it is NULL, unless null_passes. -#}
{% macro stringx_rule__expression(rule, scope) %}
  {{- return({'violation': stringx_violates('\n' ~ rule.arguments.sql ~ '\n', rule.arguments.get('null_passes', true))}) -}}
{% endmacro %}
