{#- A text that the pattern does not match as a whole, or (negate) that it does. -#}
{% macro stringx_rule__like(rule, scope) %}
  {#- the server minds a lone backslash at the end only where a text reaches so far -#}
  {%- if (rule.arguments.pattern | length - rule.arguments.pattern.rstrip('\\') | length) % 2 -%}
    {{- return({'fault': 'argument pattern: ' ~ stringx_reason({'sqlstate': '22025'})}) -}}
  {%- endif -%}
  {%- set operator = 'like ' if rule.arguments.get('case_sensitive', true) else 'ilike ' -%}
  {%- set wanted = '' if rule.arguments.get('negate') else 'not ' -%}
  {%- set fact = scope.types.get(rule.columns[0]) -%}
  {%- if fact is not none and fact.schema is not none -%}  {#- an extension's type has operators of its own -#}
    {%- set own = ('!' if wanted else '') ~ ('~~' if operator == 'like ' else '~~*') -%}
    {{- return({'violation': stringx_compared(rule.columns[0], fact) ~ stringx_operator(fact, own) ~ stringx_value(rule.arguments.pattern, fact)}) -}}
  {%- endif -%}
  {{- return({'violation': stringx_text(rule.columns[0], fact) ~ ' ' ~ wanted ~ operator ~ stringx_literal(rule.arguments.pattern)}) -}}
{% endmacro %}
