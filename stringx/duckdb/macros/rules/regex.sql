{#- A text without a match of the pattern, or, with `negate`, with one. Only patterns that PostgreSQL reads alike come here (refusals.sql); `s` lets a dot match the end of a
    line, as there. -#}
{% macro stringx_rule__regex(rule, scope) %}
  {%- set matches = 'regexp_matches(' ~ stringx_text(rule.columns[0], scope.types.get(rule.columns[0])) ~ ', ' ~ stringx_literal(rule.arguments.pattern) ~ ", 's')" -%}
  {{- return({'violation': ('' if rule.arguments.get('negate') else 'not ') ~ matches}) -}}
{% endmacro %}
