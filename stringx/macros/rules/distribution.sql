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
  {%- if test == 'ks' -%}{{- return(stringx_kolmogorov_rule(rule, scope, fact)) -}}
  {%- elif 'against' in arguments -%}{{- return(stringx_distribution_before(rule, scope, fact)) -}}
  {%- endif -%}
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
    stringx_sized as (
      select stringx_times, stringx_times::double precision as stringx_o, stringx_w::double precision / nullif(sum(stringx_w) over (), 0) as stringx_q,
             nullif(sum(stringx_times) over (), 0)::double precision as stringx_n
      from stringx_cells
    ),
    {% if test == 'kl' -%}
    stringx_statistic as (
      select max(stringx_n)::bigint as stringx_n, case when max(stringx_n) is null then null when bool_or(stringx_o > 0 and coalesce(stringx_q, 0) = 0) then 'Infinity'
             else greatest(0, sum(case when stringx_o > 0 and stringx_q > 0 then stringx_o / stringx_n * ln(stringx_o / stringx_n / stringx_q) end)) end as stringx_value
      from stringx_sized
    ),
    stringx_tested as (select *, null::double precision as stringx_p, null::bigint as stringx_freedom from stringx_statistic)
    {%- else -%}
    stringx_statistic as (
      select max(stringx_n)::bigint as stringx_n, count(*) filter (where stringx_q > 0 or stringx_o > 0) - 1 as stringx_freedom,
             case when max(stringx_n) is null then null when bool_or(stringx_o > 0 and coalesce(stringx_q, 0) = 0) then 'Infinity'
             else coalesce(sum(case when stringx_q > 0 then (stringx_o - stringx_n * stringx_q) * ((stringx_o - stringx_n * stringx_q) / (stringx_n * stringx_q)) end), 0) end as stringx_value
      from stringx_sized
    ),
    stringx_tested as (select stringx_n, stringx_value, {{ stringx_chi_square_p('stringx_value', 'stringx_freedom') }} as stringx_p, stringx_freedom from stringx_statistic)
    {%- endif %}
{% endmacro %}


