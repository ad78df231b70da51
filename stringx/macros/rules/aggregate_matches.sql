{#- How far an aggregate of the column is from one of another table's column. -#}
{% macro stringx_rule__aggregate_matches(rule, scope) %}
  {%- set function = rule.arguments.function -%}
  {%- set other_column = rule.arguments.get('other_column') or rule.columns[0] -%}
  {{- return(stringx_difference(rule, scope, stringx_aggregate(function, rule.columns[0], rule.arguments.get('p'), none),
                                stringx_aggregate(function, other_column, rule.arguments.get('p'), none))) -}}
{% endmacro %}
