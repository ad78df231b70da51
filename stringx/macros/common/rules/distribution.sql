{#- How far the values of a column are from a distribution: of listed values, of bins, or of a formula; or from that of the check before. `max` bounds the divergence
    (kl) or the statistic (chi_square, ks), `min_p` the probability of the statistic. The formulas are in docs/decisions/0040-distributions.md. -#}
{% macro stringx_rule__distribution(rule, scope) %}
  {%- set arguments, test = rule.arguments, rule.arguments.test -%}
  {%- set fact = scope.types.get(rule.columns[0]) -%}
  {%- set of_bins = 'bins' in arguments or 'expected' in arguments -%}
  {%- set meant = ['integer', 'decimal', 'float'] + ([] if 'expected' in arguments else ['date', 'timestamp'] if test == 'ks' else ['date', 'timestamp', 'time', 'interval']) -%}
  {%- if of_bins and fact is not none and fact.family not in meant -%}
    {{- return({'fault': ('a formula means' if 'expected' in arguments else 'bins mean') ~ ' nothing for a column of type ' ~ fact.type ~ ': ' ~ rule.columns[0]}) -}}
  {%- endif -%}
  {%- if test == 'ks' or 'against' in arguments -%}{{- return(stringx_other_distribution(rule, scope, fact)) -}}{%- endif -%}
  {%- set cells = stringx_cells_of_bins(rule, scope, fact) if of_bins else stringx_cells_of_values(rule, scope, fact) -%}
  {%- if cells.fault_words -%}{{- return({'fault': cells.fault_words}) -}}{%- endif -%}
  {%- set statement -%}
    with {{ cells.sql }},
    {{ stringx_tests_of_cells(test) }}
    {{ stringx_decided_test(arguments, cells.fault) }}
  {%- endset -%}
  {{- return({'measured': statement | string, 'total': 'own', 'found': true, 'row_value': false, 'bounds': stringx_bounds_of_test(arguments)}) -}}
{% endmacro %}


{#- Common table expressions from stringx_cells (stringx_times, stringx_w) to stringx_tested. -#}
{% macro stringx_tests_of_cells(test) %}
    {%- set types = stringx_type_names() %}
    stringx_sized as (
      select stringx_times, cast(stringx_times as {{ types.double }}) as stringx_o, cast(stringx_w as {{ types.double }}) / nullif(sum(stringx_w) over (), 0) as stringx_q,
             cast(nullif(sum(stringx_times) over (), 0) as {{ types.double }}) as stringx_n
      from stringx_cells
    ),
    {% if test == 'kl' -%}
    stringx_statistic as (
      select cast(max(stringx_n) as {{ types.count }}) as stringx_n, case when max(stringx_n) is null then null when bool_or(stringx_o > 0 and coalesce(stringx_q, 0) = 0) then cast('Infinity' as {{ types.double }})
             else greatest(0, sum(case when stringx_o > 0 and stringx_q > 0 then stringx_o / stringx_n * ln(stringx_o / stringx_n / stringx_q) end)) end as stringx_value
      from stringx_sized
    ),
    stringx_tested as (select *, cast(null as {{ types.double }}) as stringx_p, cast(null as {{ types.count }}) as stringx_freedom from stringx_statistic)
    {%- else -%}
    stringx_statistic as (
      select cast(max(stringx_n) as {{ types.count }}) as stringx_n, count(*) filter (where stringx_q > 0 or stringx_o > 0) - 1 as stringx_freedom,
             case when max(stringx_n) is null then null when bool_or(stringx_o > 0 and coalesce(stringx_q, 0) = 0) then cast('Infinity' as {{ types.double }})
             else coalesce(sum(case when stringx_q > 0 then (stringx_o - stringx_n * stringx_q) * ((stringx_o - stringx_n * stringx_q) / (stringx_n * stringx_q)) end), 0) end as stringx_value
      from stringx_sized
    ),
    stringx_tested as (select stringx_n, stringx_value, {{ stringx_chi_square_p('stringx_value', 'stringx_freedom') }} as stringx_p, stringx_freedom from stringx_statistic)
    {%- endif %}
{% endmacro %}


{#- The row of a test's statement, from stringx_tested (stringx_n, stringx_value, stringx_p, stringx_freedom) and stringx_counted (stringx_times). -#}
{% macro stringx_decided_test(arguments, fault=none, since=none, remember=none) %}
  {%- set double, types = stringx_fact_of_double(), stringx_type_names() -%}
  {%- set warn = arguments.get('warn') or {} -%}
  {%- set by_p = 'min_p' in arguments or 'min_p' in warn -%}
    select (select cast(coalesce(sum(stringx_times), 0) as {{ types.count }}) from stringx_counted) as total, {{ stringx_number_text('stringx_measured') }} as measured,
           {{ stringx_outside('stringx_measured', stringx_bounds_of_test(arguments), double) }} as fails,
           {{ stringx_outside('stringx_measured', stringx_bounds_of_test(warn), double) }} as warns,
           {{ stringx_object({'fault': fault or 'null', 'quantity': 'null' if arguments.test == 'kl' else "'p-value'" if by_p else "'statistic'", 'n': 'stringx_n',
                              'p': 'null' if by_p else stringx_told('stringx_p'), 'statistic': stringx_told('stringx_value') if by_p else 'null', 'freedom': 'stringx_freedom',
                              'since': stringx_literal(since) if since is not none else 'null'}) }} as found{{ ', ' ~ remember ~ ' as remember' if remember is not none }}
    from (select *, {{ 'stringx_p' if by_p else 'stringx_value' }} as stringx_measured from stringx_tested) as stringx_bounded
{% endmacro %}


{#- The bounds that stringx_outside takes: `max` of the divergence or statistic, `min` of its probability. -#}
{% macro stringx_bounds_of_test(arguments) %}
  {{- return({'min': arguments.min_p} if arguments.get('min_p') is not none else {'max': arguments.max} if arguments.get('max') is not none else {}) -}}
{% endmacro %}


{#- Cells of listed values: {sql: of stringx_counted and stringx_cells(stringx_times, stringx_w), fault}. Values that are not listed are cells of their own, which
    share the weight that is held out for them. -#}
{% macro stringx_cells_of_values(rule, scope, fact) %}
  {%- set column, arguments = rule.columns[0], rule.arguments -%}
  {%- set value, held_out, double = stringx_compared(column, fact), (arguments.get('tail_weight_holdout') or 0) | float, stringx_type_names().double -%}
  {%- set weights = arguments.weights -%}
  {%- set all = weights.values() | sum -%}
  {%- set written, rows = stringx_each_value(weights | list, fact), [] -%}
  {%- for weight in weights.values() -%}{%- do rows.append('(' ~ written[loop.index0] ~ ', ' ~ stringx_double(weight / all) ~ ')') -%}{%- endfor -%}
  {%- set empty = '(' ~ stringx_no_value_of(value, scope.relation) ~ ', cast(0 as ' ~ double ~ '))' -%}
  {%- set same = 'stringx_listed.stringx_v' ~ stringx_operator(fact, '=') ~ 'stringx_counted.stringx_v' -%}
  {%- set sql -%}
    stringx_counted {{ stringx_as(true) }} (
      select {{ value }} as stringx_v, count(*) as stringx_times from {{ scope.relation }}{{ stringx_where(scope.both) }} group by {{ value }} limit {{ stringx_most_values() + 2 }}),
    stringx_listed {{ stringx_as(true) }} (
      select stringx_v, sum(stringx_w) as stringx_w from (values {{ ([empty] + rows) | join(', ') }}) as stringx_given(stringx_v, stringx_w)
      where stringx_v is distinct from null group by stringx_v),
    stringx_others {{ stringx_as(true) }} (
      select stringx_times from stringx_counted where stringx_v is distinct from null and not exists (select 1 from stringx_listed where {{ same }})),
    stringx_cells as (
      select coalesce(stringx_counted.stringx_times, 0) as stringx_times,
             stringx_w * (select case when count(*) > 0 then {{ stringx_double(1 - held_out) }} else 1 end from stringx_others) as stringx_w
      from stringx_listed left join stringx_counted on {{ same }}
      union all
      select stringx_times, {{ stringx_double(held_out) }} / (select count(*) from stringx_others) from stringx_others)
  {%- endset -%}
  {%- set many = '(select count(*) from stringx_counted where stringx_v is distinct from null) > ' ~ stringx_most_values() -%}
  {{- return({'sql': sql | string, 'fault': 'case when ' ~ many ~ " then 'the column has more than 10,000 different values; give bins, or look at fewer rows by `where`' end"}) -}}
{% endmacro %}


{#- The most different values of which a distribution is taken. -#}
{% macro stringx_most_values() %}{{- return(10000) -}}{% endmacro %}


{#- Cells of bins, as those of listed values: 1 and on are the bins, the last of which has its upper edge, too; 0 is below and the one after the last above them. NaN is in
    a cell of its own, of no weight. -#}
{% macro stringx_cells_of_bins(rule, scope, fact) %}
  {%- set arguments = rule.arguments -%}
  {%- set last = arguments.bins | length -%}
  {%- set given, tails = arguments.weights, arguments.get('tail_weights') -%}
  {%- set all = given | sum + (tails | sum if tails else 0) -%}
  {%- set tail, inner = (arguments.get('tail_weight_holdout') or 0) | float, (arguments.get('internal_weight_holdout') or 0) | float -%}
  {%- if tail + inner > 1 -%}{{- return({'fault_words': 'tail_weight_holdout and internal_weight_holdout must not be above 1 together'}) -}}{%- endif -%}
  {%- set of_tails = [tails[0] / all, tails[1] / all] if tails else [tail / 2, tail / 2] -%}
  {%- set nothing_in = given | select('equalto', 0) | list | length -%}
  {%- set rows = ['(-1, ' ~ stringx_double(0) ~ ')', '(0, ' ~ stringx_double(of_tails[0]) ~ ')', '(' ~ last ~ ', ' ~ stringx_double(of_tails[1]) ~ ')'] -%}
  {%- for weight in given -%}
    {%- do rows.append('(' ~ loop.index ~ ', ' ~ stringx_double(inner / nothing_in if weight == 0 else weight / all * (1 - tail - inner)) ~ ')') -%}
  {%- endfor -%}
  {%- set counted = stringx_counted_bins(rule, scope, fact) -%}
  {%- set sql -%}
    {{ counted.sql }},
    stringx_cells as (
      select coalesce(stringx_times, 0) as stringx_times, stringx_w
      from (values {{ rows | join(', ') }}) as stringx_given(stringx_cell, stringx_w) left join stringx_counted using (stringx_cell))
  {%- endset -%}
  {{- return({'sql': sql | string, 'fault': counted.fault}) -}}
{% endmacro %}
