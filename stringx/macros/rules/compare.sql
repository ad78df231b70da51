{#- A row for which the comparison of two columns is false; also where either is NULL, unless null_passes. -#}
{% macro stringx_rule__compare(rule, scope) %}
  {%- set operator = {'!=': '<>'}.get(rule.arguments.operator, rule.arguments.operator) -%}
  {%- if operator not in ('<', '<=', '=', '<>', '>=', '>') -%}{{- return({'fault': 'the operator is none of < <= = != >= >'}) -}}{%- endif -%}
  {%- set holds = stringx_name(rule.columns[0]) ~ ' ' ~ operator ~ ' ' ~ stringx_name(rule.arguments.other_column) -%}
  {{- return({'violation': stringx_violates(holds, rule.arguments.get('null_passes', true))}) -}}
{% endmacro %}
