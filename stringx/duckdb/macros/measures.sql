{#- Measures that each engine computes in its own way. -#}


{#- Whether a sorting aggregate keeps the scan to one process, so that it is read apart. -#}
{% macro stringx_sorts_apart() %}{{- return(false) -}}{% endmacro %}


{#- The text of a number that is measured, with PostgreSQL's words for what is none. -#}
{% macro stringx_number_text(measure) %}
  {%- set number = '(' ~ measure ~ ')::double' -%}
  {{- return('case when isnan(' ~ number ~ ") then 'NaN' when isinf(" ~ number ~ ') then case when ' ~ number ~ " > 0 then 'Infinity' else '-Infinity' end else (" ~ measure ~ ')::varchar end') -}}
{% endmacro %}


{#- The text of a moment that is measured. -#}
{% macro stringx_moment_text(measure, fact) %}{{- return(measure) -}}{% endmacro %}


{#- The SQL of an aggregate over the rows of a condition; NULL without values. Means, deviations, quantiles and ratios are in double precision. -#}
{% macro stringx_aggregate(function, column, p, condition, fact=none) %}
  {%- set value = stringx_when(stringx_name(column), [condition]) -%}
  {%- set double = '(' ~ value ~ ')::double' -%}
  {%- set is_float = fact and fact.family == 'float' -%}
  {%- if function in ('min', 'max') -%}
    {{- return(function ~ '(' ~ value ~ ')') -}}
  {%- elif function in ('sum', 'avg') -%}
    {{- return(stringx_in_range(function ~ '(' ~ (double if is_float else value) ~ ')', double) if is_float else function ~ '(' ~ value ~ ')') -}}
  {%- elif function == 'stddev' -%}
    {{- return(stringx_in_range('stddev_samp(' ~ double ~ ')', double)) -}}
  {%- elif function in ('median', 'percentile') -%}
    {{- return('quantile_cont(' ~ double ~ ', ' ~ ('0.5' if function == 'median' else stringx_value(p, stringx_fact_of_double())) ~ ')') -}}
  {%- elif function == 'distinct_count' -%}
    {{- return('count(distinct ' ~ value ~ ')') -}}
  {%- elif function == 'distinct_ratio' -%}
    {{- return('count(distinct ' ~ value ~ ')::double / nullif(count(' ~ value ~ '), 0)') -}}
  {%- elif function == 'null_ratio' -%}
    {{- return('(' ~ stringx_count([condition]) ~ ' - count(' ~ value ~ '))::double / nullif(' ~ stringx_count([condition]) ~ ', 0)') -}}
  {%- endif -%}
{% endmacro %}


{#- A sum or mean of finite numbers that is infinite is an error, as on PostgreSQL. -#}
{% macro stringx_in_range(measure, value) %}
  {{- return('(case when isinf(' ~ measure ~ ') and not coalesce(bool_or(isinf(' ~ value ~ ")), false) then error('out of range')::double else " ~ measure ~ ' end)') -}}
{% endmacro %}


{#- A number in double precision that was computed from finite ones: too large a one is an error, as on PostgreSQL. -#}
{% macro stringx_finite(number) %}
  {{- return('(case when not isfinite(' ~ number ~ ") then error('out of range')::double else " ~ number ~ ' end)') -}}
{% endmacro %}


{#- The fact of an aggregate's type, from the column's: how its bounds are read. -#}
{% macro stringx_fact_of_aggregate(function, fact) %}
  {%- if function in ('min', 'max') -%}{{- return(fact) -}}{%- endif -%}
  {%- if function == 'distinct_count' or function == 'sum' and fact and fact.family == 'integer' -%}{{- return(stringx_fact_of_count()) -}}{%- endif -%}
  {%- if function == 'sum' and fact and fact.family == 'decimal' -%}{{- return(fact) -}}{%- endif -%}
  {{- return(stringx_fact_of_double()) -}}
{% endmacro %}


{#- {measure, fact, shown} of what a rule compares with its earlier points (`of`), in double precision. Refusals name columns without such a measure. -#}
{% macro stringx_measure_to_compare(rule, scope) %}
  {%- set of, fact = rule.arguments.of, stringx_fact_of_double() -%}
  {%- if of == 'row_count' -%}{{- return({'measure': stringx_count([scope.both]), 'fact': fact}) -}}{%- endif -%}
  {%- set of_column = scope.types.get(of.column) -%}
  {%- set measure = stringx_age_in_seconds(of.column, of_column, scope.both, '0s') if of.function == 'age' else stringx_aggregate(of.function, of.column, of.get('p'), scope.both, of_column) -%}
  {{- return({'measure': measure, 'fact': fact, 'shown': stringx_number_text(measure)}) -}}
{% endmacro %}


{#- {measure: the age in seconds of the latest finite moment that is not later than the snapshot plus a tolerance, found: the number of later ones, fact}. -#}
{% macro stringx_age(column, fact, condition, tolerance) %}
  {%- set ahead = stringx_count([condition, stringx_is_later(column, fact, tolerance)]) -%}
  {{- return({'measure': stringx_age_in_seconds(column, fact, condition, tolerance), 'found': stringx_object({'ahead': 'nullif(' ~ ahead ~ ', 0)'}), 'fact': stringx_fact_of_double()}) -}}
{% endmacro %}


{% macro stringx_age_in_seconds(column, fact, condition, tolerance) %}
  {%- set moment, now = stringx_zoned(column, fact), stringx_now_in_sql() -%}
  {%- set newest = 'max(' ~ stringx_when(moment, [condition, moment ~ ' <= ' ~ now ~ ' + ' ~ stringx_interval(tolerance), 'isfinite(' ~ moment ~ ')']) ~ ')' -%}
  {{- return('((epoch_us(' ~ now ~ ') - epoch_us(' ~ newest ~ ')) / 1000000)') -}}
{% endmacro %}


{#- Two measures that are compared, own and other: {own, other: their SQL, are_equal, are_numbers: whether both may be in a message, measured: the text of their difference, floats:
    whether they are compared in double precision}. -#}
{% macro stringx_two_measures(own, other, own_fact, other_fact) %}
  {%- set floats = not own_fact or not other_fact or 'float' in (own_fact.family, other_fact.family) -%}
  {%- set cast = '::double' if floats else '' -%}
  {{- return({
    'own': own ~ cast, 'other': other ~ cast, 'are_equal': 'own = other' ~ (' and not isnan(own)' if floats else ''), 'measured': stringx_number_text('difference') if floats else 'difference',
    'are_numbers': 'length(own::varchar) + length(other::varchar) < 1000 and ' ~ ('isfinite(own) and isfinite(other)' if floats else 'true'), 'floats': floats
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
  {{- return('coalesce(' ~ beyond ~ (' or not isfinite(difference)' if floats) ~ ', (own is null) <> (other is null))') -}}
{% endmacro %}


{#- Pearson's coefficient over the rows of a condition, from -1 to 1. NULL if a column has only one value; before that, NaN if one of those `of` which x
    and y are ranks is NaN, and after it, if a value is no finite number. -#}
{% macro stringx_coefficient(x, y, rows, of=none) %}
  {%- set odd = '(isnan(' ~ of[0] ~ ') or isnan(' ~ of[1] ~ '))' if of is not none else '(not isfinite(' ~ x ~ ') or not isfinite(' ~ y ~ '))' -%}
  {%- set filter = stringx_filter([rows]) -%}
  {%- set one_value = '(min(' ~ x ~ ')' ~ filter ~ ' = max(' ~ x ~ ')' ~ filter ~ ' or min(' ~ y ~ ')' ~ filter ~ ' = max(' ~ y ~ ')' ~ filter ~ ')' -%}
  {%- set even = stringx_filter([rows, 'not ' ~ odd]) -%}
  {%- set coefficient = 'corr(' ~ y ~ ', ' ~ x ~ ')' ~ even -%}
  {%- set is_odd, is_single = 'when coalesce(bool_or(' ~ odd ~ ')' ~ filter ~ ", false) then 'NaN'::double ", 'when ' ~ one_value ~ ' then null ' -%}
  {{- return('(case ' ~ (is_odd ~ is_single if of is not none else is_single ~ is_odd) ~ 'when ' ~ coefficient ~ ' > 1 and '
             ~ coefficient ~ ' < 2 then 1 when ' ~ coefficient ~ ' < -1 then -1 else ' ~ coefficient ~ ' end)') -}}
{% endmacro %}


{#- A number as a double. -#}
{% macro stringx_as_double(value, fact=none) %}{{- return(value ~ '::double') -}}{% endmacro %}


{#- The fact of a quantile: how its bounds are read. -#}
{% macro stringx_fact_of_quantile(fact, method) %}{{- return(stringx_fact_of_double()) -}}{% endmacro %}


{#- A list of quantiles of a column, NULL without values. -#}
{% macro stringx_quantiles(column, fact, places, method) %}
  {%- set written = [] -%}
  {%- for place in places -%}{%- do written.append(stringx_value(place, stringx_fact_of_double())) -%}{%- endfor -%}
  {{- return(('quantile_cont' if method == 'continuous' else 'quantile_disc') ~ '(' ~ stringx_name(column) ~ '::double, [' ~ written | join(', ') ~ '])') -}}
{% endmacro %}


{#- The text of a number for a message: rounded, if it is not too large. -#}
{% macro stringx_short_number(number) %}
  {{- return('regexp_replace(case when ' ~ number ~ ' between -1e30 and 1e30 then ' ~ number ~ '::float::varchar else ' ~ number ~ "::varchar end, '[.]0$', '')") -}}
{% endmacro %}
