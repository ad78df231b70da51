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
  {%- set of_value = stringx_fact_of_quantile(fact, method) -%}
  {%- set places, outside, warned, told, counted = [], [], [], [], [] -%}
  {%- set may = namespace(fail=false) -%}
  {%- for entry in rule.arguments['bounds'] -%}
    {%- set value = 'stringx_q[' ~ loop.index ~ ']' -%}
    {%- do places.append(entry.p) -%}
    {%- if entry.get('min') is not none or entry.get('max') is not none -%}{%- set may.fail = true -%}{%- endif -%}
    {%- do outside.append(stringx_outside(value, entry, of_value)) -%}
    {%- do warned.append(stringx_outside(value, entry.get('warn') or {}, of_value)) -%}
    {%- set shown = stringx_literal('p ' ~ entry.p) -%}
    {%- if is_number -%}
      {%- set shown = shown ~ " || ' is ' || " ~ stringx_short_number(value) -%}
    {%- endif -%}
    {%- set is_told = 'stringx_outside[' ~ loop.index ~ '] or stringx_warned[' ~ loop.index ~ ']' -%}
    {%- do told.append('case when ' ~ is_told ~ ' then ' ~ shown ~ ' end') -%}
    {%- do counted.append('case when ' ~ is_told ~ ' then 1 else 0 end') -%}
  {%- endfor -%}
  {%- set measured -%}
    select stringx_total as total, case when stringx_q is not null then {{ counted | join(' + ') }} end as measured,
           {{ stringx_any_true('stringx_outside') }} as fails, {{ stringx_any_true('stringx_warned') }} as warns,
           {{ stringx_object({'quantiles': places | length, 'outside': stringx_texts_that_are(told, 11)}) }} as found
    from (
      select stringx_total, stringx_q, {{ stringx_array(outside) }} as stringx_outside, {{ stringx_array(warned) }} as stringx_warned
      from (
        select count(*) as stringx_total, {{ stringx_quantiles(rule.columns[0], fact, places, method) }} as stringx_q
        from {{ scope.relation }}{{ stringx_where(scope.both) }}
      ) as stringx_sorted
    ) as stringx_compared
  {%- endset -%}
  {{- return({'measured': measured | string, 'total': 'own', 'found': true, 'row_value': false, 'bounds': {'max': 0} if may.fail else {}}) -}}
{% endmacro %}
