{#- The project's tests, models and sources by their names, looked up once for as long as this dbt process keeps the project:
    {tests: {unique id, name, package.name: [nodes]}, models: {name: [nodes]}, sources: {source.table: node},
     quoted: {relation: [(schema, column with `quote: true`)]}, macros: facts about generic tests' macros,
     dbts_own_sql: whether the project replaces none of the macros that write a test's SQL}.
    It is a cache: dbt keeps `graph` as long, and stringx_dbt_macro adds to `macros`. -#}
{% macro stringx_project() %}
  {%- if 'stringx' in graph -%}{{- return(graph['stringx']) -}}{%- endif -%}
  {%- set project = {'tests': {}, 'models': {}, 'sources': {}, 'quoted': {}, 'macros': {}, 'dbts_own_sql': true} -%}
  {%- for name in ('get_where_subquery', 'get_limit_subquery_sql', 'get_limit_sql', 'get_test_sql') -%}
    {%- for each in (name, 'default__' ~ name, 'postgres__' ~ name) if each in context and context[each].macro.package_name not in ('dbt', 'dbt_postgres') -%}
      {%- do project.update({'dbts_own_sql': false}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- for id, node in graph.nodes.items() -%}
    {%- if node.resource_type == 'test' and not (node.config.get('meta') or {}).get('stringx_gate') -%}
      {%- for name in (id, node.name, node.package_name ~ '.' ~ node.name) -%}{%- do project.tests.setdefault(name, []).append(node) -%}{%- endfor -%}
    {%- elif node.resource_type in ('model', 'seed', 'snapshot') -%}
      {%- do project.models.setdefault(node.name, []).append(node) -%}
      {%- for name, column in node.columns.items() if column.quote -%}{%- do project.quoted.setdefault(node.alias, []).append((node.schema, name)) -%}{%- endfor -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for node in graph.sources.values() -%}
    {%- do project.sources.update({node.source_name ~ '.' ~ node.name: node}) -%}
    {%- for name, column in node.columns.items() if column.quote -%}{%- do project.quoted.setdefault(node.identifier, []).append((node.schema, name)) -%}{%- endfor -%}
  {%- endfor -%}
  {%- do graph.update({'stringx': project}) -%}
  {{- return(project) -}}
{% endmacro %}


{% macro stringx_is_quoted(schema, identifier, column) %}
  {%- for of_node, name in stringx_project().quoted.get(identifier, []) if name == column and stringx_dbt_schema(of_node) == schema -%}
    {{- return(true) -}}
  {%- endfor -%}
  {{- return(false) -}}
{% endmacro %}


{#- Warm processes have parsed the project before they knew the target, with a schema of this name in its place. -#}
{% macro stringx_dbt_schema(schema) %}
  {{- return((schema | string).replace('stringx_schema_of_target', target.schema)) -}}
{% endmacro %}


{#- `ref` and `source` inside of a test that runs as a rule: dbt's own refuse nodes on which the gate test does not depend. They are called by the
    test, so they note the relation in the state that stringx_dbt_render keeps in dbt's context; it is then locked. -#}
{% macro stringx_ref(first, second=none, v=none, version=none) %}
  {%- set name = second or first -%}
  {%- set version = version if version is not none else v -%}
  {%- for node in stringx_project().models.get(name, []) -%}
    {%- set right = node.get('version') is none or (node.version | string) == (version | string) or (version is none and node.version == node.latest_version) -%}
    {%- if right and (second is none or node.package_name == first) -%}{{- return(stringx_dbt_of_model(node)) -}}{%- endif -%}
  {%- endfor -%}
  {{ exceptions.raise_compiler_error('the dbt project has no model ' ~ name) }}
{% endmacro %}


{% macro stringx_source(source_name, table_name) %}
  {%- set node = stringx_project().sources.get(source_name ~ '.' ~ table_name) -%}
  {%- if node is none -%}{{ exceptions.raise_compiler_error('the dbt project has no source ' ~ source_name ~ '.' ~ table_name) }}{%- endif -%}
  {%- do context['stringx_dbt'].relations.append(stringx_name(stringx_dbt_schema(node.schema)) ~ '.' ~ stringx_name(node.identifier)) -%}
  {{- return(stringx_dbt_relation(stringx_dbt_schema(node.schema), node.identifier)) -}}
{% endmacro %}


{#- An ephemeral model is no relation: its query goes before the test's, as dbt puts it there. -#}
{% macro stringx_dbt_of_model(node) %}
  {%- set state = context['stringx_dbt'] -%}
  {%- if node.config.materialized != 'ephemeral' -%}
    {%- do state.relations.append(stringx_name(stringx_dbt_schema(node.schema)) ~ '.' ~ stringx_name(node.alias)) -%}
    {{- return(stringx_dbt_relation(stringx_dbt_schema(node.schema), node.alias)) -}}
  {%- endif -%}
  {%- set name = '__dbt__cte__' ~ node.name ~ ('_v' ~ node.version if node.get('version') is not none else '') -%}
  {%- if name not in state.ephemeral -%}
    {%- set of_the_test = context['config'] -%}
    {%- do context.update({'config': state.config_of_dbt}) -%}
    {%- set query = render(node.raw_code) -%}
    {%- do context.update({'config': of_the_test}) -%}
    {%- do state.ephemeral.update({name: query}) -%}
  {%- endif -%}
  {{- return(api.Relation.create(identifier=name, type='cte').quote(identifier=false)) -}}
{% endmacro %}


{#- dbt quotes a relation's parts and leaves a quote inside of them alone. -#}
{% macro stringx_dbt_relation(schema, name) %}
  {{- return(api.Relation.create(database=target.dbname, schema=schema | replace('"', '""'), identifier=name | replace('"', '""'),
                                 quote_policy={'database': true, 'schema': true, 'identifier': true}).include(database=false)) -}}
{% endmacro %}
