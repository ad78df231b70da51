{#- The age in seconds, at the snapshot, of the latest value that is not later than now plus the tolerance; and the number of later values. -#}
{% macro stringx_rule__freshness(rule, scope) %}
  {%- set column = stringx_name(rule.columns[0]) -%}
  {%- set horizon = 'now() + ' ~ stringx_interval(rule.arguments.get('tolerance', '0s')) -%}
  {%- set bounds = {'max': stringx_seconds(rule.arguments.max_age)} if rule.arguments.get('max_age') is not none else {} -%}
  {%- set warn = rule.arguments.get('warn') or {} -%}
  {%- set newest = 'max(' ~ column ~ ')' ~ stringx_filter([scope.both, column ~ ' <= ' ~ horizon, 'isfinite(' ~ column ~ ')']) -%}
  {{- return({'measure': 'extract(epoch from now() - ' ~ newest ~ ')', 'found': "json_build_object('ahead', nullif(count(*)" ~ stringx_filter([scope.both, column ~ ' > ' ~ horizon]) ~ ', 0))',
              'bounds': bounds, 'warn_bounds': {'max': stringx_seconds(warn.max_age)} if warn else {}}) -}}
{% endmacro %}
