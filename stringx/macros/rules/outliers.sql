{#- A value too far from the mean (in sample standard deviations) or from the quartiles (in interquartile ranges) of the rows in scope. If all
    values are the same, none is far: their mean may differ from them by binary rounding. NaN and the infinities are far from
    all others, and do not change the limits.

    The table is read for the limits, and again for counting only if its smallest or largest value is beyond them, or if a value is not finite. The limits are scalar
    subqueries, which are computed once: with a join of one row PostgreSQL would compute them for each row, in one process. -#}
{% macro stringx_rule__outliers(rule, scope) %}
  {%- set value = stringx_name(rule.columns[0]) -%}
  {%- set fact = scope.types.get(rule.columns[0]) -%}
  {%- set may_be_odd = fact is not none and fact.family in ('decimal', 'float') -%}
  {%- set limit = stringx_literal(rule.arguments.limit) ~ '::numeric' -%}
  {%- set finite = value ~ " > '-Infinity' and " ~ value ~ " < 'Infinity'" if may_be_odd else none -%}
  {%- set is_odd = " or checked.v = '-Infinity' or checked.v >= 'Infinity'" if may_be_odd else '' -%}
  {%- if scope.per -%}{{- return(stringx_outliers_of_groups(rule, scope, value, limit, finite, is_odd)) -}}{%- endif -%}
  {#- OFFSET keeps the planner from writing the expression into each aggregate, and a constant that is read as a bigint at once keeps the scan parallel -#}
  {%- set read = value ~ ' as v, case when ' ~ finite ~ ' then ' ~ value ~ ' end as f' if may_be_odd else value ~ ' as f' -%}
  {%- set rows = '(select ' ~ read ~ ' from ' ~ scope.relation ~ stringx_where(scope.both) ~ (" offset '0'" if may_be_odd else '') ~ ') as looked_at' -%}
  {%- set moments -%}
    stringx_moments as materialized (
      {% if rule.arguments.method == 'zscore' -%}
      select avg(f) as mean, stddev_samp(f) as spread, min(f) as lowest, max(f) as highest
      {%- else -%}
      select percentile_cont(array[0, 0.25, 0.75, 1]) within group (order by f) as q
      {%- endif %}{{ ', count(v) > count(f) as odd' if may_be_odd }} from {{ rows }}
    )
  {%- endset -%}
  {%- set limits -%}
    stringx_limits as materialized (
      {% if rule.arguments.method == 'zscore' -%}
      select case when lowest < highest then mean - {{ limit }} * spread end as low, case when lowest < highest then mean + {{ limit }} * spread end as high, lowest, highest
      {%- else -%}
      select q[2] - {{ limit }} * (q[3] - q[2]) as low, q[3] + {{ limit }} * (q[3] - q[2]) as high, q[1] as lowest, q[4] as highest
      {%- endif %}{{ ', odd' if may_be_odd }} from stringx_moments
    ), stringx_beyond as materialized (
      select low, high, lowest < low or highest > high{{ ' or odd' if may_be_odd }} as is_any from stringx_limits
    ){{ ' ' }}
  {%- endset -%}
  {%- set parts = {'select': [value ~ ' as v'], 'with': 'with ' ~ moments ~ ', ' ~ limits, 'where': '(select is_any from stringx_beyond) and (checked.v < (select low from '
                   ~ 'stringx_beyond) or checked.v > (select high from stringx_beyond)' ~ is_odd ~ ')'} -%}
  {%- set shared = stringx_counted(scope, dict(parts, with='with ' ~ limits)).statement -%}
  {{- return(dict(stringx_counted(scope, parts), shares={'with': moments | string, 'statement': shared})) -}}
{% endmacro %}


{#- The same within each group: by a hash, which can be joined quickly, and by a record, of which NULLs are equal. -#}
{% macro stringx_outliers_of_groups(rule, scope, value, limit, finite, is_odd) %}
  {%- set names = stringx_names(scope.per) -%}
  {%- set read = [value ~ ' as v', stringx_hash_of_keys(names, scope.per, scope.types, "''") ~ ' as gh', 'row(' ~ names | join(', ') ~ ') as gr'] -%}
  {%- set rows = '(select ' ~ read | join(', ') ~ ' from ' ~ scope.relation ~ stringx_where(stringx_all([scope.both, finite])) ~ ') as looked_at' -%}
  {%- if rule.arguments.method == 'zscore' -%}
    {%- set bounds -%}
      select gh, gr, mean - {{ limit }} * spread as low, mean + {{ limit }} * spread as high
      from (select gh, gr, avg(v) as mean, stddev_samp(v) as spread from {{ rows }} group by gh, gr having min(v) < max(v)) as moments
    {%- endset -%}
  {%- else -%}
    {%- set bounds -%}
      select gh, gr, q[1] - {{ limit }} * (q[2] - q[1]) as low, q[2] + {{ limit }} * (q[2] - q[1]) as high
      from (select gh, gr, percentile_cont(array[0.25, 0.75]) within group (order by v) as q from {{ rows }} group by gh, gr) as quartiles
    {%- endset -%}
  {%- endif -%}
  {{- return(stringx_counted(scope, {
    'select': read, 'join': ' left join (' ~ bounds ~ ') as bounds on checked.gh = bounds.gh and checked.gr = bounds.gr',
    'where': '(checked.v < bounds.low or checked.v > bounds.high' ~ is_odd ~ ')'
  })) -}}
{% endmacro %}
