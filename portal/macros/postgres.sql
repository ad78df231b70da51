{#- In dbt's own queries names are PostgreSQL's, whoever may create in the schemas that the role searches. -#}
{% macro stringx_search_pg_catalog() %}
  {%- call statement("stringx_search_pg_catalog") -%}set search_path = pg_catalog, pg_temp{%- endcall -%}
{% endmacro %}

{% macro postgres__list_relations_without_caching(schema_relation) %}
  {%- do stringx_search_pg_catalog() -%}
  {{- return(dbt.postgres__list_relations_without_caching(schema_relation)) -}}
{% endmacro %}

{% macro postgres__get_relations() %}
  {%- do stringx_search_pg_catalog() -%}
  {{- return(dbt.postgres__get_relations()) -}}
{% endmacro %}

{#- dbt puts the names of relations into its catalog's SQL as they are: their quotes are doubled before. -#}
{% macro postgres__get_catalog_relations(information_schema, relations) %}
  {%- do stringx_search_pg_catalog() -%}
  {%- set quoted = [] -%}
  {%- for relation in relations -%}
    {%- set schema = relation.schema | replace("'", "''") -%}
    {%- set name = relation.identifier | replace("'", "''") if relation.identifier else none -%}
    {%- do quoted.append({"schema": schema, "identifier": name}) -%}
  {%- endfor -%}
  {{- return(dbt.postgres__get_catalog_relations(information_schema, quoted)) -}}
{% endmacro %}

{#- Of more than a hundred relations dbt asks for all that their schemas hold: only those of this project are wanted. -#}
{% macro postgres__get_catalog(information_schema, schemas) %}
  {%- set wanted = [] -%}
  {%- for node in graph.sources.values() -%}
    {%- do wanted.append({"schema": node.schema, "identifier": node.identifier}) -%}
  {%- endfor -%}
  {%- for node in graph.nodes.values() if node.resource_type in ("model", "seed", "snapshot") -%}
    {%- do wanted.append({"schema": node.schema, "identifier": node.alias}) -%}
  {%- endfor -%}
  {{- return(postgres__get_catalog_relations(information_schema, wanted)) -}}
{% endmacro %}
