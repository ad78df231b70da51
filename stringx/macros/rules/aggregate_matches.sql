{#- The difference between an aggregate of the column and one of another table's column. -#}
{% macro stringx_rule__aggregate_matches(rule, scope) %}
  {%- set function = rule.arguments.function -%}
  {%- set other_column = rule.arguments.get('other_column') or rule.columns[0] -%}
  {%- set other_fact = scope.others.get(stringx_relation(rule.arguments.other_table), {}).get(other_column) -%}
  {{- return(stringx_difference(rule, scope, stringx_aggregate(function, rule.columns[0], rule.arguments.get('p'), none, scope.types.get(rule.columns[0])),
                                stringx_aggregate(function, other_column, rule.arguments.get('p'), none, other_fact))) -}}
{% endmacro %}
