{#- A value that is too short or too long. The length is in characters of a text, bytes, elements of an array, or bits of a bit string. -#}
{% macro stringx_rule__length(rule, scope) %}
  {{- return({'violation': stringx_outside(stringx_length(rule.columns[0], scope.types.get(rule.columns[0])), rule.arguments)}) -}}
{% endmacro %}
