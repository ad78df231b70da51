{#- Periods between the first and the last value in which no row lies. Shorter than a day they are counted in absolute
    time; a day and longer in the document's time zone, where a day may have 23 or 25 hours. -#}
{% macro stringx_rule__no_gaps(rule, scope) %}
  {%- set column = stringx_name(rule.columns[0]) -%}
  {%- set every = {'hour': '1h', 'day': '1d', 'week': '7d'}.get(rule.arguments.every, rule.arguments.every) -%}
  {%- if every in ('month', 'quarter', 'year') -%}
    {%- set months = {'month': 1, 'quarter': 3, 'year': 12}[every] -%}
    {%- set local = column ~ '::timestamp' -%}
    {%- set period = 'floor((extract(year from ' ~ local ~ ') * 12 + extract(month from ' ~ local ~ ') - 1) / ' ~ months ~ ')' -%}
  {%- else -%}
    {%- set seconds = stringx_seconds(every) -%}
    {%- set moment = column ~ '::timestamp' if seconds >= 86400 else '(' ~ column ~ " + interval '0')" -%}
    {%- set period = 'floor(extract(epoch from (' ~ moment ~ " - '2001-01-01')) / " ~ seconds ~ ')' -%}
  {%- endif -%}
  {%- set statement -%}
    select coalesce(max(period) - min(period) + 1, 0)::bigint - count(distinct period) as failures, null as measured,
           coalesce(max(period) - min(period) + 1, 0)::bigint as total
    from (select {{ period }} as period from {{ scope.relation }}{{ stringx_where(stringx_all([scope.both, column ~ ' is not null'])) }}) as periods
  {%- endset -%}
  {{- return({'statement': statement | string, 'total': 'own'}) -}}
{% endmacro %}
