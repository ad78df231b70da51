{#- The columns of the relations, from the catalog's information_schema alone: dbt's own query also reads the comments of tables, which lets connectors open each of
    them, and puts names into its SQL as they are. -#}
{% macro trino__get_catalog_relations(information_schema, relations) %}
  {%- set wanted = [] -%}
  {%- for relation in relations -%}
    {%- set schema = relation.schema | lower | replace("'", "''") -%}
    {%- set name = relation.identifier | lower | replace("'", "''") if relation.identifier else none -%}
    {%- do wanted.append("(table_schema = '" ~ schema ~ "'" ~ (" and table_name = '" ~ name ~ "'" if name is not none else '') ~ ')') -%}
  {%- endfor -%}
  {%- set query -%}
    select table_catalog as "table_database", table_schema as "table_schema", table_name as "table_name", table_type as "table_type",
           cast(null as varchar) as "table_owner", column_name as "column_name", ordinal_position as "column_index",
           data_type as "column_type", comment as "column_comment", cast(null as varchar) as "table_comment"
    from {{ information_schema }}.columns join {{ information_schema }}.tables using (table_catalog, table_schema, table_name)
    where {{ wanted | join(' or ') or 'false' }}
    order by "table_schema", "table_name", "column_index"
  {%- endset -%}
  {{- return(run_query(query)) -}}
{% endmacro %}

{#- Of more than a hundred relations dbt asks for all that their schemas hold: only those of this project are wanted. -#}
{% macro trino__get_catalog(information_schema, schemas) %}
  {%- set wanted = [] -%}
  {%- for node in graph.sources.values() -%}
    {%- do wanted.append({"schema": node.schema, "identifier": node.identifier}) -%}
  {%- endfor -%}
  {{- return(trino__get_catalog_relations(information_schema, wanted)) -}}
{% endmacro %}
