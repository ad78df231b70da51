{#- Tails of distributions in SQL, in double precision: PostgreSQL has erfc only from version 16 on, and neither gamma functions nor tests. PostgreSQL
    raises an error where a result is too small for a double, so small powers and exponentials are 0 here. Names of columns go in, expressions come out.
    docs/decisions/0040-distributions.md has the sources and how exact they are. -#}

{#- exp(x), 0 where it is below 1e-304. -#}
{% macro stringx_exp(x) %}
  {{- return('(case when ' ~ x ~ ' < -700 then 0 else exp(' ~ x ~ ') end)') -}}
{% endmacro %}


{#- base^exponent of a base that is not negative, 0 where it is below 1e-304. -#}
{% macro stringx_power(base, exponent) %}
  {{- return('(case when ' ~ base ~ ' <= 0 then 0 when ' ~ exponent ~ ' * ln(' ~ base ~ ') < -700 then 0 else exp(' ~ exponent ~ ' * ln(' ~ base ~ ')) end)') -}}
{% endmacro %}


{#- erfc(x) for x from 0 on, within 1e-12 of its value: t * exp(-x^2 + a polynomial), where t = 2 / (2 + x), by a Chebyshev series in 2t - 1,
    which is `u` where a column has it already. -#}
{% macro stringx_erfc(x, u=none) %}
  {%- set u = u or '((2 - ' ~ x ~ ') / (2 + ' ~ x ~ '))' -%}
  {%- set polynomial = namespace(sql='1.6415045186187208e-07') -%}
  {%- for a in ['2.344846432165095e-07', '-1.7233176592624477e-06', '-9.569063754683688e-07', '8.966703359129732e-06', '-2.164352692287398e-06',
                '-3.0432773413602292e-05', '3.3422853694137726e-05', '7.150155985697925e-05', '-0.0001750876339915449', '-9.37625060511117e-05',
                '0.0006739112264692042', '-0.0001462420635759325', '-0.002345854174615114', '0.0017589330595699703', '0.008824942684389957',
                '-0.009872689339502133', '-0.04689561041928232', '0.047343306841332665', '0.6726432239801886', '-0.6717940840566903'] -%}
    {%- set polynomial.sql = '(' ~ a ~ ' + ' ~ u ~ ' * ' ~ polynomial.sql ~ ')' -%}
  {%- endfor -%}
  {{- return('(case when ' ~ x ~ ' > 26 then 0 else 2 / (2 + ' ~ x ~ ') * exp(-' ~ x ~ ' * ' ~ x ~ ' + ' ~ polynomial.sql ~ ') end)') -}}
{% endmacro %}


{#- The logarithm of the gamma function for z above 0: Stirling's series at z + 8. -#}
{% macro stringx_log_gamma(z) %}
  {%- set w = '(' ~ z ~ ' + 8)' -%}
  {%- set factors = [] -%}
  {%- for k in range(8) -%}{%- do factors.append('(' ~ z ~ ' + ' ~ k ~ ')') -%}{%- endfor -%}
  {{- return('((' ~ w ~ ' - 0.5) * ln(' ~ w ~ ') - ' ~ w ~ ' + 0.91893853320467274 + (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - 1.0 / 1188 / ' ~ w ~ ' / ' ~ w
             ~ ') / ' ~ w ~ ' / ' ~ w ~ ') / ' ~ w ~ ' / ' ~ w ~ ') / ' ~ w ~ ' / ' ~ w ~ ') / ' ~ w ~ ' - ln(' ~ factors | join(' * ') ~ '))') -}}
{% endmacro %}


{#- What Stirling's formula for ln k! leaves out, for k from 1 on. -#}
{% macro stringx_stirling_rest(k) %}
  {{- return('(case when ' ~ k ~ ' < 16 then (array[0.081061466795327258, 0.041340695955409294, 0.027677925684998339, 0.020790672103765094, 0.016644691189821192, '
             ~ '0.013876128823070748, 0.01189670994589177, 0.010411265261972096, 0.0092554621827127329, 0.0083305634333628713, 0.0075736754879518408, '
             ~ '0.0069428401072095299, 0.0064089941880042071, 0.0059513701127588477, 0.0055547335519628014]::double precision[])[' ~ k ~ '::integer] '
             ~ 'else (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - 1.0 / 1680 / ' ~ k ~ ' / ' ~ k ~ ') / ' ~ k ~ ' / ' ~ k ~ ') / ' ~ k ~ ' / ' ~ k ~ ') / ' ~ k ~ ' end)') -}}
{% endmacro %}


{#- The probability that chi-square with `freedom` (a whole number) degrees of freedom is at least `statistic`: the finite sums of Abramowitz and Stegun
    26.4.4 and 26.4.5, all of whose terms are positive. -#}
{% macro stringx_chi_square_p(statistic, freedom) %}
  {%- set half = '(' ~ statistic ~ ' / 2)' -%}
  {%- set term = '(stringx_i * ln(' ~ half ~ ') - ' ~ half ~ ' - ' ~ stringx_log_gamma('(stringx_i + 1)') ~ ')' -%}
  {%- set p -%}
    (case when {{ statistic }} is null then null when {{ statistic }} = 'Infinity' then 0 when {{ statistic }} <= 0 or {{ freedom }} < 1 then 1 else (
       select least(1, coalesce(sum({{ stringx_exp('stringx_term') }}), 0)
                       + case when {{ freedom }} % 2 = 1 then {{ stringx_erfc('sqrt(' ~ half ~ ')') }} else 0 end)
       from (
         select {{ term }} as stringx_term
         from generate_series(0, {{ freedom }} / 2 - 1) as stringx_step,
              lateral (select stringx_step + ({{ freedom }} % 2) / 2.0::double precision as stringx_i) as stringx_place
       ) as stringx_terms
     ) end)
  {%- endset -%}
  {{- return(p | string) -}}
{% endmacro %}
