{#- Only the gate test is run by us; every other test keeps dbt's own materialization. -#}
{%- materialization test, default -%}
  {%- if config.get('meta', {}).get('stringx_gate') -%}
    {%- do stringx_gate(var('gate', none)) -%}
    {{- return({'relations': []}) -}}
  {%- endif -%}
  {{- return(dbt.materialization_test_default()) -}}
{%- endmaterialization -%}
