{#- A row whose other column is later than the column by more than at_most, in absolute time. A column without a zone is in the document's. -#}
{% macro stringx_rule__max_lag(rule, scope) %}
  {%- set first, then = rule.columns[0], rule.arguments.other_column -%}
  {%- set holds = stringx_zoned(then, scope.types.get(then)) ~ ' <= ' ~ stringx_zoned(first, scope.types.get(first)) ~ ' + ' ~ stringx_interval(rule.arguments.at_most) -%}
  {{- return({'violation': stringx_violates(holds, rule.arguments.get('null_passes', true))}) -}}
{% endmacro %}
