{#- A row whose value is out of order with the non-NULL value before it. Rows that are equal in order_by are put into the
    wanted order, so that the count does not depend on chance. -#}
{% macro stringx_rule__monotonic(rule, scope) %}
  {%- set value = stringx_ordered(rule.columns[0], scope.types.get(rule.columns[0])) -%}
  {%- set down = rule.arguments.get('direction', 'increasing') == 'decreasing' -%}
  {%- set partition = stringx_names(rule.arguments.get('partition_by')) + stringx_names(scope.per) -%}
  {%- set order = stringx_names(rule.arguments.order_by) + [value ~ (' desc' if down else '')] -%}
  {%- set place = ('partition by ' ~ partition | join(', ') ~ ' ' if partition else '') ~ 'order by ' ~ order | join(', ') -%}
  {%- set wrong = {'FalseFalse': '<', 'FalseTrue': '<=', 'TrueFalse': '>', 'TrueTrue': '>='}[down ~ (rule.arguments.get('strict', false) | string)] -%}
  {{- return(stringx_counted(scope, {
    'select': [value ~ stringx_operator(scope.types.get(rule.columns[0]), wrong) ~ 'lag(' ~ value ~ ') over (' ~ place ~ ') as is_wrong'],
    'inside': stringx_is_not_null(rule.columns[0]), 'where': 'checked.is_wrong'
  })) -}}
{% endmacro %}
