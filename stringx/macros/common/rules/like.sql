{#- A text that does not match the pattern as a whole, or, with `negate`, that does. -#}
{% macro stringx_rule__like(rule, scope) %}
  {#- the server notices a lone backslash at the end only if a text reaches it -#}
  {%- if (rule.arguments.pattern | length - rule.arguments.pattern.rstrip('\\') | length) % 2 -%}
    {{- return({'fault': 'argument pattern: ' ~ stringx_reason({'sqlstate': '22025'})}) -}}
  {%- endif -%}
  {{- return({'violation': stringx_like(rule.columns[0], scope.types.get(rule.columns[0]), rule.arguments.pattern, not rule.arguments.get('negate'),
                                        rule.arguments.get('case_sensitive', true))}) -}}
{% endmacro %}
