{#- A value that is in the list. Without a list no value is. -#}
{% macro stringx_rule__rejected_values(rule, scope) %}
  {{- return({'violation': stringx_is_listed(rule, scope) if rule.arguments['values'] else 'false'}) -}}
{% endmacro %}
