{#- A text that the pattern does not match as a whole, or (negate) that it does. -#}
{% macro stringx_rule__like(rule, scope) %}
  {%- set operator = 'like ' if rule.arguments.get('case_sensitive', true) else 'ilike ' -%}
  {%- set wanted = '' if rule.arguments.get('negate') else 'not ' -%}
  {{- return({'violation': stringx_text(rule.columns[0]) ~ ' ' ~ wanted ~ operator ~ stringx_literal(rule.arguments.pattern)}) -}}
{% endmacro %}
