{#- A value that the other table does not have; a key with any NULL refers to nothing and passes. The other table's rows are in a common table expression,
    so that a condition on them sees no column of the checked table. -#}
{% macro stringx_rule__relationship(rule, scope) %}
  {%- set other = stringx_relation(rule.arguments.to_table) -%}
  {%- set to_columns = stringx_referenced(rule) -%}
  {%- set child = [] -%}{%- set parent = [] -%}{%- set present = [] -%}{%- set equal = [] -%}
  {%- for column in rule.columns -%}
    {%- set to_column = to_columns[loop.index0] -%}
    {%- set fact = scope.types.get(column) -%}
    {%- set to_fact = scope.others.get(other, {}).get(to_column) -%}
    {%- set operator = stringx_operator_of_both(fact, to_fact, '=') -%}
    {%- do child.append(stringx_key(column, fact, to_fact) ~ ' as k' ~ loop.index) -%}
    {%- do parent.append(stringx_key(to_column, to_fact, fact) ~ ' as k' ~ loop.index) -%}
    {%- do present.append(stringx_is_not_null(column)) -%}
    {%- do equal.append('parent.k' ~ loop.index ~ operator ~ 'checked.k' ~ loop.index) -%}
  {%- endfor -%}
  {%- set counted = stringx_counted(scope, {
    'with': 'with parent ' ~ stringx_as(false) ~ ' (select ' ~ parent | join(', ') ~ ' from ' ~ other ~ stringx_where(stringx_condition(rule.arguments.get('to_where'))) ~ ') ',
    'select': child, 'inside': present | join(' and '), 'where': 'not exists (select 1 from parent where ' ~ equal | join(' and ') ~ ')'
  }) -%}
  {{- return(dict(counted, relations=[other])) -}}
{% endmacro %}


{% macro stringx_referenced(rule) %}
  {%- set columns = rule.arguments.get('to_columns') or rule.arguments.get('to_column') or rule.columns -%}
  {{- return([columns] if columns is string else columns) -}}
{% endmacro %}
