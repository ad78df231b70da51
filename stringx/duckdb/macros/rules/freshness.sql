{#- The age in seconds, at the snapshot, of the latest value that is not later than now plus the tolerance; and the number of later values. -#}
{% macro stringx_rule__freshness(rule, scope) %}
  {%- set column, fact, tolerance = rule.columns[0], scope.types.get(rule.columns[0]), rule.arguments.get('tolerance', '0s') -%}
  {%- set moment, warn = stringx_zoned(column, fact), rule.arguments.get('warn') or {} -%}
  {%- set ahead = moment ~ ' > ' ~ stringx_now_in_sql() ~ ' + ' ~ stringx_interval(tolerance) -%}
  {{- return({'measure': stringx_age(column, fact, [scope.both], tolerance), 'fact': stringx_fact_of_double(),
              'found': "json_object('ahead', nullif(" ~ stringx_count([scope.both, ahead]) ~ ', 0))',
              'bounds': {'max': stringx_seconds(rule.arguments.max_age)} if rule.arguments.get('max_age') is not none else {},
              'warn_bounds': {'max': stringx_seconds(warn.max_age)} if warn else {}}) -}}
{% endmacro %}


{#- The age in seconds of the latest finite moment of a column that is not later than now plus a tolerance. -#}
{% macro stringx_age(column, fact, conditions, tolerance) %}
  {%- set moment, now = stringx_zoned(column, fact), stringx_now_in_sql() -%}
  {%- set newest = 'max(' ~ stringx_when(moment, conditions + [moment ~ ' <= ' ~ now ~ ' + ' ~ stringx_interval(tolerance), 'isfinite(' ~ moment ~ ')']) ~ ')' -%}
  {{- return('((epoch_us(' ~ now ~ ') - epoch_us(' ~ newest ~ ')) / 1000000)') -}}
{% endmacro %}
