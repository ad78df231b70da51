{#- A row in which any of the columns is NULL, counted once. -#}
{% macro stringx_rule__not_null(rule, scope) %}
  {%- set tests = [] -%}
  {%- for column in rule.columns -%}{%- do tests.append(stringx_is_null(column)) -%}{%- endfor -%}
  {{- return({'violation': tests | join(' or ')}) -}}
{% endmacro %}
