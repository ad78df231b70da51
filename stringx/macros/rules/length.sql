{#- A value that is too short or too long. The length is in characters of a text, bytes, elements of an array, or bits of a bit string. -#}
{% macro stringx_rule__length(rule, scope) %}
  {%- set fact = scope.types.get(rule.columns[0]) -%}
  {%- set family = fact.family if fact is not none else 'text' -%}
  {%- set size = {'array': 'cardinality(', 'bytes': 'octet_length(', 'bit': 'bit_length('}.get(family) -%}
  {{- return({'violation': stringx_outside(size ~ stringx_name(rule.columns[0]) ~ ')' if size else 'length(' ~ stringx_text(rule.columns[0], fact) ~ ')', rule.arguments)}) -}}
{% endmacro %}
