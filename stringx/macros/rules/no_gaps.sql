{#- Periods without a row between the first and the last value. Periods shorter than a day are counted in absolute time, others in the
    document's time zone, where a day may have 23 or 25 hours; from 2001-01-01, a Monday. Values later than now and infinite
    values are left out, and their numbers are in `found`.

    A value without a zone is in the document's. When the clocks go back, an hour occurs twice, and nobody knows which of the two a
    value in it means. It fills the periods of both, so that no gap is invented. Only a day whose offset falls may have such an hour
    (stringx_folds), so only the values of these days are read again, and each is tried with the offsets before and after.

    In stringx_seen, infinity stands for values later than now, -infinity for infinite values, NULL for values that are neither and lie in no period. OFFSET '0' is for the
    planner: it knows nothing of a period's number of values and assumes 200, so that several processes may group; of an expression it would assume as many as of
    the column. A constant that is no bigint when it is parsed would keep the rows to one process, and so would a reference to another table expression. -#}
{% macro stringx_rule__no_gaps(rule, scope) %}
  {%- set column = stringx_name(rule.columns[0]) -%}
  {%- set type = scope.types[rule.columns[0]].type if rule.columns[0] in scope.types else '' -%}
  {%- set grid = stringx_periods(rule.arguments.every, column) -%}
  {%- if grid.fault -%}{{- return(grid) -}}{%- endif -%}
  {%- set period, periods, step, shape, absolute = grid.period, grid.periods, grid.step, grid.shape, grid.absolute -%}
  {%- set naive = type in ('date', 'timestamp without time zone') -%}
  {%- set now = '(select ' ~ (stringx_local_now() if naive else 'now()') ~ ')' -%}
  {%- set finite = 'isfinite(' ~ column ~ ')' -%}
  {%- set past = column ~ ' <= ' ~ now -%}
  {%- set rows = scope.relation ~ stringx_where(stringx_all([scope.both, column ~ ' is not null'])) -%}
  {%- set statement -%}
    with stringx_seen as materialized (
      select stringx_period, count(*) as stringx_rows
      from (
        {% if naive and absolute -%}
        select case when stringx_at <= now() then {{ period.replace(column ~ '::timestamptz', 'stringx_at') }} when stringx_at is null then stringx_kind end as stringx_period
        from (
          select case when {{ finite }} and {{ past }} then {{ column }}::timestamptz end as stringx_at,
                 case when {{ finite }} then 'infinity' else '-infinity' end::timestamptz as stringx_kind
          from {{ rows }} offset '0'
        ) as stringx_read offset '0'
        {%- else -%}
        select case when not {{ finite }} then '-infinity' when {{ past }} then {{ period }} else 'infinity' end as stringx_period from {{ rows }} offset '0'
        {%- endif %}
      ) as stringx_periods group by stringx_period
    ),
    {% if naive and absolute -%}
    stringx_folds as materialized ({{ stringx_folds() }}),
    stringx_twice as (
      select distinct {{ column }}::timestamp as stringx_at
      from {{ rows }} and exists (select from stringx_folds) and {{ finite }} and {{ past }} and {{ column }}::date = any(array(select stringx_date from stringx_folds))
    ),
    {% endif -%}
    stringx_filled as (
      select stringx_period from stringx_seen where isfinite(stringx_period)
      {% if naive and absolute -%}
      union all
      select distinct stringx_other
      from (
        select {{ period.replace(column, 'stringx_moment') }} as stringx_other
        from stringx_twice join stringx_folds on stringx_at::date = stringx_date,
             lateral (values ((stringx_at - stringx_before) at time zone 'UTC'), ((stringx_at - stringx_after) at time zone 'UTC')) as stringx_either(stringx_moment)
        where stringx_moment::timestamp = stringx_at and stringx_moment <= now()
      ) as stringx_others
      where not exists (select from stringx_seen where stringx_period = stringx_other)
      {%- endif %}
    ),
    stringx_span as (
      select coalesce({{ periods }}, 0)::bigint as stringx_total, stringx_count
      from (select min(stringx_period) as stringx_first, max(stringx_period) as stringx_last, count(*) as stringx_count from stringx_filled) as stringx_ends
    ),
    stringx_gaps as (
      select to_char(stringx_period + {{ step }}, '{{ shape }}')
             || case when stringx_next > stringx_period + 2 * {{ step }} then ' to ' || to_char(stringx_next - {{ step }}, '{{ shape }}') else '' end as stringx_gap
      from (select stringx_period, lead(stringx_period) over (order by stringx_period) as stringx_next from stringx_filled) as stringx_pairs
      where (select stringx_count < stringx_total from stringx_span) and stringx_next > stringx_period + {{ step }} order by stringx_period limit 11
    )
    select stringx_total - stringx_count as failures, null as measured, stringx_total as total,
           (select json_build_object(
              'missing', (select json_agg(stringx_gap) from stringx_gaps),
              'ahead', sum(stringx_rows) filter (where stringx_period = 'infinity'), 'infinite', sum(stringx_rows) filter (where stringx_period = '-infinity'))
            from stringx_seen) as found
    from stringx_span
  {%- endset -%}
  {{- return({'statement': statement | string, 'total': 'own', 'found': true}) -}}
{% endmacro %}


{#- How time is divided into periods of a length, or {fault}: {period: the beginning of the period in which a column's value is, periods: how many there are from
    stringx_first to stringx_last, step: their length, shape: how to_char shows a beginning, absolute: whether they are counted in absolute time}. -#}
{% macro stringx_periods(length, column) %}
  {%- set every = {'hour': '1h', 'day': '1d', 'week': '7d'}.get(length, length) -%}
  {%- set months = {'month': 1, 'quarter': 3, 'year': 12}.get(every) -%}
  {%- if months -%}
    {{- return({'period': "date_trunc('" ~ every ~ "', " ~ column ~ '::timestamp)',
                'periods': '(extract(year from stringx_last) - extract(year from stringx_first)) * ' ~ 12 // months
                           ~ ' + (extract(month from stringx_last) - extract(month from stringx_first)) / ' ~ months ~ ' + 1',
                'step': "interval '" ~ months ~ " months'", 'shape': 'YYYY-MM', 'absolute': false}) -}}
  {%- endif -%}
  {%- set seconds = stringx_seconds(every) -%}
  {%- if seconds <= 0 -%}{{- return({'fault': 'every must be longer than 0'}) -}}{%- endif -%}
  {%- set absolute = seconds < 86400 -%}
  {%- set step = '(' ~ seconds ~ " * interval '1 second')" -%}
  {%- set origin = "('2001-01-01'::" ~ ('timestamptz' if absolute else 'timestamp') ~ ' - ' ~ (2000 * 365 * 86400 // seconds) | int ~ ' * ' ~ step ~ ')' -%}
  {%- set time_of_day = ' HH24:MI' ~ ('' if seconds % 60 == 0 else ':SS' if seconds % 1 == 0 else ':SS.US') ~ ('TZH:TZM' if absolute else '') -%}
  {{- return({'period': 'date_bin(' ~ step ~ ', ' ~ column ~ ('::timestamptz, ' if absolute else '::timestamp, ') ~ origin ~ ')',
              'periods': 'round(extract(epoch from stringx_last - stringx_first) / ' ~ seconds ~ ') + 1',
              'step': step, 'shape': 'YYYY-MM-DD' ~ ('' if seconds % 86400 == 0 else time_of_day), 'absolute': absolute}) -}}
{% endmacro %}


{#- The latest time that the clocks have shown: later than now if they went back less than three hours ago. -#}
{% macro stringx_local_now() %}
  {%- set minutes = "generate_series(date_trunc('minute', now()) - interval '3 hours', date_trunc('minute', now()), interval '1 minute')" -%}
  {%- set instants = "select now() union all select stringx_minute - interval '1 microsecond' from " ~ minutes ~ ' as stringx_minute' -%}
  {{- return('max(stringx_instant::timestamp) from (' ~ instants ~ ') as stringx_instants(stringx_instant)') -}}
{% endmacro %}


{#- Dates on which the clocks may show an hour twice, with the offsets from UTC before and after, among the days of stringx_seen: zones change their
    offsets by law, so all days must be tried. -#}
{% macro stringx_folds() %}
      select stringx_date, stringx_before, stringx_after
      from (
        select stringx_day,
               stringx_day::timestamp - (stringx_day at time zone 'UTC') as stringx_before,
               (stringx_day + interval '24 hours')::timestamp - ((stringx_day + interval '24 hours') at time zone 'UTC') as stringx_after
        from (select greatest(min(stringx_period), '1800-01-01') as stringx_first, max(stringx_period) as stringx_last from stringx_seen where isfinite(stringx_period)) as stringx_span,
             generate_series(stringx_first - interval '48 hours', least(stringx_last, now()) + interval '48 hours', interval '24 hours') as stringx_day
      ) as stringx_days,
      lateral (values (stringx_day::date), ((stringx_day + interval '24 hours')::date)) as stringx_dates(stringx_date)
      where stringx_before > stringx_after
{% endmacro %}
