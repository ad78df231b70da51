{#- A text that is too short or too long, in characters. -#}
{% macro stringx_rule__length(rule, scope) %}
  {{- return({'violation': stringx_outside('length(' ~ stringx_text(rule.columns[0]) ~ ')', rule.arguments)}) -}}
{% endmacro %}
