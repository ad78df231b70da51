{#- The age in seconds, at the snapshot, of the latest value that is not later than now plus the tolerance; and the number of later values. -#}
{% macro stringx_rule__freshness(rule, scope) %}
  {%- set warn = rule.arguments.get('warn') or {} -%}
  {%- set age = stringx_age(rule.columns[0], scope.types.get(rule.columns[0]), scope.both, rule.arguments.get('tolerance', '0s')) -%}
  {{- return(dict(age, bounds={'max': stringx_seconds(rule.arguments.max_age)} if rule.arguments.get('max_age') is not none else {},
                  warn_bounds={'max': stringx_seconds(warn.max_age)} if warn else {})) -}}
{% endmacro %}
