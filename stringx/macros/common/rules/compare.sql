{#- A row for which the comparison of two columns is false; also where either is NULL, unless null_passes. NaN compares with nothing. -#}
{% macro stringx_rule__compare(rule, scope) %}
  {%- set operator = {'!=': '<>'}.get(rule.arguments.operator, rule.arguments.operator) -%}
  {%- if operator not in ('<', '<=', '=', '<>', '>=', '>') -%}{{- return({'fault': 'the operator is none of < <= = != >= >'}) -}}{%- endif -%}
  {%- set one = scope.types.get(rule.columns[0]) -%}
  {%- set other = scope.types.get(rule.arguments.other_column) -%}
  {%- set first, second = stringx_beside(rule.columns[0], one, other), stringx_beside(rule.arguments.other_column, other, one) -%}
  {%- set holds = first ~ stringx_operator_of_both(one, other, operator) ~ second -%}
  {%- set numbers = [] -%}
  {%- for name, fact, against in [(first, one, second), (second, other, first)] if fact is not none and fact.family in ('decimal', 'float') -%}
    {%- set is_number = stringx_is_nan(name, fact, true) -%}
    {%- do numbers.append('(' ~ is_number ~ ' or ' ~ against ~ ' is null)') if is_number is not none -%}
  {%- endfor -%}
  {%- if operator == '<>' and numbers | length == 2 -%}
    {%- set holds = '(' ~ holds ~ ' or ' ~ stringx_is_nan(first, one) ~ ' and ' ~ stringx_is_nan(second, other) ~ ')' -%}
  {%- elif operator != '<>' -%}
    {%- set holds = ([holds] + numbers) | join(' and ') -%}
  {%- endif -%}
  {{- return({'violation': stringx_violates(holds, rule.arguments.get('null_passes', true))}) -}}
{% endmacro %}
