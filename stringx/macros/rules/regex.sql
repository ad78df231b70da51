{#- A text in which the pattern is found nowhere, or (negate) somewhere. -#}
{% macro stringx_rule__regex(rule, scope) %}
  {%- set operator = ' ~ ' if rule.arguments.get('negate') else ' !~ ' -%}
  {{- return({'violation': stringx_text(rule.columns[0]) ~ operator ~ stringx_literal(rule.arguments.pattern)}) -}}
{% endmacro %}
