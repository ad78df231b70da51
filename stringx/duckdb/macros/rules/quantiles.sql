{#- Several quantiles of a column against bounds, in one sort, in double precision. What is measured is how many of them are outside of their bounds, or of those under
    `warn`; without any value there is none. -#}
{% macro stringx_rule__quantiles(rule, scope) %}
  {%- set method, double = rule.arguments.get('method', 'continuous'), stringx_fact_of_double() -%}
  {%- set places, outside, warned, told, counted = [], [], [], [], [] -%}
  {%- set may = namespace(fail=false) -%}
  {%- for entry in rule.arguments['bounds'] -%}
    {%- set value, number = 'stringx_q[' ~ loop.index ~ ']', loop.index -%}
    {%- do places.append(stringx_value(entry.p, double)) -%}
    {%- if entry.get('min') is not none or entry.get('max') is not none -%}{%- set may.fail = true -%}{%- endif -%}
    {%- do outside.append(stringx_outside(value, entry, double)) -%}
    {%- do warned.append(stringx_outside(value, entry.get('warn') or {}, double)) -%}
    {%- set is_told = '(stringx_outside[' ~ number ~ '] or stringx_warned[' ~ number ~ '])' -%}
    {%- set shown = "regexp_replace(case when " ~ value ~ " between -1e30 and 1e30 then " ~ value ~ '::float::varchar else ' ~ value ~ "::varchar end, '[.]0$', '')" -%}
    {%- do told.append('case when ' ~ is_told ~ ' then ' ~ stringx_literal('p ' ~ entry.p ~ ' is ') ~ ' || ' ~ shown ~ ' end') -%}
    {%- do counted.append('case when ' ~ is_told ~ ' then 1 else 0 end') -%}
  {%- endfor -%}
  {%- set kind = 'quantile_cont' if method == 'continuous' else 'quantile_disc' -%}
  {%- set measured -%}
    select stringx_total as total, case when stringx_q is not null then {{ counted | join(' + ') }} end as measured,
           list_contains(stringx_outside, true) as fails, list_contains(stringx_warned, true) as warns,
           json_object('quantiles', {{ places | length }}, 'outside', list_filter([{{ told | join(', ') }}], lambda one: one is not null)[1:11]) as found
    from (
      select stringx_total, stringx_q, [{{ outside | join(', ') }}] as stringx_outside, [{{ warned | join(', ') }}] as stringx_warned
      from (
        select count(*) as stringx_total, {{ kind }}({{ stringx_name(rule.columns[0]) }}::double, [{{ places | join(', ') }}]) as stringx_q
        from {{ scope.relation }}{{ stringx_where(scope.both) }}
      ) as stringx_sorted
    ) as stringx_compared
  {%- endset -%}
  {{- return({'measured': measured | string, 'total': 'own', 'found': true, 'row_value': false, 'bounds': {'max': 0} if may.fail else {}}) -}}
{% endmacro %}
