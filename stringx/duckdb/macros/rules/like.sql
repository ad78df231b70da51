{#- A text that does not match the pattern as a whole, or, with `negate`, that does. -#}
{% macro stringx_rule__like(rule, scope) %}
  {#- the database notices a lone backslash at the end only if a text reaches it -#}
  {%- if (rule.arguments.pattern | length - rule.arguments.pattern.rstrip('\\') | length) % 2 -%}
    {{- return({'fault': 'argument pattern: invalid escape sequence (SQLSTATE 22025)'}) -}}
  {%- endif -%}
  {%- set operator = 'like ' if rule.arguments.get('case_sensitive', true) else 'ilike ' -%}
  {{- return({'violation': stringx_text(rule.columns[0], scope.types.get(rule.columns[0])) ~ ('' if rule.arguments.get('negate') else ' not') ~ ' ' ~ operator
                           ~ stringx_literal(rule.arguments.pattern) ~ " escape '\\'"}) -}}
{% endmacro %}
