{#- A text without a match of the pattern, or, with `negate`, with one. -#}
{% macro stringx_rule__regex(rule, scope) %}
  {%- set operator = '~' if rule.arguments.get('negate') else '!~' -%}
  {%- set fact = scope.types.get(rule.columns[0]) -%}
  {%- if fact is not none and fact.schema is not none -%}  {#- an extension's type has its own operators -#}
    {{- return({'violation': stringx_compared(rule.columns[0], fact) ~ stringx_operator(fact, operator) ~ stringx_value(rule.arguments.pattern, fact)}) -}}
  {%- endif -%}
  {{- return({'violation': stringx_text(rule.columns[0], fact) ~ ' ' ~ operator ~ ' ' ~ stringx_literal(rule.arguments.pattern)}) -}}
{% endmacro %}
