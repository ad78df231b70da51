{#- What `distribution` asks of the engine. -#}


{#- A number for a message, as JSON: the word for 0, which a message would leave out, and for what JSON cannot hold. -#}
{% macro stringx_told(number) %}
  {{- return('case when ' ~ number ~ " = 0 then to_json('0') when not isfinite(" ~ number ~ ") then to_json('Infinity') else to_json(" ~ number ~ ') end') -}}
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
  {{- return('(case when ' ~ x ~ ' > 26 then 0 else 2 / (2 + ' ~ x ~ ') * exp(-' ~ x ~ ' * ' ~ x ~ ' + ' ~ stringx_erfc_series(u) ~ ') end)') -}}
{% endmacro %}


{#- A value that no row needs to have, which gives others their type. -#}
{% macro stringx_no_value_of(value, relation) %}{{- return('(select ' ~ value ~ ' from ' ~ relation ~ ' limit 0)') -}}{% endmacro %}
