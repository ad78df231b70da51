{#- The difference between an aggregate of the column and one of another table's column. -#}
{% macro stringx_rule__aggregate_matches(rule, scope) %}
  {%- set function, p, column = rule.arguments.function, rule.arguments.get('p'), rule.columns[0] -%}
  {%- set other_column = rule.arguments.get('other_column') or column -%}
  {%- set fact, other_fact = scope.types.get(column), scope.others.get(stringx_relation(rule.arguments.other_table), {}).get(other_column) -%}
  {{- return(stringx_difference(rule, scope, stringx_aggregate(function, column, p, none, fact), stringx_aggregate(function, other_column, p, none, other_fact),
                                stringx_fact_of_aggregate(function, fact), stringx_fact_of_aggregate(function, other_fact))) -}}
{% endmacro %}
