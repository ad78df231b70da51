{#- A row in which any of the columns is NULL, counted once. -#}
{% macro stringx_rule__not_null(rule, scope) %}
  {%- set tests = [] -%}
  {%- for column in rule.columns -%}{%- do tests.append(stringx_name(column) ~ ' is null') -%}{%- endfor -%}
  {{- return({'violation': tests | join(' or ')}) -}}
{% endmacro %}
