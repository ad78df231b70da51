{#- A text without a match of the pattern, or, with `negate`, with one. -#}
{% macro stringx_rule__regex(rule, scope) %}
  {{- return({'violation': stringx_matches(rule.columns[0], scope.types.get(rule.columns[0]), rule.arguments.pattern, not rule.arguments.get('negate'))}) -}}
{% endmacro %}
