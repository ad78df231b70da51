{#- Periods without a row between the first and the last value, as numbers: of milliseconds since 2001-01-01, a Monday, or of months. Periods shorter than a day are counted in absolute
    time, others in the document's time zone. Values later than now are left out, and their number is in `found`.

    A value without a zone may mean two moments in the hour that occurs twice, which is not worked out here: such columns have periods of at least a day. -#}
{% macro stringx_rule__no_gaps(rule, scope) %}
  {%- set column, fact = rule.columns[0], scope.types.get(rule.columns[0]) -%}
  {%- set every = {'hour': '1h', 'day': '1d', 'week': '7d'}.get(rule.arguments.every, rule.arguments.every) -%}
  {%- set months = {'month': 1, 'quarter': 3, 'year': 12}.get(every) -%}
  {%- set step = stringx_milliseconds(every) if not months else none -%}
  {%- if not months and step is none -%}{{- return({'fault': 'on Trino no_gaps has periods of whole milliseconds'}) -}}{%- endif -%}
  {%- set absolute = not months and step < 86400000 -%}
  {%- set zoned = fact is not none and fact is defined and stringx_has_zone(fact) -%}
  {%- if not months and step <= 0 -%}{{- return({'fault': 'every must be longer than 0'}) -}}{%- endif -%}
  {%- if absolute and not zoned -%}
    {{- return({'fault': 'on Trino no_gaps with periods shorter than a day needs a column with a time zone: ' ~ column}) -}}
  {%- endif -%}
  {%- set name, here = stringx_name(column), 'cast(at_timezone(' ~ stringx_now_in_sql() ~ ', current_timezone()) as timestamp(6))' -%}
  {%- set own = name if zoned else 'cast(' ~ name ~ ' as timestamp(6))' -%}
  {%- set moment = 'cast(at_timezone(' ~ name ~ ', current_timezone()) as timestamp(6))' if zoned and not absolute else own -%}
  {%- set origin = stringx_in_zone("timestamp '2001-01-01 00:00:00'", 3) if absolute else "timestamp '2001-01-01 00:00:00.000'" -%}
  {%- if months -%}
    {%- set period = "((year(stringx_at) * 12 + month(stringx_at) - 1) / " ~ months ~ ')' -%}
    {%- set begins = "format_datetime(date_add('month', stringx_period * " ~ months ~ " - 24012, timestamp '2001-01-01 00:00:00.000'), 'yyyy-MM')" -%}
  {%- else -%}
    {%- set since = "date_diff('millisecond', " ~ origin ~ ", date_trunc('millisecond', stringx_at))" -%}
    {%- set period = '((' ~ since ~ ' - ((' ~ since ~ ' % ' ~ step ~ ' + ' ~ step ~ ') % ' ~ step ~ ')) / ' ~ step ~ ')' -%}
    {%- set shape = 'yyyy-MM-dd' ~ ('' if step % 86400000 == 0 else ' HH:mm' if step % 60000 == 0 else ' HH:mm:ss' if step % 1000 == 0 else ' HH:mm:ss.SSS') ~ ('ZZ' if absolute else '') -%}
    {%- set begins = "format_datetime(" ~ origin ~ " + stringx_period * " ~ step ~ " * interval '0.001' second, '" ~ shape ~ "')" -%}
  {%- endif -%}
  {%- set gap_from, gap_to = begins.replace('stringx_period', '(stringx_period + 1)'), begins.replace('stringx_period', '(stringx_next - 1)') -%}
  {%- set gap = gap_from ~ " || case when stringx_next - stringx_period > 2 then ' to ' || " ~ gap_to ~ " else '' end" -%}
  {%- set statement -%}
    select total - there as failures, null as measured, total, {{ stringx_object({'missing': 'missing', 'ahead': 'nullif(ahead, 0)'}) }} as found
    from (
      select coalesce(max(stringx_period) - min(stringx_period) + 1, 0) as total, count(stringx_period) as there, coalesce(sum(stringx_rows) filter (where stringx_period is null), 0) as ahead,
             min_by({{ gap }}, stringx_period, 11) filter (where stringx_next - stringx_period > 1) as missing
      from (
        select stringx_period, stringx_rows, lead(stringx_period) over (order by stringx_period) as stringx_next
        from (
          select case when stringx_own <= {{ stringx_now_in_sql() if zoned else here }} then {{ period }} end as stringx_period, count(*) as stringx_rows
          from (select {{ own }} as stringx_own, {{ moment }} as stringx_at from {{ scope.relation }}{{ stringx_where(stringx_all([scope.both, stringx_is_not_null(column)])) }}) as stringx_read
          group by 1
        ) as stringx_filled
      ) as stringx_paired
    ) as stringx_counted
  {%- endset -%}
  {{- return({'statement': statement | string, 'total': 'own', 'found': true}) -}}
{% endmacro %}
