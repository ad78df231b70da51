{#- Rows beyond the first of each key; measured is the number of keys that repeat. In a window: its rows whose key occurs
    again in the table, less one for each key that occurs only inside. -#}
{% macro stringx_rule__unique(rule, scope) %}
  {%- set columns = [] -%}
  {%- set present = [] -%}
  {%- for column in rule.columns -%}
    {%- do columns.append(stringx_name(column)) -%}
    {%- do present.append(stringx_name(column) ~ ' is not null') -%}
  {%- endfor -%}
  {%- set keyed = none if rule.arguments.get('nulls', 'ignore') == 'equal' else present | join(' and ') -%}
  {%- set inside = 'count(*)' ~ stringx_filter([scope.window]) -%}
  {%- set statement -%}
    select coalesce(sum(case when everywhere = inside then inside - 1 else inside end), 0) as failures, count(*) as measured
    from (
      select count(*) as everywhere, {{ inside }} as inside
      from {{ scope.relation }}{{ stringx_where(stringx_all([scope.where, keyed])) }}
      group by {{ columns | join(', ') }}
      having count(*) > 1 and {{ inside }} > 0
    ) as repeated
  {%- endset -%}
  {{- return({'statement': statement | string}) -}}
{% endmacro %}
