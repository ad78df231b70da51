{#- A row in which any of the columns has a value, counted once. -#}
{% macro stringx_rule__is_null(rule, scope) %}
  {%- set tests = [] -%}
  {%- for column in rule.columns -%}{%- do tests.append('not (' ~ stringx_name(column) ~ ' is null)') -%}{%- endfor -%}
  {{- return({'violation': tests | join(' or ')}) -}}
{% endmacro %}
