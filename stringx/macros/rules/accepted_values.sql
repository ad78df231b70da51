{#- A value outside of the list. With no list every value is outside. -#}
{% macro stringx_rule__accepted_values(rule, scope) %}
  {%- set column = stringx_name(rule.columns[0]) -%}
  {%- if not rule.arguments['values'] -%}{{- return({'violation': column ~ ' is not null'}) -}}{%- endif -%}
  {%- if rule.arguments.get('case_sensitive', true) -%}
    {{- return({'violation': column ~ ' not in (' ~ stringx_literals(rule.arguments['values']) ~ ')'}) -}}
  {%- endif -%}
  {%- set lowered = [] -%}
  {%- for value in rule.arguments['values'] -%}{%- do lowered.append('lower(' ~ stringx_literal(value) ~ ')') -%}{%- endfor -%}
  {{- return({'violation': 'lower(' ~ column ~ '::text) not in (' ~ lowered | join(', ') ~ ')'}) -}}
{% endmacro %}
