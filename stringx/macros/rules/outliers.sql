{#- A value too far from the mean (in sample standard deviations) or from the quartiles (in interquartile ranges) of the rows
    looked at. Where all values are the same none is far: the mean that binary makes of them may be another one. -#}
{% macro stringx_rule__outliers(rule, scope) %}
  {%- set value = stringx_name(rule.columns[0]) -%}
  {%- set limit = stringx_literal(rule.arguments.limit) ~ '::numeric' -%}
  {%- set rows = scope.relation ~ stringx_where(scope.both) -%}
  {%- if rule.arguments.method == 'zscore' -%}
    {%- set bounds -%}
      select mean - {{ limit }} * spread as low, mean + {{ limit }} * spread as high
      from (select avg({{ value }}) as mean, stddev_samp({{ value }}) as spread from {{ rows }}
            having min({{ value }}) < max({{ value }})) as moments
    {%- endset -%}
  {%- else -%}
    {%- set bounds -%}
      select q[1] - {{ limit }} * (q[2] - q[1]) as low, q[2] + {{ limit }} * (q[2] - q[1]) as high
      from (select percentile_cont(array[0.25, 0.75]) within group (order by {{ value }}) as q from {{ rows }}) as quartiles
    {%- endset -%}
  {%- endif -%}
  {%- set far = stringx_all([scope.both, '(' ~ value ~ ' < bounds.low or ' ~ value ~ ' > bounds.high)']) -%}
  {%- set found = scope.relation ~ ' as checked, (' ~ bounds ~ ') as bounds' -%}
  {{- return({'statement': 'select count(*) as failures, null as measured from ' ~ found ~ stringx_where(far),
              'sample': {'from': found, 'where': far, 'alias': 'checked'}}) -}}
{% endmacro %}
