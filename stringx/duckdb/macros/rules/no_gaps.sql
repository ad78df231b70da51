{#- Periods without a row between the first and the last value, as numbers: of microseconds since 2001-01-01, a Monday, or of months. Periods shorter than a day are counted in absolute
    time, others in the document's time zone. Values later than now and infinite values are left out, and their numbers are in `found`.

    A value without a zone may mean two moments in the hour that occurs twice, which is not worked out here: such columns have periods of at least a day. -#}
{% macro stringx_rule__no_gaps(rule, scope) %}
  {%- set column, fact = rule.columns[0], scope.types.get(rule.columns[0]) -%}
  {%- set every = {'hour': '1h', 'day': '1d', 'week': '7d'}.get(rule.arguments.every, rule.arguments.every) -%}
  {%- set months = {'month': 1, 'quarter': 3, 'year': 12}.get(every) -%}
  {%- set step = (stringx_seconds(every) * 1000000) | round | int if not months else none -%}
  {%- set absolute = not months and step < 86400000000 -%}
  {%- set zoned = fact is not none and fact.type == 'TIMESTAMP WITH TIME ZONE' -%}
  {%- if not months and step <= 0 -%}{{- return({'fault': 'every must be longer than 0'}) -}}{%- endif -%}
  {%- if absolute and not zoned -%}
    {{- return({'fault': 'on DuckDB no_gaps with periods shorter than a day needs a column with a time zone: ' ~ column}) -}}
  {%- endif -%}
  {%- set moment = stringx_name(column) ~ '::timestamp' if not absolute else stringx_name(column) -%}
  {%- set origin = "epoch_us(timestamp '2001-01-01')" if not absolute else "epoch_us(cast('2001-01-01' as timestamptz))" -%}
  {%- set now = stringx_now_in_sql() ~ ('' if zoned else '::timestamp') -%}
  {%- if months -%}
    {%- set period = '((year(stringx_at) * 12 + month(stringx_at) - 1) // ' ~ months ~ ')' -%}
    {%- set begins = "strftime(make_date((stringx_period * " ~ months ~ " // 12)::bigint, (stringx_period * " ~ months ~ " % 12 + 1)::bigint, 1), '%Y-%m')" -%}
  {%- else -%}
    {%- set period = '((epoch_us(stringx_at) - ' ~ origin ~ ' - ((epoch_us(stringx_at) - ' ~ origin ~ ') % ' ~ step ~ ' + ' ~ step ~ ') % ' ~ step ~ ') // ' ~ step ~ ')' -%}
    {%- set shape = '%Y-%m-%d' ~ ('' if step % 86400000000 == 0 else ' %H:%M' if step % 60000000 == 0 else ' %H:%M:%S' if step % 1000000 == 0 else ' %H:%M:%S.%f') ~ ('%z' if absolute else '') -%}
    {%- set begins = 'strftime(' ~ ('make_timestamptz' if absolute else 'make_timestamp') ~ '(stringx_period * ' ~ step ~ ' + ' ~ origin ~ "), '" ~ shape ~ "')" -%}
  {%- endif -%}
  {%- set statement -%}
    with stringx_read as materialized (
      select case when not isfinite(own) then 'infinite' when own > {{ now }} then 'ahead' else 'seen' end as kind, case when isfinite(own) then moment end as stringx_at
      from (select {{ stringx_name(column) }}{{ '' if zoned else '::timestamp' }} as own, {{ moment }} as moment from {{ scope.relation }}{{ stringx_where(stringx_all([scope.both, stringx_is_not_null(column)])) }}) as given
    ),
    stringx_filled as materialized (select distinct {{ period }} as stringx_period from stringx_read where kind = 'seen'),
    stringx_span as (select coalesce(max(stringx_period) - min(stringx_period) + 1, 0) as total, count(*) as there from stringx_filled),
    stringx_gaps as (
      select gap_from, gap_to from (select stringx_period + 1 as gap_from, lead(stringx_period) over (order by stringx_period) - 1 as gap_to from stringx_filled) as pairs
      where gap_from <= gap_to order by gap_from limit 11
    ),
    stringx_told as (
      select gap_from, {{ begins.replace('stringx_period', 'gap_from') }} || case when gap_to > gap_from then ' to ' || {{ begins.replace('stringx_period', 'gap_to') }} else '' end as gap from stringx_gaps
    )
    select total - there as failures, null as measured, total,
           json_object('missing', (select list(gap order by gap_from) from stringx_told), 'ahead', (select nullif(count(*), 0) from stringx_read where kind = 'ahead'),
                       'infinite', (select nullif(count(*), 0) from stringx_read where kind = 'infinite')) as found
    from stringx_span
  {%- endset -%}
  {{- return({'statement': statement | string, 'total': 'own', 'found': true}) -}}
{% endmacro %}
