{#- A value below min or above max, read as the column's type. -#}
{% macro stringx_rule__between(rule, scope) %}
  {{- return({'violation': stringx_outside(stringx_name(rule.columns[0]), rule.arguments, scope.types.get(rule.columns[0]))}) -}}
{% endmacro %}
