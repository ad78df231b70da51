{#- A value that the other table does not have; a key with any NULL refers to nothing and passes. -#}
{% macro stringx_rule__relationship(rule, scope) %}
  {%- set other = stringx_relation(rule.arguments.to_table) -%}
  {%- set to_columns = stringx_referenced(rule) -%}
  {%- set parent = [] -%}{%- set present = [] -%}{%- set equal = [] -%}
  {%- for column in rule.columns -%}
    {%- do parent.append(stringx_name(to_columns[loop.index0]) ~ ' as k' ~ loop.index) -%}
    {%- do present.append('child.' ~ stringx_name(column) ~ ' is not null') -%}
    {%- do equal.append('parent.k' ~ loop.index ~ ' = child.' ~ stringx_name(column)) -%}
  {%- endfor -%}
  {%- set rows = ' from ' ~ scope.relation ~ stringx_where(scope.both) ~ ') as child' -%}
  {%- set child = '(select ' ~ stringx_names(rule.columns) | unique | join(', ') ~ rows -%}
  {%- set missing -%}
    {{ present | join(' and ') }} and not exists (
      select from (select {{ parent | join(', ') }} from {{ other }}{{ stringx_where(stringx_condition(rule.arguments.get('to_where'))) }}) as parent
      where {{ equal | join(' and ') }}
    )
  {%- endset -%}
  {{- return({'statement': 'select count(*) as failures, null as measured from ' ~ child ~ ' where ' ~ missing, 'relations': [other],
              'sample': {'from': '(select *' ~ rows, 'where': missing, 'alias': 'child'}}) -}}
{% endmacro %}


{% macro stringx_referenced(rule) %}
  {%- set columns = rule.arguments.get('to_columns') or rule.arguments.get('to_column') or rule.columns -%}
  {{- return([columns] if columns is string else columns) -}}
{% endmacro %}


{% macro stringx_proof__relationship(rule, scope) %}
  {%- if rule.arguments.get('to_where') -%}{{- return(none) -}}{%- endif -%}
  {{- return({'kind': 'foreign_key', 'relation': scope.relation, 'columns': rule.columns,
              'other': stringx_relation(rule.arguments.to_table), 'other_columns': stringx_referenced(rule)}) -}}
{% endmacro %}
