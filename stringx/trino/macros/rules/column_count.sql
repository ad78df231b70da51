{#- The number of columns. -#}
{% macro stringx_rule__column_count(rule, scope) %}
  {{- return({'measured': 'select null as total, measured, ' ~ stringx_outside('measured', rule.arguments) ~ ' as fails, ' ~ stringx_outside('measured', rule.arguments.get('warn') or {})
                          ~ ' as warns from (values ' ~ scope.types | length ~ ') as counted(measured)', 'total': 'own'}) -}}
{% endmacro %}
