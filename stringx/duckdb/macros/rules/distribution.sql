{#- How far the values of a column are from a distribution of listed values or of bins. `max` bounds the divergence (kl) or the statistic (chi_square), `min_p` the
    probability of the statistic. The formulas are in docs/decisions/0040-distributions.md. -#}
{% macro stringx_rule__distribution(rule, scope) %}
  {%- set arguments, test, fact = rule.arguments, rule.arguments.test, scope.types.get(rule.columns[0]) -%}
  {%- set double, warn = stringx_fact_of_double(), rule.arguments.get('warn') or {} -%}
  {%- if test == 'ks' or 'against' in arguments -%}
    {{- return({'fault': 'on DuckDB distribution has the tests kl and chi_square, against weights'}) -}}
  {%- elif 'bins' in arguments and fact is defined and fact and fact.family not in ('integer', 'decimal', 'float', 'date', 'timestamp', 'time') -%}
    {{- return({'fault': 'on DuckDB bins mean nothing for a column of type ' ~ fact.type ~ ': ' ~ rule.columns[0]}) -}}
  {%- endif -%}
  {%- set cells = stringx_cells_of_bins(rule, scope, fact) if 'bins' in arguments else stringx_cells_of_values(rule, scope, fact) -%}
  {%- if cells.fault_words -%}{{- return({'fault': cells.fault_words}) -}}{%- endif -%}
  {%- set by_p = 'min_p' in arguments or 'min_p' in warn -%}
  {%- set is_odd = 'bool_or(stringx_o > 0 and coalesce(stringx_q, 0) = 0)' -%}
  {%- set statement -%}
    with {{ cells.sql }},
    stringx_sized as (
      select stringx_times, stringx_times::double as stringx_o, stringx_w::double / nullif(sum(stringx_w) over (), 0) as stringx_q,
             nullif(sum(stringx_times) over (), 0)::double as stringx_n
      from stringx_cells
    ),
    stringx_statistic as (
      select max(stringx_n)::bigint as stringx_n, {{ 'null' if test == 'kl' else '(count_if(stringx_q > 0 or stringx_o > 0) - 1)' }}::bigint as stringx_freedom,
             case when max(stringx_n) is null then null when {{ is_odd }} then 'Infinity'::double
             {% if test == 'kl' -%}
             else greatest(0, sum(case when stringx_o > 0 and stringx_q > 0 then stringx_o / stringx_n * ln(stringx_o / stringx_n / stringx_q) end)) end as stringx_value
             {%- else -%}
             else coalesce(sum(case when stringx_q > 0 then (stringx_o - stringx_n * stringx_q) * ((stringx_o - stringx_n * stringx_q) / (stringx_n * stringx_q)) end), 0) end as stringx_value
             {%- endif %}
      from stringx_sized
    ),
    stringx_tested as (select *, {{ 'null::double' if test == 'kl' else stringx_chi_square_p('stringx_value', 'stringx_freedom') }} as stringx_p from stringx_statistic)
    select (select coalesce(sum(stringx_times), 0)::bigint from stringx_counted) as total, {{ stringx_number_text('stringx_measured') }} as measured,
           {{ stringx_outside('stringx_measured', stringx_bounds_of_test(arguments), double) }} as fails,
           {{ stringx_outside('stringx_measured', stringx_bounds_of_test(warn), double) }} as warns,
           json_object('fault', {{ cells.fault }}, 'quantity', {{ 'null' if test == 'kl' else "'p-value'" if by_p else "'statistic'" }}, 'n', stringx_n,
                       'p', {{ 'null' if by_p else stringx_told('stringx_p') }}, 'statistic', {{ stringx_told('stringx_value') if by_p else 'null' }},
                       'freedom', stringx_freedom, 'since', null) as found
    from (select *, {{ 'stringx_p' if by_p else 'stringx_value' }} as stringx_measured from stringx_tested) as stringx_bounded
  {%- endset -%}
  {{- return({'measured': statement | string, 'total': 'own', 'found': true, 'row_value': false, 'bounds': stringx_bounds_of_test(arguments)}) -}}
{% endmacro %}


{#- A number for a message, as JSON: the word for 0, which a message would leave out, and for what JSON cannot hold. -#}
{% macro stringx_told(number) %}
  {{- return('case when ' ~ number ~ " = 0 then to_json('0') when not isfinite(" ~ number ~ ") then to_json('Infinity') else to_json(" ~ number ~ ') end') -}}
{% endmacro %}


{#- The bounds that stringx_outside takes: `max` of the divergence or statistic, `min` of its probability. -#}
{% macro stringx_bounds_of_test(arguments) %}
  {{- return({'min': arguments.min_p} if arguments.get('min_p') is not none else {'max': arguments.max} if arguments.get('max') is not none else {}) -}}
{% endmacro %}


{#- Cells of listed values: {sql: of stringx_counted and stringx_cells(stringx_times, stringx_w), fault}. Values that are not listed are cells of their own, which
    share the weight that is held out for them. -#}
{% macro stringx_cells_of_values(rule, scope, fact) %}
  {%- set value, weights, most = stringx_compared(rule.columns[0], fact), rule.arguments.weights, 10000 -%}
  {%- set held_out, all, rows = (rule.arguments.get('tail_weight_holdout') or 0) | float, weights.values() | sum, [] -%}
  {%- set fit = not fact or fact.family not in ('integer', 'decimal') or stringx_fit_together(weights | list) -%}
  {%- for name, weight in weights.items() -%}{%- do rows.append('(' ~ (stringx_value(name, fact) if fit else stringx_no_value(name)) ~ ', ' ~ stringx_double(weight / all) ~ ')') -%}{%- endfor -%}
  {%- set sql -%}
    stringx_counted as materialized (
      select stringx_v, count(*) as stringx_times from (select {{ value }} as stringx_v from {{ scope.relation }}{{ stringx_where(scope.both) }}) as stringx_read
      group by stringx_v limit {{ most + 2 }}),
    stringx_listed as materialized (
      select stringx_v, sum(stringx_w) as stringx_w from (values {{ rows | join(', ') }}) as stringx_given(stringx_v, stringx_w) group by stringx_v),
    stringx_others as materialized (
      select stringx_times from stringx_counted where stringx_v is not null and not exists (select 1 from stringx_listed where stringx_listed.stringx_v = stringx_counted.stringx_v)),
    stringx_cells as (
      select coalesce(stringx_counted.stringx_times, 0) as stringx_times,
             stringx_w * (select case when count(*) > 0 then {{ stringx_double(1 - held_out) }} else 1 end from stringx_others) as stringx_w
      from stringx_listed left join stringx_counted on stringx_listed.stringx_v = stringx_counted.stringx_v
      union all
      select stringx_times, {{ stringx_double(held_out) }} / (select count(*) from stringx_others) from stringx_others)
  {%- endset -%}
  {{- return({'sql': sql | string, 'fault': 'case when (select count(*) from stringx_counted where stringx_v is not null) > ' ~ most
              ~ " then 'the column has more than 10,000 different values; give bins, or look at fewer rows by `where`' end"}) -}}
{% endmacro %}


{#- Cells of bins, as those of listed values: 1 and on are the bins, the last of which has its upper edge, too; 0 is below and the one after the last above them. NaN is in
    a cell of its own, of no weight. -#}
{% macro stringx_cells_of_bins(rule, scope, fact) %}
  {%- set arguments, edges, falls = rule.arguments, [], [] -%}
  {%- set last, given, tails = arguments.bins | length, arguments.weights, arguments.get('tail_weights') -%}
  {%- set all = given | sum + (tails | sum if tails else 0) -%}
  {%- set tail, inner = (arguments.get('tail_weight_holdout') or 0) | float, (arguments.get('internal_weight_holdout') or 0) | float -%}
  {%- if tail + inner > 1 -%}{{- return({'fault_words': 'tail_weight_holdout and internal_weight_holdout must not be above 1 together'}) -}}{%- endif -%}
  {%- set of_tails = [tails[0] / all, tails[1] / all] if tails else [tail / 2, tail / 2] -%}
  {%- set nothing_in = given | select('equalto', 0) | list | length -%}
  {%- set rows = ['(-1, 0::double)', '(0, ' ~ stringx_double(of_tails[0]) ~ ')', '(' ~ last ~ ', ' ~ stringx_double(of_tails[1]) ~ ')'] -%}
  {%- for weight in given -%}
    {%- do rows.append('(' ~ loop.index ~ ', ' ~ stringx_double(inner / nothing_in if weight == 0 else weight / all * (1 - tail - inner)) ~ ')') -%}
  {%- endfor -%}
  {%- for edge in arguments.bins -%}{%- do edges.append(stringx_value(edge, fact)) -%}{%- endfor -%}
  {%- set cells = [] -%}
  {%- for edge in edges -%}
    {%- do cells.append('when stringx_v < ' ~ edge ~ ' then ' ~ loop.index0) -%}
    {%- do falls.append(edges[loop.index0 - 1] ~ ' >= ' ~ edge) if not loop.first -%}
  {%- endfor -%}
  {%- set odd = 'when isnan(stringx_v) then -1 ' if fact and fact.family == 'float' else '' -%}
  {%- set sql -%}
    stringx_counted as materialized (
      select case when stringx_v is null then null {{ odd }}{{ cells | join(' ') }} when stringx_v = {{ edges[-1] }} then {{ last - 1 }} else {{ last }} end as stringx_cell, count(*) as stringx_times
      from (select {{ stringx_compared(rule.columns[0], fact) }} as stringx_v from {{ scope.relation }}{{ stringx_where(scope.both) }}) as stringx_read group by 1),
    stringx_cells as (
      select coalesce(stringx_times, 0) as stringx_times, stringx_w
      from (values {{ rows | join(', ') }}) as stringx_given(stringx_cell, stringx_w) left join stringx_counted using (stringx_cell))
  {%- endset -%}
  {{- return({'sql': sql | string, 'fault': 'case when ' ~ falls | join(' or ') ~ " then 'bins: list them in ascending order' end"}) -}}
{% endmacro %}


{#- A number of the document in double precision. -#}
{% macro stringx_double(number) %}
  {{- return("'" ~ number ~ "'::double") -}}
{% endmacro %}


{#- The probability that chi-square with `freedom` (a whole number) degrees of freedom is at least `statistic`: the finite sums of Abramowitz and Stegun
    26.4.4 and 26.4.5, all of whose terms are positive. -#}
{% macro stringx_chi_square_p(statistic, freedom) %}
  {%- set half, place = '(' ~ statistic ~ ' / 2)', '(k + (' ~ freedom ~ ' % 2) / 2.0::double)' -%}
  {%- set terms = 'list_transform(range(0, ' ~ freedom ~ ' // 2), lambda k: exp(' ~ place ~ ' * ln(' ~ half ~ ') - ' ~ half ~ ' - lgamma(' ~ place ~ ' + 1)))' -%}
  {{- return('(case when ' ~ statistic ~ ' is null then null when isinf(' ~ statistic ~ ') then 0 when ' ~ statistic ~ ' <= 0 or ' ~ freedom ~ ' < 1 then 1 else least(1, coalesce(list_sum('
             ~ terms ~ '), 0) + case when ' ~ freedom ~ ' % 2 = 1 then ' ~ stringx_erfc('sqrt(' ~ half ~ ')') ~ ' else 0 end) end)') -}}
{% endmacro %}


{#- erfc(x) for x from 0 on, within 1e-12 of its value: t * exp(-x^2 + a polynomial), where t = 2 / (2 + x), by a Chebyshev series in 2t - 1. -#}
{% macro stringx_erfc(x) %}
  {%- set u = '((2 - ' ~ x ~ ') / (2 + ' ~ x ~ '))' -%}
  {%- set polynomial = namespace(sql='1.6415045186188208e-07') -%}
  {%- for a in ['2.344846432165095e-07', '-1.7233176592624477e-06', '-9.569063754683688e-07', '8.966703359129732e-06', '-2.164352692287398e-06',
                '-3.0432773413602292e-05', '3.3422853694137726e-05', '7.150155985697925e-05', '-0.0001750876339915449e0', '-9.37625060511117e-05',
                '0.0006739112264692042e0', '-0.0001462420635759325e0', '-0.002345854174615114e0', '0.0017589330595699703e0', '0.008824942684389957e0',
                '-0.009872689339502133e0', '-0.04689561041928232e0', '0.047343306841332665e0', '0.6726432239801886e0', '-0.6717940840566903e0'] -%}
    {%- set polynomial.sql = '(' ~ a ~ ' + ' ~ u ~ ' * ' ~ polynomial.sql ~ ')' -%}
  {%- endfor -%}
  {{- return('(case when ' ~ x ~ ' > 26 then 0 else 2 / (2 + ' ~ x ~ ') * exp(-' ~ x ~ ' * ' ~ x ~ ' + ' ~ polynomial.sql ~ ') end)') -}}
{% endmacro %}
