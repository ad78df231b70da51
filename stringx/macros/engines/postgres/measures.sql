{#- Measures that each engine computes in its own way. -#}


{#- Whether a sorting aggregate keeps the scan to one process, so that it is read apart. -#}
{% macro stringx_sorts_apart() %}{{- return(true) -}}{% endmacro %}


{#- The text of a measured number as results show it. -#}
{% macro stringx_number_text(measure) %}{{- return(measure) -}}{% endmacro %}


{#- The text of a moment that is measured. -#}
{% macro stringx_moment_text(measure, fact) %}{{- return(measure) -}}{% endmacro %}


{#- The SQL of an aggregate over the rows of a condition; NULL without values. -#}
{% macro stringx_aggregate(function, column, p, condition, fact=none) %}
  {%- set value = stringx_name(column) -%}
  {%- set rows = stringx_filter([condition]) -%}
  {%- if function in ('min', 'max') and fact is not none and function ~ '()' in fact.operators -%}
    {{- return(fact.schema ~ '.' ~ function ~ '(' ~ stringx_compared(column, fact) ~ ')' ~ rows) -}}
  {%- elif function == 'sum' and fact is not none and fact.type == 'real' -%}
    {{- return('sum(' ~ value ~ '::double precision)' ~ rows) -}}
  {%- elif function in ('min', 'max', 'sum', 'avg') -%}
    {{- return(function ~ '(' ~ value ~ ')' ~ rows) -}}
  {%- elif function == 'stddev' -%}
    {{- return('stddev_samp(' ~ value ~ ')' ~ rows) -}}
  {%- elif function in ('median', 'percentile') -%}
    {{- return('percentile_cont(' ~ stringx_literal(0.5 if function == 'median' else p) ~ '::double precision) within group (order by ' ~ value ~ ')' ~ rows) -}}
  {%- elif function == 'distinct_count' -%}
    {{- return('count(distinct ' ~ value ~ ')' ~ rows) -}}
  {%- elif function == 'distinct_ratio' -%}
    {{- return('count(distinct ' ~ value ~ ')' ~ rows ~ '::numeric / nullif(count(' ~ value ~ ')' ~ rows ~ ', 0)') -}}
  {%- elif function == 'null_ratio' -%}
    {{- return('(count(*)' ~ rows ~ ' - count(' ~ value ~ ')' ~ rows ~ ')::numeric / nullif(count(*)' ~ rows ~ ', 0)') -}}
  {%- endif -%}
{% endmacro %}


{#- The fact of an aggregate's type, from the column's: how its bounds are read. -#}
{% macro stringx_fact_of_aggregate(function, fact) %}
  {%- if function == 'distinct_count' -%}{{- return({'type': 'bigint', 'family': 'integer', 'schema': none, 'operators': []}) -}}{%- endif -%}
  {%- if function in ('min', 'max') or fact is none or fact.family not in ('integer', 'decimal', 'float') or function == 'sum' and fact.family == 'integer' -%}
    {{- return(none if function in ('distinct_ratio', 'null_ratio') else fact) -}}
  {%- endif -%}
  {{- return({'type': 'numeric', 'family': 'decimal', 'schema': none, 'operators': []}) -}}
{% endmacro %}


{#- {measure, fact, apart} of what a rule compares with its earlier points (`of`), or {fault} for a type without such a measure. -#}
{% macro stringx_measure_to_compare(rule, scope) %}
  {%- set of = rule.arguments.of -%}
  {%- set fact = {'type': 'numeric', 'family': 'decimal', 'schema': none, 'operators': []} -%}
  {%- if of == 'row_count' -%}
    {%- set sql = {'measure': '(count(*)' ~ stringx_filter([scope.both]) ~ ')::numeric'} -%}
  {%- else -%}
    {%- set of_column = scope.types.get(of.column) -%}
    {%- set counts, is_age = of.function in ('distinct_count', 'distinct_ratio', 'null_ratio'), of.function == 'age' -%}
    {%- if not counts and of_column is not none and of_column.family not in (('date', 'timestamp') if is_age else ('integer', 'decimal', 'float')) -%}
      {{- return({'fault': rule.type ~ ' compares numbers, and the ' ~ of.function ~ ' of a column of type ' ~ of_column.type ~ ' is none: ' ~ of.column}) -}}
    {%- endif -%}
    {%- if is_age -%}
      {%- set column = stringx_name(of.column) -%}
      {%- set measure = 'extract(epoch from now() - max(' ~ column ~ ')' ~ stringx_filter([scope.both, column ~ ' <= now()', 'isfinite(' ~ column ~ ')']) ~ ')' -%}
    {%- else -%}
      {%- set measure = stringx_aggregate(of.function, of.column, of.get('p'), scope.both, of_column) -%}
    {%- endif -%}
    {%- set is_float = of.function in ('median', 'percentile') or not counts and of_column is not none and of_column.family == 'float' -%}
    {%- set sql = {'measure': measure if is_float else '(' ~ measure ~ ')::numeric', 'apart': of.function in ('median', 'percentile', 'distinct_count', 'distinct_ratio')} -%}
    {%- if is_float -%}{%- set fact = {'type': 'double precision', 'family': 'float', 'schema': none, 'operators': []} -%}{%- endif -%}
  {%- endif -%}
  {{- return(dict(sql, fact=fact)) -}}
{% endmacro %}


{#- {measure: the age in seconds of the latest finite moment that is not later than the snapshot plus a tolerance, found: the number of later ones}. -#}
{% macro stringx_age(column, fact, condition, tolerance) %}
  {%- set column = stringx_name(column) -%}
  {%- set horizon = 'now() + ' ~ stringx_interval(tolerance) -%}
  {%- set newest = 'max(' ~ column ~ ')' ~ stringx_filter([condition, column ~ ' <= ' ~ horizon, 'isfinite(' ~ column ~ ')']) -%}
  {{- return({'measure': 'extract(epoch from now() - ' ~ newest ~ ')',
              'found': "json_build_object('ahead', nullif(count(*)" ~ stringx_filter([condition, column ~ ' > ' ~ horizon]) ~ ', 0))'}) -}}
{% endmacro %}


{#- Two measures that are compared, own and other: {own, other: their SQL, are_equal, are_numbers: whether both may be in a message, measured: the text of their difference, floats:
    what stringx_beyond needs to know}. -#}
{% macro stringx_two_measures(own, other, own_fact, other_fact) %}
  {{- return({
    'own': own, 'other': other, 'are_equal': "own = other and own::text <> 'NaN'", 'measured': 'difference', 'floats': none,
    'are_numbers': 'format_type(pg_typeof(other), null) in (' ~ stringx_literals(stringx_number_types()) ~ ') and length(own::text) + length(other::text) < 1000'
  }) -}}
{% endmacro %}


{#- Whether the difference is beyond a tolerance. Equal infinities do not differ, all others do, and NaN differs from everything; a value on only one
    side is beyond any tolerance. -#}
{% macro stringx_beyond(tolerance, floats) %}
  {%- if tolerance is none -%}{{- return('false') -}}{%- endif -%}
  {%- set text = tolerance | string | trim -%}
  {%- set allowed = stringx_literal(text) ~ '::numeric' -%}
  {%- if text.endswith('%') -%}{%- set allowed = 'abs(other) * ' ~ stringx_literal(text[:-1] | trim) ~ '::numeric / 100' -%}{%- endif -%}
  {{- return('coalesce(difference > ' ~ allowed ~ " or difference::text in ('Infinity', 'NaN'), (own is null) <> (other is null))") -}}
{% endmacro %}


{#- Pearson's coefficient over the rows of a condition, from -1 to 1: rounding would show it a little beyond. NaN if a value is NaN or infinite, or one of those
    `of` which x and y are ranks; NULL if a column has only one value. -#}
{% macro stringx_coefficient(x, y, rows, of=none) %}
  {%- set filter = stringx_filter([rows]) -%}
  {%- set one_value -%}
    (min({{ x }}){{ filter }} = max({{ x }}){{ filter }} or min({{ y }}){{ filter }} = max({{ y }}){{ filter }})
  {%- endset -%}
  {%- set odd_there = "coalesce(bool_or((" ~ of[0] ~ " = 'NaN' or " ~ of[1] ~ " = 'NaN'))" ~ filter ~ ", false)" if of is not none else 'false' -%}
  {%- set coefficient = 'corr(' ~ y ~ ', ' ~ x ~ ')' ~ filter -%}
  {{- return("(case when " ~ odd_there ~ " then 'NaN' when " ~ one_value ~ ' then null when ' ~ coefficient ~ ' > 1 and ' ~ coefficient
             ~ ' < 2 then 1 when ' ~ coefficient ~ ' < -1 then -1 else ' ~ coefficient ~ ' end)') -}}
{% endmacro %}


{#- A value as a double: of a moment the seconds since 1970. -#}
{% macro stringx_as_double(value, fact=none) %}
  {%- if fact is not none and fact.family in ('date', 'timestamp') -%}{{- return('extract(epoch from ' ~ value ~ ')::double precision') -}}{%- endif -%}
  {{- return(value ~ '::double precision') -}}
{% endmacro %}


{#- The fact of a quantile: how its bounds are read. -#}
{% macro stringx_fact_of_quantile(fact, method) %}
  {%- set is_number = fact is none or fact.family in ('integer', 'decimal', 'float') -%}
  {{- return(stringx_fact_of_double() if is_number and method == 'continuous' else fact) -}}
{% endmacro %}


{#- A list of quantiles of a column, NULL without values. -#}
{% macro stringx_quantiles(column, fact, places, method) %}
  {{- return(('percentile_cont' if method == 'continuous' else 'percentile_disc') ~ '(array[' ~ stringx_literals(places) ~ ']::double precision[]) within group (order by '
             ~ stringx_compared(column, fact) ~ ')') -}}
{% endmacro %}


{#- The text of a number for a message: rounded, if it is not too large. -#}
{% macro stringx_short_number(number) %}
  {{- return('case when ' ~ number ~ ' between -1e30 and 1e30 then ' ~ number ~ '::real::text else ' ~ number ~ '::text end') -}}
{% endmacro %}
