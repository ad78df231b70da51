{#- A row in which any of the columns is NULL, empty or only white space: that of ASCII, so that it is the same in every
    collation. -#}
{% macro stringx_rule__not_blank(rule, scope) %}
  {%- set tests = [] -%}
  {%- for column in rule.columns -%}
    {%- do tests.append("coalesce(btrim(" ~ stringx_text(column) ~ ", ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)), '') = ''") -%}
  {%- endfor -%}
  {{- return({'violation': tests | join(' or ')}) -}}
{% endmacro %}
