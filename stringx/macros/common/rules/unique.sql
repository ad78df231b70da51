{#- Rows beyond the first of each key; measured is the number of keys that repeat. In a window: its rows whose key occurs
    again in the table, less one for each key that occurs only inside. An engine may count a single column first (stringx_unique_by_counting). -#}
{% macro stringx_rule__unique(rule, scope) %}
  {%- set present = [] -%}
  {%- for column in rule.columns -%}{%- do present.append(stringx_is_not_null(column)) -%}{%- endfor -%}
  {%- set nulls_equal = rule.arguments.get('nulls', 'ignore') == 'equal' -%}
  {%- set rows = stringx_all([scope.where, none if nulls_equal else present | join(' and ')]) -%}
  {%- set inside = 'count(*)' ~ stringx_filter([scope.window]) -%}
  {%- set sums = 'coalesce(sum(case when everywhere = inside then inside - 1 else inside end), 0) as failures, count(*) as measured' -%}
  {%- set counted = stringx_unique_by_counting(rule.columns[0], scope, sums, inside, rows) if rule.columns | length == 1 and not nulls_equal else none -%}
  {%- set statement = counted.statement if counted is not none else 'select ' ~ sums ~ ' from ' ~ stringx_repeated(scope.relation, rule.columns, inside, rows) -%}
  {%- set keys = [] -%}
  {%- for column in rule.columns -%}{%- do keys.append('repeated.k' ~ loop.index) -%}{%- endfor -%}
  {%- if scope.per -%}{{- return(stringx_unique_of_groups(rule, scope, inside, rows)) -}}{%- endif -%}
  {{- return({
    'statement': statement, 'in_halves': counted is not none and counted.in_halves,
    'sample': {'keys': 'select ' ~ keys | join(', ') ~ ', repeated.everywhere from ' ~ stringx_repeated(scope.relation, rule.columns, inside, rows)
                       ~ ' order by repeated.everywhere desc, ' ~ keys | join(', ')}
  }) -}}
{% endmacro %}


{#- The same within each group: a key is that of the rule and that of the group together. -#}
{% macro stringx_unique_of_groups(rule, scope, inside, rows) %}
  {%- set columns, keys, of_group, names = rule.columns + scope.per, [], [], [] -%}
  {%- for column in columns -%}{%- do keys.append('repeated.k' ~ loop.index) -%}{%- endfor -%}
  {%- for key in keys[rule.columns | length:] -%}{%- do of_group.append(key ~ ' as g' ~ loop.index) -%}{%- endfor -%}
  {%- set repeated = stringx_repeated(scope.relation, columns, inside, rows) -%}
  {%- set beyond = 'sum(case when repeated.everywhere = repeated.inside then repeated.inside - 1 else repeated.inside end)' -%}
  {{- return({
    'statement': 'select ' ~ beyond ~ ' as failures, null as measured from ' ~ repeated,
    'of_groups': 'select ' ~ of_group | join(', ') ~ ', 0 as total, ' ~ beyond ~ ' as failures from ' ~ repeated ~ ' group by ' ~ keys[rule.columns | length:] | join(', '),
    'sample': {'columns': columns, 'keys': 'select ' ~ keys | join(', ') ~ ', repeated.everywhere from ' ~ repeated ~ ' order by repeated.everywhere desc, ' ~ keys | join(', ')}
  }) -}}
{% endmacro %}


{#- The keys that repeat, as k1, k2 and so on: GROUP BY means the table's columns, even if one has such a name. -#}
{% macro stringx_repeated(relation, columns, inside, rows) %}
  {%- set keys = [] -%}
  {%- for column in columns -%}{%- do keys.append(stringx_name(column) ~ ' as k' ~ loop.index) -%}{%- endfor -%}
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
