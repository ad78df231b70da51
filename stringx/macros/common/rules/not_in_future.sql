{#- A moment later than the snapshot plus the tolerance; dates and times without a zone are in the document's. -#}
{% macro stringx_rule__not_in_future(rule, scope) %}
  {{- return({'violation': stringx_is_later(rule.columns[0], scope.types.get(rule.columns[0]), rule.arguments.get('tolerance', '0s'))}) -}}
{% endmacro %}