{#- The row of a test's statement, from stringx_tested (stringx_n, stringx_value, stringx_p, stringx_freedom) and stringx_counted (stringx_times). -#}
{% macro stringx_decided_test(arguments, fault=none, since=none, remember=none) %}
  {%- set double = {'type': 'double precision', 'family': 'float', 'schema': none, 'operators': []} -%}
  {%- set warn = arguments.get('warn') or {} -%}
  {%- set by_p = 'min_p' in arguments or 'min_p' in warn -%}
    select (select coalesce(sum(stringx_times), 0)::bigint from stringx_counted) as total, stringx_measured as measured,
           {{ stringx_outside('stringx_measured', stringx_bounds_of_test(arguments), double) }} as fails,
           {{ stringx_outside('stringx_measured', stringx_bounds_of_test(warn), double) }} as warns,
           json_build_object('fault', {{ fault or 'null' }}, 'quantity', {{ 'null' if arguments.test == 'kl' else "'p-value'" if by_p else "'statistic'" }}, 'n', stringx_n, 'p', {{ stringx_told('stringx_p') if not by_p else 'null' }},
                             'statistic', {{ stringx_told('stringx_value') if by_p else 'null' }}, 'freedom', stringx_freedom,
                             'since', {{ stringx_literal(since) if since is not none else 'null' }}) as found{{ ', ' ~ remember ~ ' as remember' if remember is not none }}
    from (select *, {{ 'stringx_p' if by_p else 'stringx_value' }} as stringx_measured from stringx_tested) as stringx_bounded
{% endmacro %}


{#- A number for a message: the word for 0, which a message would leave out. -#}
{% macro stringx_told(number) %}
  {{- return('case when ' ~ number ~ " = 0 then to_json('0'::text) else to_json(" ~ number ~ ') end') -}}
{% endmacro %}


{#- The bounds that stringx_outside takes: `max` of the divergence or statistic, `min` of its probability. -#}
{% macro stringx_bounds_of_test(arguments) %}
  {{- return({'min': arguments.min_p} if arguments.get('min_p') is not none else {'max': arguments.max} if arguments.get('max') is not none else {}) -}}
{% endmacro %}


{#- Cells of listed values: {sql: of stringx_counted and stringx_cells(stringx_times, stringx_w), fault}. Values that are not listed are cells of their own, which
    share the weight that is held out for them. -#}
{% macro stringx_cells_of_values(rule, scope, fact) %}
  {%- set column, arguments = rule.columns[0], rule.arguments -%}
  {%- set value, held_out = stringx_compared(column, fact), (arguments.get('tail_weight_holdout') or 0) | float -%}
  {%- set weights = arguments.weights -%}
  {%- set all = weights.values() | sum -%}
  {%- set rows = [] -%}
  {%- for name, weight in weights.items() -%}{%- do rows.append('(' ~ stringx_value(name, fact) ~ ', ' ~ stringx_double(weight / all) ~ ')') -%}{%- endfor -%}
  {%- set empty = '((select ' ~ value ~ ' from ' ~ scope.relation ~ ' limit 0), 0::double precision)' -%}
  {%- set same = 'stringx_listed.stringx_v' ~ stringx_operator(fact, '=') ~ 'stringx_counted.stringx_v' -%}
  {%- set sql -%}
    stringx_counted as materialized (
      select {{ value }} as stringx_v, count(*) as stringx_times from {{ scope.relation }}{{ stringx_where(scope.both) }} group by {{ value }} limit {{ stringx_most_values() + 2 }}),
    stringx_listed as materialized (
      select stringx_v, sum(stringx_w) as stringx_w from (values {{ ([empty] + rows) | join(', ') }}) as stringx_given(stringx_v, stringx_w)
      where stringx_v is distinct from null group by stringx_v),
    stringx_others as materialized (
      select stringx_times from stringx_counted where stringx_v is distinct from null and not exists (select from stringx_listed where {{ same }})),
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
  {%- set rows = ['(-1, 0::double precision)', '(0, ' ~ stringx_double(of_tails[0]) ~ ')', '(' ~ last ~ ', ' ~ stringx_double(of_tails[1]) ~ ')'] -%}
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


{#- {sql: of stringx_counted(stringx_cell, stringx_times), fault}: the rows of each cell. -#}
{% macro stringx_counted_bins(rule, scope, fact) %}
  {%- set bins = rule.arguments.bins -%}
  {%- set last = bins | length -%}
  {%- set edges = stringx_edges(bins, stringx_compared(rule.columns[0], fact), fact) -%}
  {%- set odd = "when stringx_v = 'NaN' then -1 " if fact is not none and fact.family in ('decimal', 'float') else '' -%}
  {%- set sql -%}
    stringx_edges as materialized (select {{ edges.sql }} as stringx_e),
    stringx_counted as materialized (
      select case when stringx_v is null then null {{ odd }}when stringx_v = stringx_e[{{ last }}] then {{ last - 1 }}
             else width_bucket(stringx_v, stringx_e) end as stringx_cell, count(*) as stringx_times
      from (select {{ edges.value }} as stringx_v from {{ scope.relation }}{{ stringx_where(scope.both) }}) as stringx_read, stringx_edges group by 1)
  {%- endset -%}
  {{- return({'sql': sql | string, 'fault': stringx_fault_of_edges('(select stringx_e from stringx_edges)', last)}) -}}
{% endmacro %}


{#- {sql: an array of the edges of bins, value: the column's value beside them}, both of the column's type, or of numeric or timestamp if an edge is between two values of it. -#}
{% macro stringx_edges(bins, value, fact) %}
  {%- set written = [] -%}
  {%- for edge in bins -%}{%- do written.append(stringx_value(edge, fact)) -%}{%- endfor -%}
  {%- set family = fact.family if fact is not none else 'decimal' -%}
  {%- set type = {'integer': 'numeric' if '::numeric' in written | join(' ') else 'bigint', 'decimal': 'numeric', 'date': 'timestamp'}.get(family, fact.type if fact else 'numeric') -%}
  {{- return({'sql': 'array[' ~ written | join(', ') ~ ']::' ~ type ~ '[]', 'value': value ~ '::' ~ type if family in ('integer', 'date') else value}) -}}
{% endmacro %}


{#- Words for edges that do not rise, which cannot be known before for all notations of dates; or none. -#}
{% macro stringx_fault_of_edges(edges, number) %}
  {{- return('(select case when bool_or(' ~ edges ~ '[stringx_i] >= ' ~ edges ~ "[stringx_i + 1]) then 'bins: list them in ascending order' end from generate_series(1, "
             ~ (number - 1) ~ ') as stringx_i)') -}}
{% endmacro %}


{#- A number of the document in double precision. -#}
{% macro stringx_double(number) %}
  {{- return("'" ~ number ~ "'::double precision") -}}
{% endmacro %}
