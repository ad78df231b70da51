{#- A value too far from the mean (in sample standard deviations) or from the quartiles (in interquartile ranges) of the rows in scope. If all
    values are the same, none is far: their mean may differ from them by binary rounding. NaN and the infinities are far from
    all others, and do not change the limits. -#}
{% macro stringx_rule__outliers(rule, scope) %}
  {%- set value = stringx_name(rule.columns[0]) -%}
  {%- set fact = scope.types.get(rule.columns[0]) -%}
  {%- set may_be_odd = fact is not none and fact.family in ('decimal', 'float') -%}
  {%- set limit = stringx_literal(rule.arguments.limit) ~ '::numeric' -%}
  {%- set finite = value ~ " > '-Infinity' and " ~ value ~ " < 'Infinity'" if may_be_odd else none -%}
  {%- set rows = '(select ' ~ value ~ ' as v from ' ~ scope.relation ~ stringx_where(stringx_all([scope.both, finite])) ~ ') as looked_at' -%}
  {%- if rule.arguments.method == 'zscore' -%}
    {%- set bounds -%}
      select mean - {{ limit }} * spread as low, mean + {{ limit }} * spread as high
      from (select avg(v) as mean, stddev_samp(v) as spread from {{ rows }} having min(v) < max(v)) as moments
    {%- endset -%}
  {%- else -%}
    {%- set bounds -%}
      select q[1] - {{ limit }} * (q[2] - q[1]) as low, q[2] + {{ limit }} * (q[2] - q[1]) as high
      from (select percentile_cont(array[0.25, 0.75]) within group (order by v) as q from {{ rows }}) as quartiles
    {%- endset -%}
  {%- endif -%}
  {%- set odd = " or checked.v = '-Infinity' or checked.v >= 'Infinity'" if may_be_odd else '' -%}
  {{- return(stringx_counted(scope, {
    'select': [value ~ ' as v'], 'join': ' left join (' ~ bounds ~ ') as bounds on true',
    'where': '(checked.v < bounds.low or checked.v > bounds.high' ~ odd ~ ')'
  })) -}}
{% endmacro %}
