{%- materialization test, default -%}{{- return(stringx_test()) -}}{%- endmaterialization -%}


{#- The gate test runs in stringx_gate; every other test keeps dbt's own materialization. A project with this one as a package needs
    the line above with `stringx.stringx_test()`, because dbt takes no materialization from a package by itself. -#}
{% macro stringx_test() %}
  {%- if config.get('meta', {}).get('stringx_gate') -%}
    {%- do stringx_gate(var('gate', none)) -%}
    {{- return({'relations': []}) -}}
  {%- endif -%}
  {{- return(dbt.materialization_test_default()) -}}
{% endmacro %}
