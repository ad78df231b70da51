{#- The number of columns. -#}
{% macro stringx_rule__column_count(rule, scope) %}
  {{- return({'measured': 'select null as total, measured, ' ~ stringx_outside('measured', rule.arguments) ~ ' as fails, ' ~ stringx_outside('measured', rule.arguments.get('warn') or {})
                          ~ ' as warns from (select ' ~ scope.types | length ~ ' as measured) as counted', 'total': 'own'}) -}}
{% endmacro %}
