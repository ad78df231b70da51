{#- The correlation of two columns, over the rows in which both have a value: Pearson's in the table's scan, Spearman's (of the ranks, equal values sharing
    their mean rank) by a statement of its own. It has no value if one of the columns has only one: what `corr` says then may be rounding errors, divided. -#}
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
  {%- set double = stringx_fact_of_double() -%}
  {%- set both_there = '(' ~ stringx_name(names[0]) ~ ' is not null and ' ~ stringx_name(names[1]) ~ ' is not null)' -%}
  {%- if rule.arguments.get('method') == 'spearman' -%}
    {%- set x, y = numbers -%}
    {%- set measured -%}
      select stringx_total as total, {{ stringx_number_text('stringx_measured') }} as measured,
             {{ stringx_outside('stringx_measured', rule.arguments, double) }} as fails,
             {{ stringx_outside('stringx_measured', rule.arguments.get('warn') or {}, double) }} as warns,
             {{ stringx_object({'pairs': 'stringx_pairs'}) }} as found
      from (
        select count(*) as stringx_total, count(*) filter (where stringx_there) as stringx_pairs,
               {{ stringx_coefficient('stringx_rank_x', 'stringx_rank_y', 'stringx_there', ['stringx_x', 'stringx_y']) }} as stringx_measured
        from (
          select stringx_x, stringx_y, stringx_there,
                 rank() over (partition by stringx_there order by stringx_x) + (count(*) over (partition by stringx_there, stringx_x) - 1) / cast(2.0 as {{ double.type }}) as stringx_rank_x,
                 rank() over (partition by stringx_there order by stringx_y) + (count(*) over (partition by stringx_there, stringx_y) - 1) / cast(2.0 as {{ double.type }}) as stringx_rank_y
          from (select {{ x }} as stringx_x, {{ y }} as stringx_y, {{ both_there }} as stringx_there from {{ scope.relation }}{{ stringx_where(scope.both) }}) as stringx_read
        ) as stringx_ranked
      ) as stringx_measured_once
    {%- endset -%}
    {{- return({'measured': measured | string, 'total': 'own', 'found': true, 'row_value': false}) -}}
  {%- endif -%}
  {%- set rows = both_there if scope.both is none else scope.both ~ ' and ' ~ both_there -%}
  {%- set measure = stringx_coefficient(numbers[0], numbers[1], rows) -%}
  {%- set sql = {'measure': measure, 'fact': double, 'tells': 'whole', 'row_value': false, 'found': stringx_object({'pairs': 'count(*)' ~ stringx_filter([rows])})} -%}
  {%- set shown = stringx_number_text(measure) -%}
  {%- do sql.update({'shown': shown}) if shown != measure -%}
  {{- return(sql) -}}
{% endmacro %}
