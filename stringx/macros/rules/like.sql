{#- A text that does not match the pattern as a whole, or, with `negate`, that does. -#}
{% macro stringx_rule__like(rule, scope) %}
  {#- the server notices a lone backslash at the end only if a text reaches it -#}
  {%- if (rule.arguments.pattern | length - rule.arguments.pattern.rstrip('\\') | length) % 2 -%}
    {{- return({'fault': 'argument pattern: ' ~ stringx_reason({'sqlstate': '22025'})}) -}}
  {%- endif -%}
  {%- set operator = 'like ' if rule.arguments.get('case_sensitive', true) else 'ilike ' -%}
  {%- set wanted = '' if rule.arguments.get('negate') else 'not ' -%}
  {%- set fact = scope.types.get(rule.columns[0]) -%}
  {%- if fact is not none and fact.schema is not none -%}  {#- an extension's type has its own operators -#}
    {%- set own = ('!' if wanted else '') ~ ('~~' if operator == 'like ' else '~~*') -%}
    {{- return({'violation': stringx_compared(rule.columns[0], fact) ~ stringx_operator(fact, own) ~ stringx_value(rule.arguments.pattern, fact)}) -}}
  {%- endif -%}
  {{- return({'violation': stringx_text(rule.columns[0], fact) ~ ' ' ~ wanted ~ operator ~ stringx_literal(rule.arguments.pattern)}) -}}
{% endmacro %}
