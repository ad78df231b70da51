{#- The probability that the greatest distance between the shares of n values and the distribution that they are of is at least d, by the method that
    is best for n and d, in the order of Simard and L'Ecuyer (2011), as scipy's kstest has it. `n` (bigint) and `d` (double precision) are columns. -#}
{% macro stringx_kolmogorov_p(n, d) %}
  {%- set square = '(' ~ n ~ ' * ' ~ d ~ ' * ' ~ d ~ ')' -%}
  {%- set p -%}
    (case when {{ d }} is null then null when {{ d }} >= 1 or {{ square }} >= 370 then 0 when {{ n }} * {{ d }} <= 0.5 then 1
          when {{ n }} > 1000000 and {{ square }} >= 2.2 then 2 * exp(-(6 * {{ n }} * {{ d }} + 1) * (6 * {{ n }} * {{ d }} + 1) / (18.0::double precision * {{ n }}))
          when {{ d }} >= 0.5 or {{ square }} > 4 or ({{ n }} > 140 and {{ square }} >= 2.2) then least(1, 2 * {{ stringx_one_sided_p(n, d) }})
          when {{ n }} <= 140 or ({{ n }} <= 2000 and {{ n }} * {{ d }} * sqrt({{ d }}) <= 1.4) then least(1, greatest(0, 1 - {{ stringx_matrix_share(n, d) }}))
          else least(1, greatest(0, 1 - {{ stringx_pelz_good_share(n, d) }})) end)
  {%- endset -%}
  {{- return(p | string) -}}
{% endmacro %}


{#- The same for the distance to one side: the sum of Birnbaum and Tingey (1951). Its terms are written as deviations from binomial ones, so that no
    logarithms of factorials of n cancel. -#}
{% macro stringx_one_sided_p(n, d) %}
  {%- set all, j, rest, u = 'stringx_n', 'stringx_j', '(stringx_n - stringx_j)', 'stringx_u' -%}
  {%- set p -%}
    (select sum({{ d }} / {{ u }} * {{ stringx_exp('stringx_term') }})
     from (
       select {{ u }}, case when {{ j }} = 0 then {{ all }} * ln(1 - {{ u }})
              else {{ j }} * ln({{ all }} * {{ u }} / {{ j }}) + {{ rest }} * ln({{ all }} * (1 - {{ u }}) / {{ rest }})
                   + ln({{ all }} / (6.283185307179586 * {{ j }} * {{ rest }})) / 2
                   + {{ stringx_stirling_rest(all) }} - {{ stringx_stirling_rest(j) }} - {{ stringx_stirling_rest(rest) }} end as stringx_term
       from generate_series(0, {{ n }} - 1) as stringx_step,
            lateral (select {{ n }}::double precision as {{ all }}, stringx_step::double precision as {{ j }}, {{ d }} + stringx_step / {{ n }}::double precision as {{ u }} offset 0) as stringx_at
       where {{ u }} < 1
     ) as stringx_terms)
  {%- endset -%}
  {{- return(p | string) -}}
{% endmacro %}


{#- The probability of a distance below d: Durbin's matrix, multiplied n times as by Marsaglia, Tsang and Wang (2003), here from the left with the row that
    is wanted. What is below 1e-200 is 0. -#}
{% macro stringx_matrix_share(n, d) %}
  {%- set h, m = 'stringx_h', 'stringx_m' -%}
  {%- set share -%}
    (with recursive
       stringx_size as materialized (
         select stringx_k, stringx_k - {{ n }} * {{ d }} as {{ h }}, 2 * stringx_k - 1 as {{ m }} from (select ceil({{ n }} * {{ d }})::integer as stringx_k) as stringx_ceiling),
       stringx_matrix as materialized (
         select stringx_i, stringx_j,
                (case when stringx_i - stringx_j + 1 < 0 then 0 else 1 end
                 - case when stringx_j = 0 then {{ stringx_power(h, '(stringx_i + 1)') }} else 0 end
                 - case when stringx_i = {{ m }} - 1 then {{ stringx_power(h, '(' ~ m ~ ' - stringx_j)') }} else 0 end
                 + case when stringx_i = {{ m }} - 1 and stringx_j = 0 then {{ stringx_power('(2 * ' ~ h ~ ' - 1)', m) }} else 0 end)
                / factorial(greatest(stringx_i - stringx_j + 1, 0))::double precision as stringx_x
         from stringx_size, generate_series(0, {{ m }} - 1) as stringx_i, generate_series(0, {{ m }} - 1) as stringx_j),
       stringx_steps(stringx_t, stringx_row) as (
         select 0, array(select case when stringx_j = stringx_k - 1 then 1.0::double precision else 0 end from generate_series(0, {{ m }} - 1) as stringx_j) from stringx_size
         union all
         select stringx_t + 1, array(
           select case when abs(stringx_sum) < 1e-200 then 0 else stringx_sum * (stringx_t + 1) / {{ n }} end
           from (select stringx_j, sum(stringx_row[stringx_i + 1] * stringx_x) as stringx_sum from stringx_matrix group by stringx_j) as stringx_product order by stringx_j)
         from stringx_steps where stringx_t < {{ n }})
     select stringx_row[stringx_k] from stringx_steps, stringx_size where stringx_t = {{ n }})
  {%- endset -%}
  {{- return(share | string) -}}
{% endmacro %}


{#- The same for many values: the series of Pelz and Good (1976). -#}
{% macro stringx_pelz_good_share(n, d) %}
  {%- set z, a = 'stringx_z', 'stringx_a' -%}
  {%- set share -%}
    (select sum(2 * {{ stringx_exp('(-' ~ a ~ ' / (2 * ' ~ z ~ ' * ' ~ z ~ '))') }} * case when stringx_is_half then
              2.5066282746310002 / {{ z }} / 2
              + 1.2533141373155001 / (6 * {{ z }}^4) * ({{ a }} - {{ z }}^2) / sqrt({{ n }})
              + 1.2533141373155001 / (72 * {{ z }}^7) * (6 * {{ z }}^6 + 2 * {{ z }}^4 + {{ a }} * (2 * {{ z }}^4 - 5 * {{ z }}^2) + {{ a }}^2 * (1 - 2 * {{ z }}^2)) / {{ n }}
              + 1.2533141373155001 / (6480 * {{ z }}^10) * ({{ a }}^3 * (5 - 30 * {{ z }}^2) + {{ a }}^2 * (212 * {{ z }}^4 - 60 * {{ z }}^2)
                + {{ a }} * (135 * {{ z }}^4 - 96 * {{ z }}^6) - 30 * {{ z }}^6 - 90 * {{ z }}^8) / {{ n }} / sqrt({{ n }})
            else
              -1.2533141373155001 / (36 * {{ z }}^3) * {{ a }} / {{ n }}
              + 1.2533141373155001 / (216 * {{ z }}^6) * (3 * {{ a }} * {{ z }}^2 - {{ a }}^2) / {{ n }} / sqrt({{ n }})
            end)
     from (
       select {{ d }} * sqrt({{ n }}) as {{ z }}, 9.869604401089358 * stringx_k * stringx_k as {{ a }}, stringx_is_half
       from (select stringx_place + 0.5::double precision as stringx_k, true as stringx_is_half from generate_series(0, 9) as stringx_place
             union all select stringx_place::double precision, false from generate_series(1, 9) as stringx_place) as stringx_places
     ) as stringx_terms)
  {%- endset -%}
  {{- return(share | string) -}}
{% endmacro %}
