{#- A value too far from the mean (in sample standard deviations) or from the quartiles (in interquartile ranges) of the rows in scope, in double precision. If all
    values are the same, none is far. NaN and the infinities are far from all others, and do not change the limits. -#}
{% macro stringx_rule__outliers(rule, scope) %}
  {%- set column, fact = stringx_name(rule.columns[0]), scope.types.get(rule.columns[0]) -%}
  {%- set limit = stringx_value(rule.arguments.limit, stringx_fact_of_double()) -%}
  {%- set keys = stringx_names(scope.per) | join(', ') -%}
  {%- set over = ' over (partition by ' ~ keys ~ ')' if keys else ' over ()' -%}
  {%- set f = 'case when isfinite(' ~ column ~ '::double) then ' ~ column ~ '::double end' -%}
  {%- if rule.arguments.method == 'zscore' -%}
    {%- set spread = 'case when min(' ~ f ~ ')' ~ over ~ ' < max(' ~ f ~ ')' ~ over ~ ' then ' ~ limit ~ ' * stddev_samp(' ~ f ~ ')' ~ over ~ ' end' -%}
    {%- set low, high = 'avg(' ~ f ~ ')' ~ over ~ ' - ' ~ spread, 'avg(' ~ f ~ ')' ~ over ~ ' + ' ~ spread -%}
  {%- else -%}
    {%- set q1, q3 = 'quantile_cont(' ~ f ~ ', 0.25)' ~ over, 'quantile_cont(' ~ f ~ ', 0.75)' ~ over -%}
    {%- set low, high = q1 ~ ' - ' ~ limit ~ ' * (' ~ q3 ~ ' - ' ~ q1 ~ ')', q3 ~ ' + ' ~ limit ~ ' * (' ~ q3 ~ ' - ' ~ q1 ~ ')' -%}
  {%- endif -%}
  {{- return(stringx_counted(scope, {
    'select': [column ~ '::double as v', stringx_finite(low) ~ ' as low', stringx_finite(high) ~ ' as high'],
    'where': '(checked.v < checked.low or checked.v > checked.high or checked.v is not null and not isfinite(checked.v))'
  })) -}}
{% endmacro %}
