{#- The test of Kolmogorov and Smirnov: the greatest distance between the share of values up to a value and the share that the distribution has there, on both sides of each
    different value. NaN makes it NaN, which no bound lets pass. -#}
{% macro stringx_kolmogorov_rule(rule, scope, fact) %}
  {%- set arguments = rule.arguments -%}
  {%- set value = stringx_as_double(stringx_compared(rule.columns[0], fact), fact) -%}
  {%- set shares = stringx_shares_of_bins(arguments, fact) if 'bins' in arguments else stringx_shares_of_formula(arguments.expected) -%}
  {%- if shares.fault_words -%}{{- return({'fault': shares.fault_words}) -}}{%- endif -%}
  {%- set statement -%}
    with {{ shares.sql }}
    stringx_counted as materialized (
      select {{ value }} as stringx_x, count(*) as stringx_times from {{ scope.relation }}{{ stringx_where(scope.both) }} group by 1),
    stringx_ranked as (
      select stringx_x, stringx_times::double precision as stringx_times, sum(stringx_times) over (order by stringx_x)::double precision as stringx_up_to,
             sum(stringx_times) over ()::double precision as stringx_n
      from stringx_counted where stringx_x is not null),
    stringx_distances as (
      select stringx_n, stringx_x, stringx_up_to / stringx_n - stringx_share as stringx_above, stringx_share - (stringx_up_to - stringx_times) / stringx_n as stringx_below
      from (select *, {{ shares.share }} as stringx_share from {{ shares.source }} offset 0) as stringx_shared),  -- offset 0: computed once per row
    stringx_statistic as (
      select max(stringx_n)::bigint as stringx_n, case when bool_or(stringx_x = 'NaN') then 'NaN' else max(greatest(stringx_above, stringx_below)) end as stringx_value
      from stringx_distances),
    stringx_tested as (
      select stringx_n, stringx_value, case when stringx_value = 'NaN' then 0 else {{ stringx_kolmogorov_p('stringx_n', 'stringx_value') }} end as stringx_p,
             null::bigint as stringx_freedom
      from stringx_statistic)
    {{ stringx_decided_test(arguments, shares.fault) }}
  {%- endset -%}
  {{- return({'measured': statement | string, 'total': 'own', 'found': true, 'row_value': false, 'bounds': stringx_bounds_of_test(arguments)}) -}}
{% endmacro %}


{#- {sql: common table expressions, share: an expression of stringx_x, source: what it needs in FROM, fault} for bins, within each of which all values are as likely. -#}
{% macro stringx_shares_of_bins(arguments, fact) %}
  {%- set last, all = arguments.bins | length, arguments.weights | sum -%}
  {%- set edges = stringx_edges(arguments.bins, 'stringx_x', fact) -%}
  {%- set reached, sums = namespace(weight=0), ['0'] -%}
  {%- for weight in arguments.weights -%}
    {%- set reached.weight = reached.weight + weight -%}
    {%- do sums.append(stringx_double(reached.weight / all if not loop.last else 1)) -%}
  {%- endfor -%}
  {%- set sql -%}
    stringx_edges as materialized (
      select array(select {{ stringx_as_double('stringx_edge', fact) }} from unnest({{ edges.sql }}) with ordinality as stringx_each(stringx_edge, stringx_at) order by stringx_at) as stringx_e,
             array[{{ sums | join(', ') }}]::double precision[] as stringx_s),
  {%- endset -%}
  {%- set b = 'stringx_b' -%}
  {%- set share -%}
    case when stringx_x = 'NaN' then 0 when {{ b }} = 0 then 0 when {{ b }} >= {{ last }} then 1
         else stringx_s[{{ b }}] + (stringx_s[{{ b }} + 1] - stringx_s[{{ b }}]) * ((stringx_x - stringx_e[{{ b }}]) / (stringx_e[{{ b }} + 1] - stringx_e[{{ b }}])) end
  {%- endset -%}
  {{- return({'sql': sql | string, 'share': share | string, 'source': 'stringx_ranked, stringx_edges, lateral (select width_bucket(stringx_x, stringx_e) as stringx_b) as stringx_place',
              'fault': stringx_fault_of_edges('(select stringx_e from stringx_edges)', last)}) -}}
{% endmacro %}


{#- The same for a formula. -#}
{% macro stringx_shares_of_formula(expected) %}
  {%- set name, given = (expected.items() | list)[0] -%}
  {%- set below, above = "when stringx_x = 'NaN' or stringx_x = '-Infinity' then 0 ", "when stringx_x = 'Infinity' then 1 " -%}
  {%- if name == 'normal' -%}
    {%- set r = 'abs((stringx_x - ' ~ stringx_double(given.mean) ~ ') / ' ~ stringx_double(given.stddev) ~ ') / 1.4142135623730951' -%}
    {%- set source = '(select *, (2 - stringx_r) / (2 + stringx_r) as stringx_u from (select *, ' ~ r ~ ' as stringx_r from stringx_ranked offset 0) as stringx_placed offset 0) as stringx_far' -%}
    {%- set half = stringx_erfc('stringx_r', 'stringx_u') ~ ' / 2' -%}
    {{- return({'sql': '', 'share': 'case ' ~ below ~ above ~ 'when stringx_x < ' ~ stringx_double(given.mean) ~ ' then ' ~ half ~ ' else 1 - ' ~ half ~ ' end', 'source': source,
                'fault': none, 'fault_words': none}) -}}
  {%- elif name == 'uniform' -%}
    {%- if given.min >= given.max -%}{{- return({'fault_words': 'expected: max of the uniform distribution must be above min'}) -}}{%- endif -%}
    {%- set share = 'least(1, greatest(0, (stringx_x - ' ~ stringx_double(given.min) ~ ') / ' ~ stringx_double(given.max - given.min) ~ '))' -%}
  {%- else -%}
    {%- set place = '((stringx_x - ' ~ stringx_double(given.get('from', 0)) ~ ') / ' ~ stringx_double(given.mean) ~ ')' -%}
    {%- set share = 'case when ' ~ place ~ ' <= 0 then 0 else 1 - ' ~ stringx_exp('(-' ~ place ~ ')') ~ ' end' -%}
  {%- endif -%}
  {{- return({'sql': '', 'share': 'case ' ~ below ~ above ~ 'else ' ~ share ~ ' end', 'source': 'stringx_ranked', 'fault': none, 'fault_words': none}) -}}
{% endmacro %}
