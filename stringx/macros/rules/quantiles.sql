{#- Several quantiles of a column against bounds, in one sort. What is measured is how many of them are outside of their bounds, or of those under `warn`;
    without any value there is none. Numbers and intervals are interpolated between two rows unless the method is `discrete`; of other types a quantile
    is a value that occurs. -#}
{% macro stringx_rule__quantiles(rule, scope) %}
  {%- set column, fact = rule.columns[0], scope.types.get(rule.columns[0]) -%}
  {%- set family = fact.family if fact is not none else 'decimal' -%}
  {%- set between_rows = family in ('integer', 'decimal', 'float', 'interval') -%}
  {%- set method = rule.arguments.get('method', 'continuous' if between_rows else 'discrete') -%}
  {%- if method == 'continuous' and not between_rows -%}
    {{- return({'fault': 'quantiles of a column of type ' ~ fact.type ~ ' are discrete; leave the method out: ' ~ column}) -}}
  {%- endif -%}
  {%- set is_number = family in ('integer', 'decimal', 'float') -%}
  {%- set of_value = {'type': 'double precision', 'family': 'float', 'schema': none, 'operators': []} if is_number and method == 'continuous' else fact -%}
  {%- set places, outside, warned, told = [], [], [], [] -%}
  {%- set may = namespace(fail=false) -%}
  {%- for entry in rule.arguments['bounds'] -%}
    {%- set value = 'stringx_q[' ~ loop.index ~ ']' -%}
    {%- do places.append(stringx_literal(entry.p)) -%}
    {%- if entry.get('min') is not none or entry.get('max') is not none -%}{%- set may.fail = true -%}{%- endif -%}
    {%- do outside.append(stringx_outside(value, entry, of_value)) -%}
    {%- do warned.append(stringx_outside(value, entry.get('warn') or {}, of_value)) -%}
    {%- set shown = stringx_literal('p ' ~ entry.p) -%}
    {%- if is_number -%}
      {%- set shown = shown ~ " || ' is ' || case when " ~ value ~ " between -1e30 and 1e30 then " ~ value ~ "::real::text else " ~ value ~ '::text end' -%}
    {%- endif -%}
    {%- do told.append('case when stringx_outside[' ~ loop.index ~ '] or stringx_warned[' ~ loop.index ~ '] then ' ~ shown ~ ' end') -%}
  {%- endfor -%}
  {%- set kind = 'percentile_cont' if method == 'continuous' else 'percentile_disc' -%}
  {%- set measured -%}
    select stringx_total as total, stringx_number_outside as measured, true = any(stringx_outside) as fails, true = any(stringx_warned) as warns,
           json_build_object('quantiles', {{ places | length }}, 'outside', (array_remove(array[{{ told | join(', ') }}]::text[], null))[:11]) as found
    from (
      select *, case when stringx_q is not null then (
               select count(*) from unnest(stringx_outside, stringx_warned) as stringx_each(stringx_fails, stringx_warns) where stringx_fails or stringx_warns) end as stringx_number_outside
      from (
        select stringx_total, stringx_q, array[{{ outside | join(', ') }}] as stringx_outside, array[{{ warned | join(', ') }}] as stringx_warned
        from (
          select count(*) as stringx_total, {{ kind }}(array[{{ places | join(', ') }}]::double precision[]) within group (order by {{ stringx_compared(column, fact) }}) as stringx_q
          from {{ scope.relation }}{{ stringx_where(scope.both) }}
        ) as stringx_sorted
      ) as stringx_compared
    ) as stringx_numbered
  {%- endset -%}
  {{- return({'measured': measured | string, 'total': 'own', 'found': true, 'row_value': false, 'bounds': {'max': 0} if may.fail else {}}) -}}
{% endmacro %}
