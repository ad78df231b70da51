{#- The number of rows. It has a value for an empty table too, where it decides the verdict in place of on_empty. -#}
{% macro stringx_rule__row_count(rule, scope) %}
  {{- return({'measure': stringx_count([scope.both]), 'decides_empty': true, 'counts_rows': true}) -}}
{% endmacro %}
