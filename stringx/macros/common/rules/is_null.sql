{#- A row in which any of the columns has a value, counted once. -#}
{% macro stringx_rule__is_null(rule, scope) %}
  {%- set tests = [] -%}
  {%- for column in rule.columns -%}{%- do tests.append(stringx_is_not_null(column)) -%}{%- endfor -%}
  {{- return({'violation': tests | join(' or ')}) -}}
{% endmacro %}
