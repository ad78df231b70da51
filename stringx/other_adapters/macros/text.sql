{#- Names of other tables, as rules write them (stringx_dataops/contract/custom_sql/catalogs.py has the same grammar). -#}


{#- A quoted name from `schema.table` or `catalog.schema.table`, or from two or three names in quotes. -#}
{% macro stringx_relation(text) %}
  {%- if modules.re.fullmatch('"((?:[^"]|"")+)"([.]"((?:[^"]|"")+)"){1,2}', text) -%}{{- return(text) -}}{%- endif -%}
  {{- return(stringx_names(text.split('.')) | join('.')) -}}
{% endmacro %}
