{#- Rows beyond the first of each key; measured is the number of keys that repeat. In a window: its rows whose key occurs
    again in the table, less one for each key that occurs only inside. -#}
{% macro stringx_rule__unique(rule, scope) %}
  {%- set present, keys = [], [] -%}
  {%- for column in rule.columns -%}{%- do present.append(stringx_is_not_null(column)) -%}{%- endfor -%}
  {%- set rows = stringx_all([scope.where, none if rule.arguments.get('nulls', 'ignore') == 'equal' else present | join(' and ')]) -%}
  {%- set inside = 'count(*)' ~ stringx_filter([scope.window]) -%}
  {%- set columns = rule.columns + scope.per -%}
  {%- set repeated = stringx_repeated(scope.relation, columns, inside, rows) -%}
  {%- for column in columns -%}{%- do keys.append('repeated.k' ~ loop.index) -%}{%- endfor -%}
  {%- set beyond = 'sum(case when repeated.everywhere = repeated.inside then repeated.inside - 1 else repeated.inside end)' -%}
  {%- set made = {
    'statement': 'select coalesce(' ~ beyond ~ ', 0) as failures, ' ~ ('null' if scope.per else 'count(*)') ~ ' as measured from ' ~ repeated,
    'sample': {'columns': columns, 'keys': 'select ' ~ keys | join(', ') ~ ', repeated.everywhere from ' ~ repeated ~ ' order by repeated.everywhere desc, ' ~ keys | join(' nulls last, ') ~ ' nulls last'}
  } -%}
  {%- if scope.per -%}
    {%- set of_group = [] -%}
    {%- for key in keys[rule.columns | length:] -%}{%- do of_group.append(key ~ ' as g' ~ loop.index) -%}{%- endfor -%}
    {%- do made.update({'of_groups': 'select ' ~ of_group | join(', ') ~ ', 0 as total, ' ~ beyond ~ ' as failures from ' ~ repeated ~ ' group by ' ~ keys[rule.columns | length:] | join(', ')}) -%}
  {%- endif -%}
  {{- return(made) -}}
{% endmacro %}


{#- The keys that repeat, as k1, k2 and so on: they get these names where the table's columns are read, and are grouped outside. -#}
{% macro stringx_repeated(relation, columns, inside, rows) %}
  {%- set keys, names = [], [] -%}
  {%- for column in columns -%}{%- do keys.append(stringx_name(column) ~ ' as k' ~ loop.index) -%}{%- do names.append('k' ~ loop.index) -%}{%- endfor -%}
  {%- set repeated -%}
    (
      select {{ keys | join(', ') }}, count(*) as everywhere, {{ inside }} as inside
      from {{ relation }}{{ stringx_where(rows) }}
      group by {{ stringx_names(columns) | join(', ') }}
      having count(*) > 1 and {{ inside }} > 0
    ) as repeated
  {%- endset -%}
  {{- return(repeated) -}}
{% endmacro %}
