{#- A custom query that returns the violating rows. Its tables are locked with the rest. -#}
{% macro stringx_rule__sql(rule, scope) %}
  {%- set relations = [] -%}
  {%- for parts in rule.get('relations', []) -%}{%- do relations.append(stringx_names(parts) | join('.')) -%}{%- endfor -%}
  {%- set violating = '\n' ~ rule.arguments.query ~ '\n' -%}
  {{- return({'statement': 'select count(*) as failures, null as measured from (' ~ violating ~ ') as violating',
              'total': 'none', 'relations': relations, 'sample': {'query': violating}}) -}}
{% endmacro %}
