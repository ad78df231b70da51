{#- A row in which any of the columns is NULL or empty: a text without characters or with ASCII white space only, empty bytes or lists. -#}
{% macro stringx_rule__not_blank(rule, scope) %}
  {%- set tests = [] -%}
  {%- for column in rule.columns -%}
    {%- set name, fact = stringx_name(column), scope.types.get(column) -%}
    {%- set empty = {'text': 'not ' ~ stringx_has_match(stringx_compared(column, fact), '[^ \\t\\n\\v\\f\\r]'), 'bytes': 'length(' ~ name ~ ') = 0', 'array': 'cardinality(' ~ name ~ ') = 0'}.get(fact.family if fact else 'text') -%}
    {%- do tests.append(stringx_is_null(column)) -%}
    {%- if empty -%}{%- do tests.append(empty) -%}{%- endif -%}
  {%- endfor -%}
  {{- return({'violation': tests | join(' or ')}) -}}
{% endmacro %}
