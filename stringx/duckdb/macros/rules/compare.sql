{#- A row for which the comparison of two columns is false; also where either is NULL, unless null_passes. NaN compares with nothing. -#}
{% macro stringx_rule__compare(rule, scope) %}
  {%- set operator = {'!=': '<>'}.get(rule.arguments.operator, rule.arguments.operator) -%}
  {%- if operator not in ('<', '<=', '=', '<>', '>=', '>') -%}{{- return({'fault': 'the operator is none of < <= = != >= >'}) -}}{%- endif -%}
  {%- set one, other = scope.types.get(rule.columns[0]), scope.types.get(rule.arguments.other_column) -%}
  {%- set first, second = stringx_beside(rule.columns[0], one, other), stringx_beside(rule.arguments.other_column, other, one) -%}
  {%- set holds, numbers = first ~ ' ' ~ operator ~ ' ' ~ second, [] -%}
  {%- for name, fact, against in [(first, one, second), (second, other, first)] if fact and fact.family == 'float' -%}
    {%- do numbers.append('(not isnan(' ~ name ~ ') or ' ~ against ~ ' is null)') -%}
  {%- endfor -%}
  {%- if operator == '<>' and numbers | length == 2 -%}
    {%- set holds = '(' ~ holds ~ ' or isnan(' ~ first ~ ') and isnan(' ~ second ~ '))' -%}
  {%- elif operator != '<>' -%}
    {%- set holds = ([holds] + numbers) | join(' and ') -%}
  {%- endif -%}
  {{- return({'violation': stringx_violates(holds, rule.arguments.get('null_passes', true))}) -}}
{% endmacro %}


{#- A column beside one of another type: a moment without a zone beside one with a zone is in the document's zone; a FLOAT beside another number is compared in double precision, as PostgreSQL
    does. -#}
{% macro stringx_beside(column, fact, other) %}
  {%- if fact and other and fact.type != other.type and other.type == 'TIMESTAMP WITH TIME ZONE' -%}{{- return(stringx_zoned(column, fact)) -}}{%- endif -%}
  {%- if fact and other and fact.type != other.type and 'FLOAT' in (fact.type, other.type) -%}{{- return(stringx_name(column) ~ '::double') -}}{%- endif -%}
  {{- return(stringx_compared(column, fact)) -}}
{% endmacro %}
