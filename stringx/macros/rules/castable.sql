{#- A text that PostgreSQL cannot read as the type. The server itself decides, which it can since version 16. -#}
{% macro stringx_rule__castable(rule, scope) %}
  {{- return({'violation': 'not pg_input_is_valid(' ~ stringx_text(rule.columns[0], scope.types.get(rule.columns[0])) ~ ', ' ~ stringx_literal(rule.arguments.to) ~ ')',
              'needs': 160000}) -}}
{% endmacro %}
