{#- What `distribution` asks of the engine. -#}


{#- A number for a message, as JSON: the word for 0, which a message would leave out, and for what JSON cannot hold. -#}
{% macro stringx_told(number) %}
  {{- return('case when ' ~ number ~ " = 0 then json '\"0\"' when not is_finite(" ~ number ~ ") then json '\"Infinity\"' else cast(" ~ number ~ ' as json) end') -}}
{% endmacro %}


{#- A value that no row needs to have. Trino reads no query within a list of rows, and values of the document have types. -#}
{% macro stringx_no_value_of(value, relation) %}{{- return('null') -}}{% endmacro %}


{#- A number of the document in double precision. -#}
{% macro stringx_double(number) %}{{- return("double '" ~ number ~ "'") -}}{% endmacro %}


{#- The probability that chi-square with `freedom` (a whole number) degrees of freedom is at least `statistic`: the finite sums of Abramowitz and Stegun
    26.4.4 and 26.4.5, all of whose terms are positive. The logarithm of each term is that of the one before, and a little more. -#}
{% macro stringx_chi_square_p(statistic, freedom) %}
  {%- set half, odd = '(' ~ statistic ~ ' / 2)', '((' ~ freedom ~ ' % 2) / 2e0)' -%}
  {%- set type = 'row(term double, total double)' -%}
  {%- set first = 'case when ' ~ freedom ~ ' % 2 = 1 then ln(' ~ half ~ ') / 2 - ' ~ half ~ ' + 1.2078223763524522e-1 else -' ~ half ~ ' end' -%}  {#- -lgamma(1.5) -#}
  {%- set steps = 'sequence(1, ' ~ freedom ~ ' / 2)' -%}
  {%- set terms = 'reduce(' ~ steps ~ ', cast(row(' ~ first ~ ', 0e0) as ' ~ type ~ '), (s, k) -> cast(row(s.term + ln(' ~ half ~ ') - ln(k + ' ~ odd ~ '), s.total + exp(s.term)) as ' ~ type ~ '), s -> s.total)' -%}
  {{- return('(case when ' ~ statistic ~ ' is null then null when is_infinite(' ~ statistic ~ ') then 0e0 when ' ~ statistic ~ ' <= 0 or ' ~ freedom ~ ' < 1 then 1e0 else least(1e0, case when ' ~ freedom
             ~ ' < 2 then 0e0 else ' ~ terms ~ ' end + case when ' ~ freedom ~ ' % 2 = 1 then ' ~ stringx_erfc('sqrt(' ~ half ~ ')') ~ ' else 0e0 end) end)') -}}
{% endmacro %}


{#- erfc(x) for x from 0 on, within 1e-12 of its value: t * exp(-x^2 + a polynomial), where t = 2 / (2 + x), by a Chebyshev series in 2t - 1. -#}
{% macro stringx_erfc(x) %}
  {%- set series = 'transform(array[(2 - ' ~ x ~ ') / (2 + ' ~ x ~ ')], u -> ' ~ stringx_erfc_series('u') ~ ')[1]' -%}
  {{- return('(case when ' ~ x ~ ' > 26 then 0e0 else 2 / (2 + ' ~ x ~ ') * exp(-' ~ x ~ ' * ' ~ x ~ ' + ' ~ series ~ ') end)') -}}
{% endmacro %}
