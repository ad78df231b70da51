{#- The age of the latest value, in seconds, at the snapshot. -#}
{% macro stringx_rule__freshness(rule, scope) %}
  {%- set bounds = {'max': stringx_seconds(rule.arguments.max_age)} if rule.arguments.get('max_age') is not none else {} -%}
  {%- set warn = rule.arguments.get('warn') or {} -%}
  {{- return({'measure': 'extract(epoch from now() - max(' ~ stringx_name(rule.columns[0]) ~ ')' ~ stringx_filter([scope.both]) ~ ')',
              'bounds': bounds, 'warn_bounds': {'max': stringx_seconds(warn.max_age)} if warn else {}}) -}}
{% endmacro %}
