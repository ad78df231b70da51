{#- A row in which any of the columns is NULL, counted once. A composite value whose fields are NULL is a value, as in NOT NULL. -#}
{% macro stringx_rule__not_null(rule, scope) %}
  {%- set tests = [] -%}
  {%- for column in rule.columns -%}{%- do tests.append(stringx_name(column) ~ ' is not distinct from null') -%}{%- endfor -%}
  {{- return({'violation': tests | join(' or ')}) -}}
{% endmacro %}
