{%- materialization test, default -%}{{- return(stringx_test()) -}}{%- endmaterialization -%}


{#- Only the gate test is run by us; every other test keeps dbt's own materialization. A project that has this one as a
    package has the line above with `stringx.stringx_test()`: dbt takes no materialization of its own from a package. -#}
{% macro stringx_test() %}
  {%- if config.get('meta', {}).get('stringx_gate') -%}
    {%- do stringx_gate(var('gate', none)) -%}
    {{- return({'relations': []}) -}}
  {%- endif -%}
  {{- return(dbt.materialization_test_default()) -}}
{% endmacro %}
