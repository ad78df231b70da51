{#- The correlation of two columns, over the rows in which both have a value: Pearson's in the table's scan, Spearman's (of the ranks, equal values sharing
    their mean rank) by a statement of its own. It has no value if one of the columns has only one. -#}
{% macro stringx_rule__correlation(rule, scope) %}
  {%- set names, double = [stringx_name(rule.columns[0]), stringx_name(rule.arguments.other_column)], stringx_fact_of_double() -%}
  {%- set both_there = '(' ~ names[0] ~ ' is not null and ' ~ names[1] ~ ' is not null)' -%}
  {%- if rule.arguments.get('method') == 'spearman' -%}
    {%- set measured -%}
      select stringx_total as total, {{ stringx_number_text('stringx_measured') }} as measured,
             {{ stringx_outside('stringx_measured', rule.arguments, double) }} as fails,
             {{ stringx_outside('stringx_measured', rule.arguments.get('warn') or {}, double) }} as warns,
             json_object('pairs', stringx_pairs) as found
      from (
        select count(*) as stringx_total, count(*) filter (where stringx_there) as stringx_pairs,
               {{ stringx_coefficient('stringx_rank_x', 'stringx_rank_y', 'stringx_there', '(isnan(stringx_x) or isnan(stringx_y))') }} as stringx_measured
        from (
          select stringx_x, stringx_y, stringx_there,
                 rank() over (partition by stringx_there order by stringx_x) + (count(*) over (partition by stringx_there, stringx_x) - 1) / 2::double as stringx_rank_x,
                 rank() over (partition by stringx_there order by stringx_y) + (count(*) over (partition by stringx_there, stringx_y) - 1) / 2::double as stringx_rank_y
          from (select {{ names[0] }}::double as stringx_x, {{ names[1] }}::double as stringx_y, {{ both_there }} as stringx_there from {{ scope.relation }}{{ stringx_where(scope.both) }}) as stringx_read
        ) as stringx_ranked
      ) as stringx_measured_once
    {%- endset -%}
    {{- return({'measured': measured | string, 'total': 'own', 'found': true, 'row_value': false}) -}}
  {%- endif -%}
  {%- set rows = both_there if scope.both is none else scope.both ~ ' and ' ~ both_there -%}
  {%- set odd = '(not isfinite(' ~ names[0] ~ '::double) or not isfinite(' ~ names[1] ~ '::double))' -%}
  {%- set measure = stringx_coefficient(names[0] ~ '::double', names[1] ~ '::double', rows, odd) -%}
  {{- return({'measure': measure, 'fact': double, 'shown': stringx_number_text(measure), 'row_value': false,
              'found': "json_object('pairs', count(*)" ~ stringx_filter([rows]) ~ ')'}) -}}
{% endmacro %}


{#- Pearson's coefficient over the rows of a condition, from -1 to 1. NaN where `odd` is true; NULL if a column has only one value. -#}
{% macro stringx_coefficient(x, y, rows, odd) %}
  {%- set filter = stringx_filter([rows]) -%}
  {%- set one_value = '(min(' ~ x ~ ')' ~ filter ~ ' = max(' ~ x ~ ')' ~ filter ~ ' or min(' ~ y ~ ')' ~ filter ~ ' = max(' ~ y ~ ')' ~ filter ~ ')' -%}
  {%- set even = stringx_filter([rows, 'not ' ~ odd]) -%}
  {%- set coefficient = 'corr(' ~ y ~ ', ' ~ x ~ ')' ~ even -%}
  {{- return('(case when coalesce(bool_or(' ~ odd ~ ')' ~ filter ~ ", false) then 'NaN'::double when " ~ one_value ~ ' then null when ' ~ coefficient ~ ' > 1 and '
             ~ coefficient ~ ' < 2 then 1 when ' ~ coefficient ~ ' < -1 then -1 else ' ~ coefficient ~ ' end)') -}}
{% endmacro %}
