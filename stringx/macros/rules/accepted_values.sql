{#- A value outside of the list. With no list every value is outside. -#}
{% macro stringx_rule__accepted_values(rule, scope) %}
  {%- if not rule.arguments['values'] -%}{{- return({'violation': stringx_name(rule.columns[0]) ~ ' is not null'}) -}}{%- endif -%}
  {{- return({'violation': 'not (' ~ stringx_is_listed(rule) ~ ')'}) -}}
{% endmacro %}


{#- Whether the column's value is one of the list; NULL for NULL. -#}
{% macro stringx_is_listed(rule) %}
  {%- if rule.arguments.get('case_sensitive', true) -%}
    {{- return(stringx_name(rule.columns[0]) ~ ' in (' ~ stringx_literals(rule.arguments['values']) ~ ')') -}}
  {%- endif -%}
  {%- set lowered = [] -%}
  {%- for value in rule.arguments['values'] -%}{%- do lowered.append('lower(' ~ stringx_literal(value) ~ ')') -%}{%- endfor -%}
  {{- return('lower(' ~ stringx_text(rule.columns[0]) ~ ') in (' ~ lowered | join(', ') ~ ')') -}}
{% endmacro %}
