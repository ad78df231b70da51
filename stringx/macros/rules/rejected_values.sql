{#- A value that is in the list. With no list none is. -#}
{% macro stringx_rule__rejected_values(rule, scope) %}
  {{- return({'violation': stringx_is_listed(rule, scope) if rule.arguments['values'] else 'false'}) -}}
{% endmacro %}
