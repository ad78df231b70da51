{#- A value below min or above max, read as the column's type. -#}
{% macro stringx_rule__between(rule, scope) %}
  {%- set fact = scope.types.get(rule.columns[0]) -%}
  {{- return({'violation': stringx_outside(stringx_compared(rule.columns[0], fact), rule.arguments, fact)}) -}}
{% endmacro %}
