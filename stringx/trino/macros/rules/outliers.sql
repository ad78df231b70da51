{#- A value too far from the mean (in sample standard deviations) or from the quartiles (in interquartile ranges) of the rows in scope, in double precision. If all
    values are the same, none is far. NaN and the infinities are far from all others, and do not change the limits. The rows are read twice: once for the limits. -#}
{% macro stringx_rule__outliers(rule, scope) %}
  {%- set value = 'cast(' ~ stringx_name(rule.columns[0]) ~ ' as double)' -%}
  {%- set limit = stringx_value(rule.arguments.limit, stringx_fact_of_double()) -%}
  {%- set read, names, texts = [value ~ ' as v'], stringx_names(scope.per), [] -%}
  {%- for column in scope.per -%}{%- do texts.append(stringx_text_of_key(names[loop.index0], scope.types.get(column))) -%}{%- endfor -%}
  {%- if texts -%}{%- do read.append('json_format(cast(array[' ~ texts | join(', ') ~ '] as json)) as gk') -%}{%- endif -%}
  {%- set rows = '(select ' ~ read | join(', ') ~ ' from ' ~ scope.relation ~ stringx_where(scope.both) ~ ') as looked_at where is_finite(v)' ~ (' group by gk' if texts else '') -%}
  {%- set key = 'gk, ' if texts else '' -%}
  {%- if rule.arguments.method == 'zscore' -%}
    {%- set bounds = 'select ' ~ key ~ 'avg(v) - ' ~ limit ~ ' * stddev_samp(v) as low, avg(v) + ' ~ limit ~ ' * stddev_samp(v) as high, min(v) < max(v) as differ from ' ~ rows -%}
  {%- else -%}
    {%- set quartiles = stringx_of_sorted('v', '', [stringx_at_place('0.25', 'continuous'), stringx_at_place('0.75', 'continuous')]) -%}
    {%- set bounds = 'select ' ~ key ~ 'q[1] - ' ~ limit ~ ' * (q[2] - q[1]) as low, q[2] + ' ~ limit ~ ' * (q[2] - q[1]) as high, true as differ from (select ' ~ key ~ quartiles ~ ' as q from ' ~ rows
                     ~ ') as sorted' -%}
  {%- endif -%}
  {{- return(stringx_counted(scope, {
    'select': read, 'join': (' left join (' if texts else ' cross join (') ~ bounds ~ ') as bounds' ~ (' on checked.gk = bounds.gk' if texts else ''),
    'where': '(bounds.differ and (checked.v < ' ~ stringx_finite('bounds.low') ~ ' or checked.v > ' ~ stringx_finite('bounds.high') ~ ') or not is_finite(checked.v))'
  })) -}}
{% endmacro %}
