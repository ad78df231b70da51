{#- A value too far from the mean (in sample standard deviations) or from the quartiles (in interquartile ranges) of the rows in scope. If all
    values are the same, none is far: their mean may differ from them by binary rounding. NaN and the infinities are far from
    all others, and do not change the limits. -#}
{% macro stringx_rule__outliers(rule, scope) %}
  {%- set value = stringx_name(rule.columns[0]) -%}
  {%- set fact = scope.types.get(rule.columns[0]) -%}
  {%- set may_be_odd = fact is not none and fact.family in ('decimal', 'float') -%}
  {%- set limit = stringx_literal(rule.arguments.limit) ~ '::numeric' -%}
  {%- set finite = value ~ " > '-Infinity' and " ~ value ~ " < 'Infinity'" if may_be_odd else none -%}
  {%- set per = scope.per or [] -%}
  {%- set more = [] -%}
  {%- if per -%}
    {#- the same group: by a hash, which can be joined quickly, and by a record, of which NULLs are equal -#}
    {%- set names = stringx_names(per) -%}
    {%- set more = [stringx_hash_of_keys(names, per, scope.types, "''") ~ ' as gh', 'row(' ~ names | join(', ') ~ ') as gr'] -%}
  {%- endif -%}
  {%- set of_group, by_group = ('gh, gr, ', ' group by gh, gr') if per else ('', '') -%}
  {%- set rows = '(select ' ~ ([value ~ ' as v'] + more) | join(', ') ~ ' from ' ~ scope.relation ~ stringx_where(stringx_all([scope.both, finite])) ~ ') as looked_at' -%}
  {%- if rule.arguments.method == 'zscore' -%}
    {%- set bounds -%}
      select {{ of_group }}mean - {{ limit }} * spread as low, mean + {{ limit }} * spread as high
      from (select {{ of_group }}avg(v) as mean, stddev_samp(v) as spread from {{ rows }}{{ by_group }} having min(v) < max(v)) as moments
    {%- endset -%}
  {%- else -%}
    {%- set bounds -%}
      select {{ of_group }}q[1] - {{ limit }} * (q[2] - q[1]) as low, q[2] + {{ limit }} * (q[2] - q[1]) as high
      from (select {{ of_group }}percentile_cont(array[0.25, 0.75]) within group (order by v) as q from {{ rows }}{{ by_group }}) as quartiles
    {%- endset -%}
  {%- endif -%}
  {%- set odd = " or checked.v = '-Infinity' or checked.v >= 'Infinity'" if may_be_odd else '' -%}
  {{- return(stringx_counted(scope, {
    'select': [value ~ ' as v'] + more, 'join': ' left join (' ~ bounds ~ ') as bounds on ' ~ ('checked.gh = bounds.gh and checked.gr = bounds.gr' if per else 'true'),
    'where': '(checked.v < bounds.low or checked.v > bounds.high' ~ odd ~ ')'
  })) -}}
{% endmacro %}
