{#- The difference between an aggregate of the column and one of another table's column. -#}
{% macro stringx_rule__aggregate_matches(rule, scope) %}
  {%- set function, p, column = rule.arguments.function, rule.arguments.get('p'), rule.columns[0] -%}
  {%- set other_column = rule.arguments.get('other_column') or column -%}
  {%- set fact = scope.types.get(column) -%}
  {%- set other_fact = scope.others.get(stringx_relation(rule.arguments.other_table), {}).get(other_column) -%}
  {%- for one in (fact, other_fact) if function in ('min', 'max') and one and one.family not in ('integer', 'decimal', 'float') -%}
    {{- return({'fault': 'aggregate_matches means nothing for the ' ~ function ~ ' of a column of type ' ~ one.type}) -}}
  {%- endfor -%}
  {{- return(stringx_difference(rule, scope, stringx_aggregate(function, column, p, none, fact), stringx_aggregate(function, other_column, p, none, other_fact),
                                stringx_fact_of_aggregate(function, fact) or stringx_fact_of_double(), stringx_fact_of_aggregate(function, other_fact) or stringx_fact_of_double())) -}}
{% endmacro %}
