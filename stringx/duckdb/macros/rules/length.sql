{#- A value that is too short or too long: in characters of a text, bytes, or elements of a list. -#}
{% macro stringx_rule__length(rule, scope) %}
  {%- set fact = scope.types.get(rule.columns[0]) -%}
  {%- set size = {'array': 'len(', 'bytes': 'octet_length('}.get(fact.family if fact else 'text', 'length(') -%}
  {{- return({'violation': stringx_outside(size ~ stringx_name(rule.columns[0]) ~ ')', rule.arguments)}) -}}
{% endmacro %}
