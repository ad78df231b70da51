{#- What Trino refuses beside the rules that every engine but PostgreSQL refuses. -#}


{% macro stringx_engine() %}{{- return('Trino') -}}{% endmacro %}


{#- The plain families whose order is PostgreSQL's wherever Trino sorts: NaN and the two zeros are not in place. -#}
{% macro stringx_sorted_families() %}{{- return(stringx_plain_families() | reject('equalto', 'float') | list) -}}{% endmacro %}


{#- Why a rule is not run, or none: its query would read a table without its snapshot, or it has NaN as a value. -#}
{% macro stringx_refused_by_engine(rule, columns, types) %}
  {%- if rule.type == 'sql' -%}
    {%- set words = adapter.stringx_fault_of_reads(rule.arguments.query, rule.get('relations', [])) -%}
    {%- if words -%}{{- return(words) -}}{%- endif -%}
  {%- endif -%}
  {%- if columns and columns[0] in types and types[columns[0]].family == 'float' -%}
    {%- for value in stringx_numbers_of(rule.arguments) if value | string | trim | lower in ('nan', '+nan', '-nan') -%}{{- return('on Trino NaN cannot be a value of a document: it is compared with nothing') -}}{%- endfor -%}
  {%- endif -%}
  {{- return(none) -}}
{% endmacro %}


{#- The values and bounds of a rule. -#}
{% macro stringx_numbers_of(arguments) %}
  {%- set warn = arguments.get('warn') or {} -%}
  {{- return((arguments.get('values') or []) + [arguments.get('min'), arguments.get('max'), warn.get('min'), warn.get('max')] + (arguments.weights | list if arguments.get('weights') is mapping else [])) -}}
{% endmacro %}


{#- Conditions are not tried alone: a name that is no column is an error wherever it stands. -#}
{% macro stringx_refused_conditions(spec, relations, refused) %}{{- return({}) -}}{% endmacro %}
