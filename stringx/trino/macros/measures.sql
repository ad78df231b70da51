{#- Measures that each engine computes in its own way. -#}


{#- Whether a sorting aggregate is read apart: it keeps all values of its column in the memory of one worker. -#}
{% macro stringx_sorts_apart() %}{{- return(true) -}}{% endmacro %}


{#- The text of a number of double precision, with PostgreSQL's words for what is none. From 1e-4 up to 1e15 it is written plainly, as there: Trino has an exponent from 1e7 on. -#}
{% macro stringx_number_text(measure) %}
  {%- set plain = "regexp_replace(cast(cast(t as decimal(38, 22)) as varchar), '[.]?0+$', '')" -%}
  {{- return("transform(array[replace(json_format(cast(" ~ measure ~ " as json)), '\"', '')], t -> case when regexp_like(t, '^-?[0-9.]+E(-4|[0-9]|1[0-4])$') then " ~ plain ~ ' else t end)[1]') -}}
{% endmacro %}


{#- The text of a moment as PostgreSQL has it: in the document's zone, without zeros at the end of its seconds. -#}
{% macro stringx_moment_text(measure, fact) %}
  {%- set fraction, zeros = "'[.]([0-9]*?)0+($|[+-])'", "'[.]($|[+-])'" -%}
  {%- set text = "replace(replace(to_iso8601(" ~ ('at_timezone(' ~ measure ~ ', current_timezone())' if stringx_has_zone(fact) else measure) ~ "), 'T', ' '), 'Z', '+00:00')" -%}
  {{- return("regexp_replace(regexp_replace(" ~ text ~ ', ' ~ fraction ~ ", '.$1$2'), " ~ zeros ~ ", '$1')") -}}
{% endmacro %}


{#- The SQL of an aggregate over the rows of a condition; NULL without values. Means, deviations, quantiles and ratios are in double precision. -#}
{% macro stringx_aggregate(function, column, p, condition, fact=none) %}
  {%- set value, rows = stringx_compared(column, fact), stringx_filter([condition]) -%}
  {%- set double, family = 'cast(' ~ value ~ ' as double)', fact.family if fact else none -%}
  {%- if function == 'max' and family == 'float' -%}
    {{- return('(case when coalesce(bool_or(is_nan(' ~ value ~ '))' ~ rows ~ ', false) then ' ~ ('cast(nan() as real)' if fact.type == 'real' else 'nan()') ~ ' else max(' ~ value ~ ')' ~ rows ~ ' end)') -}}
  {%- elif function in ('min', 'max') -%}
    {{- return(function ~ '(' ~ value ~ ')' ~ rows) -}}
  {%- elif function == 'sum' and family == 'integer' and fact.type == 'bigint' -%}
    {{- return('sum(cast(' ~ value ~ ' as decimal(38, 0)))' ~ rows) -}}
  {%- elif function == 'sum' and family != 'float' -%}
    {{- return('sum(' ~ value ~ ')' ~ rows) -}}
  {%- elif function in ('sum', 'avg', 'stddev') -%}
    {%- set measure = {'sum': 'sum(', 'avg': 'avg(', 'stddev': 'stddev_samp('}[function] ~ double ~ ')' ~ rows -%}
    {{- return(stringx_in_range(measure, double, rows) if family == 'float' else measure) -}}
  {%- elif function in ('median', 'percentile') -%}
    {{- return(stringx_of_sorted(double, rows, [stringx_at_place('0.5' if function == 'median' else p, 'continuous')]) ~ '[1]') -}}
  {%- elif function == 'distinct_count' -%}
    {{- return('count(distinct ' ~ value ~ ')' ~ rows) -}}
  {%- elif function == 'distinct_ratio' -%}
    {{- return('cast(count(distinct ' ~ value ~ ')' ~ rows ~ ' as double) / nullif(count(' ~ value ~ ')' ~ rows ~ ', 0)') -}}
  {%- elif function == 'null_ratio' -%}
    {{- return('cast(count(*)' ~ rows ~ ' - count(' ~ value ~ ')' ~ rows ~ ' as double) / nullif(count(*)' ~ rows ~ ', 0)') -}}
  {%- endif -%}
{% endmacro %}


{#- A sum or mean of finite numbers that is infinite is an error, as on PostgreSQL. -#}
{% macro stringx_in_range(measure, value, rows) %}
  {{- return('(case when is_infinite(' ~ measure ~ ') and not coalesce(bool_or(is_infinite(' ~ value ~ '))' ~ rows ~ ", false) then cast(fail('out of range') as double) else " ~ measure ~ ' end)') -}}
{% endmacro %}


{#- A number in double precision that was computed from finite ones: too large a one is an error, as on PostgreSQL. -#}
{% macro stringx_finite(number) %}
  {{- return('(case when not is_finite(' ~ number ~ ") then cast(fail('out of range') as double) else " ~ number ~ ' end)') -}}
{% endmacro %}


{#- A list of numbers that are computed from the sorted values `a` of the rows of a filter; NULL without values. -#}
{% macro stringx_of_sorted(value, rows, numbers) %}
  {{- return('transform(array[array_sort(array_agg(' ~ value ~ ')' ~ (rows[:-1] ~ ' and ' ~ value ~ ' is not null)' if rows else ' filter (where ' ~ value ~ ' is not null)')
             ~ ')], a -> case when cardinality(a) > 0 then array[' ~ numbers | join(', ') ~ '] end)[1]') -}}
{% endmacro %}


{#- A quantile of the sorted values `a`, as PostgreSQL's percentile_cont and percentile_disc have it. -#}
{% macro stringx_at_place(p, method) %}
  {%- set share = stringx_value(p, stringx_fact_of_double()) -%}
  {%- if method == 'discrete' -%}
    {{- return('a[cast(greatest(ceiling(' ~ share ~ ' * cardinality(a)), 1e0) as bigint)]') -}}
  {%- endif -%}
  {%- set place = '(' ~ share ~ ' * (cardinality(a) - 1))' -%}
  {%- set low, high = 'a[cast(floor(' ~ place ~ ') as bigint) + 1]', 'a[cast(ceiling(' ~ place ~ ') as bigint) + 1]' -%}
  {{- return('case when floor(' ~ place ~ ') = ceiling(' ~ place ~ ') then ' ~ low ~ ' else ' ~ low ~ ' + (' ~ place ~ ' - floor(' ~ place ~ ')) * (' ~ high ~ ' - ' ~ low ~ ') end') -}}
{% endmacro %}


{#- The fact of an aggregate's type, from the column's: how its bounds are read. -#}
{% macro stringx_fact_of_aggregate(function, fact) %}
  {%- if function in ('min', 'max') -%}{{- return(fact) -}}{%- endif -%}
  {%- if function == 'distinct_count' or function == 'sum' and fact and fact.family == 'integer' -%}{{- return(stringx_fact_of_count()) -}}{%- endif -%}
  {%- if function == 'sum' and fact and fact.family == 'decimal' -%}{{- return(fact) -}}{%- endif -%}
  {{- return(stringx_fact_of_double()) -}}
{% endmacro %}


{#- {measure, fact, shown, apart} of what a rule compares with its earlier points (`of`), in double precision. Refusals name columns without such a measure. -#}
{% macro stringx_measure_to_compare(rule, scope) %}
  {%- set of, fact = rule.arguments.of, stringx_fact_of_double() -%}
  {%- if of == 'row_count' -%}{{- return({'measure': 'cast(' ~ stringx_count([scope.both]) ~ ' as double)', 'fact': fact, 'shown': stringx_count([scope.both])}) -}}{%- endif -%}
  {%- set of_column = scope.types.get(of.column) -%}
  {%- set measure = stringx_age_in_seconds(of.column, of_column, scope.both, '0s') if of.function == 'age' else stringx_aggregate(of.function, of.column, of.get('p'), scope.both, of_column) -%}
  {%- set is_float = stringx_fact_of_aggregate(of.function, of_column).family == 'float' if of.function != 'age' else true -%}
  {{- return({'measure': 'cast(' ~ measure ~ ' as double)', 'fact': fact, 'shown': stringx_number_text(measure) if is_float else measure,
              'apart': of.function in ('median', 'percentile', 'distinct_count', 'distinct_ratio')}) -}}
{% endmacro %}


{#- {measure: the age in seconds of the latest moment that is not later than the snapshot plus a tolerance, found: the number of later ones, fact}. -#}
{% macro stringx_age(column, fact, condition, tolerance) %}
  {%- set ahead = stringx_count([condition, stringx_is_later(column, fact, tolerance)]) -%}
  {{- return({'measure': stringx_age_in_seconds(column, fact, condition, tolerance), 'found': stringx_object({'ahead': 'nullif(' ~ ahead ~ ', 0)'}), 'fact': stringx_fact_of_double()}) -}}
{% endmacro %}


{#- To the microsecond: the difference of two numbers of seconds would be rounded. -#}
{% macro stringx_age_in_seconds(column, fact, condition, tolerance) %}
  {%- set moment, now = stringx_zoned(column, fact), stringx_now_in_sql() -%}
  {%- set newest = 'max(' ~ moment ~ ')' ~ stringx_filter([condition, moment ~ ' <= ' ~ now ~ ' + ' ~ stringx_interval(tolerance)]) -%}
  {{- return('(round((to_unixtime(' ~ now ~ ') - to_unixtime(' ~ newest ~ ')) * 1e6) / 1e6)') -}}
{% endmacro %}


{#- Two measures that are compared, own and other: {own, other: their SQL, are_equal, are_numbers: whether both may be in a message, measured: the text of their difference, floats:
    whether they are compared in double precision}. -#}
{% macro stringx_two_measures(own, other, own_fact, other_fact) %}
  {%- set floats = not own_fact or not other_fact or 'float' in (own_fact.family, other_fact.family) -%}
  {%- if floats -%}{%- set own, other = 'cast(' ~ own ~ ' as double)', 'cast(' ~ other ~ ' as double)' -%}{%- endif -%}
  {{- return({
    'own': own, 'other': other, 'are_equal': 'own = other', 'measured': stringx_number_text('difference') if floats else 'difference',
    'are_numbers': 'is_finite(own) and is_finite(other)' if floats else 'own is not null and other is not null', 'floats': floats
  }) -}}
{% endmacro %}


{#- Whether the difference is beyond a tolerance. Equal infinities do not differ, all others do, and NaN differs from everything; a value on only one
    side is beyond any tolerance. -#}
{% macro stringx_beyond(tolerance, floats) %}
  {%- if tolerance is none -%}{{- return('false') -}}{%- endif -%}
  {%- set text = tolerance | string | trim -%}
  {%- set fact = stringx_fact_of_double() if floats else stringx_fact_of_count() -%}
  {%- set beyond = 'difference > ' ~ stringx_value(text, fact) -%}
  {%- if text.endswith('%') -%}{%- set beyond = 'difference * 100 > abs(other) * ' ~ stringx_value(text[:-1] | trim, fact) -%}{%- endif -%}
  {{- return('coalesce(' ~ beyond ~ (' or not is_finite(difference)' if floats else '') ~ ', (own is null) <> (other is null))') -}}
{% endmacro %}


{#- Pearson's coefficient over the rows of a condition, from -1 to 1. NULL if a column has only one value; before that, NaN if one of those `of` which x
    and y are ranks is NaN, and after it, if a value is no finite number. -#}
{% macro stringx_coefficient(x, y, rows, of=none) %}
  {%- set odd = '(is_nan(' ~ of[0] ~ ') or is_nan(' ~ of[1] ~ '))' if of is not none else '(not is_finite(' ~ x ~ ') or not is_finite(' ~ y ~ '))' -%}
  {%- set filter, single = stringx_filter([rows]), [] -%}
  {%- for v in (x, y) -%}  {#- beside other values, min and max leave NaN out -#}
    {%- set equal = 'min(' ~ v ~ ')' ~ filter ~ ' = max(' ~ v ~ ')' ~ filter -%}
    {%- do single.append(equal if of is not none else 'bool_and(is_nan(' ~ v ~ '))' ~ filter ~ ' or ' ~ equal ~ ' and not bool_or(is_nan(' ~ v ~ '))' ~ filter) -%}
  {%- endfor -%}
  {%- set one_value = '(' ~ single | join(' or ') ~ ')' -%}
  {%- set even = stringx_filter([rows, 'not ' ~ odd]) -%}
  {%- set coefficient = 'corr(' ~ y ~ ', ' ~ x ~ ')' ~ even -%}
  {%- set is_odd, is_single = 'when coalesce(bool_or(' ~ odd ~ ')' ~ filter ~ ', false) then nan() ', 'when ' ~ one_value ~ ' then null ' -%}
  {{- return('(case ' ~ (is_odd ~ is_single if of is not none else is_single ~ is_odd) ~ 'when ' ~ coefficient ~ ' > 1 and '
             ~ coefficient ~ ' < 2 then 1e0 when ' ~ coefficient ~ ' < -1 then -1e0 else ' ~ coefficient ~ ' end)') -}}
{% endmacro %}


{#- A number as a double. -#}
{% macro stringx_as_double(value, fact=none) %}{{- return('cast(' ~ value ~ ' as double)') -}}{% endmacro %}


{#- The fact of a quantile: how its bounds are read. -#}
{% macro stringx_fact_of_quantile(fact, method) %}{{- return(stringx_fact_of_double()) -}}{% endmacro %}


{#- A list of quantiles of a column, NULL without values. -#}
{% macro stringx_quantiles(column, fact, places, method) %}
  {%- set numbers = [] -%}
  {%- for place in places -%}{%- do numbers.append(stringx_at_place(place, method)) -%}{%- endfor -%}
  {{- return(stringx_of_sorted('cast(' ~ stringx_name(column) ~ ' as double)', '', numbers)) -}}
{% endmacro %}


{#- The text of a number for a message: rounded, if it is not too large. -#}
{% macro stringx_short_number(number) %}
  {{- return("regexp_replace(case when " ~ number ~ ' between -1e30 and 1e30 then ' ~ stringx_number_text('cast(' ~ number ~ ' as real)') ~ ' else ' ~ stringx_number_text(number) ~ " end, '[.]0$', '')") -}}
{% endmacro %}
