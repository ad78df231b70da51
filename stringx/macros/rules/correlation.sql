{#- The correlation of two columns, over the rows in which both have a value: Pearson's in the table's scan, Spearman's (of the ranks, equal values sharing
    their mean rank) by a statement of its own. It has no value if one of the columns has only one: PostgreSQL's corr may then divide rounding errors. -#}
{% macro stringx_rule__correlation(rule, scope) %}
  {%- set names = [rule.columns[0], rule.arguments.other_column] -%}
  {%- set numbers = [] -%}
  {%- for name in names -%}
    {%- set fact = scope.types.get(name) -%}
    {%- if fact is not none and fact.family not in ('integer', 'decimal', 'float', 'date', 'timestamp') -%}
      {{- return({'fault': 'correlation means nothing for a column of type ' ~ fact.type ~ ': ' ~ name}) -}}
    {%- endif -%}
    {%- do numbers.append(stringx_as_double(stringx_name(name), fact)) -%}
  {%- endfor -%}
  {%- set double = {'type': 'double precision', 'family': 'float', 'schema': none, 'operators': []} -%}
  {%- set both_there = '(' ~ stringx_name(names[0]) ~ ' is not null and ' ~ stringx_name(names[1]) ~ ' is not null)' -%}
  {%- if rule.arguments.get('method') == 'spearman' -%}
    {%- set x, y = numbers -%}
    {%- set measured -%}
      select stringx_total as total, stringx_measured as measured,
             {{ stringx_outside('stringx_measured', rule.arguments, double) }} as fails,
             {{ stringx_outside('stringx_measured', rule.arguments.get('warn') or {}, double) }} as warns,
             json_build_object('pairs', stringx_pairs) as found
      from (
        select count(*) as stringx_total, count(*) filter (where stringx_there) as stringx_pairs,
               {{ stringx_coefficient('stringx_rank_x', 'stringx_rank_y', 'stringx_there', "(stringx_x = 'NaN' or stringx_y = 'NaN')") }} as stringx_measured
        from (
          select stringx_x, stringx_y, stringx_there,
                 rank() over (partition by stringx_there order by stringx_x) + (count(*) over (partition by stringx_there, stringx_x) - 1) / 2.0::double precision as stringx_rank_x,
                 rank() over (partition by stringx_there order by stringx_y) + (count(*) over (partition by stringx_there, stringx_y) - 1) / 2.0::double precision as stringx_rank_y
          from (select {{ x }} as stringx_x, {{ y }} as stringx_y, {{ both_there }} as stringx_there from {{ scope.relation }}{{ stringx_where(scope.both) }}) as stringx_read
        ) as stringx_ranked
      ) as stringx_measured_once
    {%- endset -%}
    {{- return({'measured': measured | string, 'total': 'own', 'found': true, 'row_value': false}) -}}
  {%- endif -%}
  {%- set rows = both_there if scope.both is none else scope.both ~ ' and ' ~ both_there -%}
  {{- return({'measure': stringx_coefficient(numbers[0], numbers[1], rows), 'fact': double, 'tells': 'whole', 'row_value': false,
              'found': "json_build_object('pairs', count(*)" ~ stringx_filter([rows]) ~ ')'}) -}}
{% endmacro %}


{#- Pearson's coefficient over the rows of a condition, from -1 to 1: rounding would show it a little beyond. NaN if a value is NaN or infinite, or where
    `odd` is true; NULL if a column has only one value. -#}
{% macro stringx_coefficient(x, y, rows, odd=none) %}
  {%- set filter = stringx_filter([rows]) -%}
  {%- set one_value -%}
    (min({{ x }}){{ filter }} = max({{ x }}){{ filter }} or min({{ y }}){{ filter }} = max({{ y }}){{ filter }})
  {%- endset -%}
  {%- set odd_there = 'coalesce(bool_or(' ~ odd ~ ')' ~ filter ~ ", false)" if odd is not none else 'false' -%}
  {%- set coefficient = 'corr(' ~ y ~ ', ' ~ x ~ ')' ~ filter -%}
  {{- return("(case when " ~ odd_there ~ " then 'NaN' when " ~ one_value ~ ' then null when ' ~ coefficient ~ ' > 1 and ' ~ coefficient
             ~ ' < 2 then 1 when ' ~ coefficient ~ ' < -1 then -1 else ' ~ coefficient ~ ' end)') -}}
{% endmacro %}


{#- A value as a double: of a moment the seconds since 1970. -#}
{% macro stringx_as_double(value, fact=none) %}
  {%- if fact is not none and fact.family in ('date', 'timestamp') -%}{{- return('extract(epoch from ' ~ value ~ ')::double precision') -}}{%- endif -%}
  {{- return(value ~ '::double precision') -}}
{% endmacro %}
