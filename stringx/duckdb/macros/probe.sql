{#- Looks up what a plan needs to know, in the transaction in which everything is read then. Returns the state of the target, with the keys that the gate test reads
    (stringx/macros/engines/postgres/probe.sql). -#}
{% macro stringx_probe(spec, wanted, is_new) %}
  {%- do stringx_open_session() if is_new -%}
  {%- do adapter.stringx_begin(spec.statement_timeout_ms | int) -%}
  {%- set version = modules.re.findall('[0-9]+', stringx_one('select version()') or '') + ['0', '0', '0'] -%}
  {%- set unreadable = fromjson((stringx_one('select to_json(list([name, fault]))::varchar from "stringx$".unreadable') if stringx_locations() else none) or '[]') -%}
  {%- set folders = stringx_reads().get('folders') -%}
  {%- set views = fromjson((stringx_one('select to_json(list([schema_name, view_name]))::varchar from duckdb_views() where not internal and database_name = current_database()') if folders else none) or '[]') -%}
  {%- set slots, checked, unnamed = [], [], {} -%}
  {%- for table in spec.tables -%}{%- do checked.append(stringx_name(table.schema) ~ '.' ~ stringx_name(table.name)) -%}{%- endfor -%}
  {%- for relation in wanted.relations -%}
    {%- do unnamed.update({relation: stringx_unnamed(relation, relation in checked)}) -%}
    {%- do slots.append({'sql': 'select null' if unnamed[relation] is not none else 'select to_json(list([column_name, column_type]))::varchar from (describe select * from ' ~ relation ~ ')' ~ stringx_where(stringx_is_there(relation, relation in checked))}) -%}
  {%- endfor -%}
  {%- set answers = adapter.stringx_answers(slots) -%}
  {%- set relations, facts = {}, {} -%}
  {%- for relation in wanted.relations -%}
    {%- set answer = answers[loop.index0] -%}
    {%- set note = namespace(words=stringx_location(relation)) -%}
    {%- for parts in views if stringx_folded(stringx_names(parts) | join('.')) == stringx_folded(relation) -%}
      {%- set note.words = parts | join('.') ~ ' is a view, and the target lets views read files, which are no snapshot' -%}
    {%- endfor -%}
    {%- set reason = namespace(words=unnamed[relation] if unnamed[relation] is not none else stringx_reason(answer) if answer is mapping else 'there is no table ' ~ relation.replace('"', '') if answer is none else none) -%}
    {%- if unnamed[relation] is none and answer is mapping and stringx_one("select 'no' where not " ~ stringx_is_there(relation, relation in checked)) == 'no' -%}
      {%- set reason.words = 'there is no table ' ~ relation.replace('"', '') -%}  {#- DuckDB would say a part of its name -#}
    {%- endif -%}
    {%- for name, fault in unreadable if stringx_folded(stringx_own_table(name)) == stringx_folded(relation) -%}{%- set reason.words = fault -%}{%- endfor -%}
    {%- set names = stringx_parts_of(relation) -%}
    {%- for schema, name, fault in adapter.stringx_unreadable_views() if names.database is none and stringx_folded([schema, name] | join('.')) == stringx_folded(names.schema ~ '.' ~ names.name) -%}
      {%- set reason.words = fault -%}
    {%- endfor -%}
    {%- set reason = reason.words -%}
    {%- do facts.update({relation: {} if reason is not none or answer is none else stringx_facts(fromjson(answer))}) -%}
    {%- do relations.update({relation: {'name': relation, 'locked': true, 'reason': reason, 'place': loop.index, 'members': 1, 'foreign': [], 'files': none, 'hidden': false,
                                        'note': note.words}}) -%}
  {%- endfor -%}
  {{- return({'server_version': version[0] | int * 10000 + version[1] | int * 100 + version[2] | int, 'relations': relations, 'facts': facts, 'parallel': false, 'path': none, 'odd': {},
              'renamed': false, 'shape': none, 'broken': [], 'called': stringx_refusals(spec, relations, facts), 'standby': none}) -}}
{% endmacro %}


{#- A condition: the relation is a table or view that somebody has made in this database, or a table of one under `attach`. DuckDB would also take the name of a database for that of a schema. A
    name of a document counts as it is spelled, or one table would have two gates. -#}
{% macro stringx_is_there(relation, as_spelled) %}
  {%- set names = stringx_parts_of(relation) -%}
  {%- set of_name = '(made.s, made.t) = (' ~ stringx_literal(names.schema) ~ ', ' ~ stringx_literal(names.name) ~ ')' -%}
  {%- set in_any_case = stringx_has_name('made.s', names.schema) ~ ' and ' ~ stringx_has_name('made.t', names.name) -%}
  {%- set of_this = ' where database_name = ' ~ ('current_database()' if names.database is none else stringx_literal(stringx_folded(names.database))) ~ ' and not internal' -%}
  {%- set views = ' union all select schema_name, view_name from system.main.duckdb_views()' ~ of_this if names.database is none else '' -%}
  {{- return('exists (select 1 from (select schema_name as s, table_name as t from system.main.duckdb_tables()' ~ of_this ~ views ~ ') as made where ' ~ (of_name if as_spelled else in_any_case) ~ ')') -}}
{% endmacro %}


{#- Why a name cannot be read: it names no table of the target and none of a database under `attach`. None if DuckDB is to be asked. DuckDB would take other names for its own databases.
    A view of an attached database is not read, because DuckDB looks for the tables that it names in the target, too; views of the target that read it: api/engine/duckdb_own_views.py. -#}
{% macro stringx_unnamed(relation, is_checked) %}
  {%- set names, attached, shown = stringx_parts_of(relation), stringx_reads().get('attach') or {}, relation.replace('"', '') -%}
  {%- if names.database is none -%}
    {%- if stringx_folded(names.schema) not in attached -%}{{- return(none) -}}{%- endif -%}
    {{- return(names.schema ~ ' is a database under attach: ' ~ ('to check a table of it, make its file a target with path' if is_checked else 'write database.schema.table')) -}}
  {%- endif -%}
  {%- if stringx_folded(names.database) not in attached -%}
    {%- if stringx_folded(names.database) == stringx_folded(stringx_one('select current_database()') or '') -%}
      {{- return(names.database ~ " is the target's own database: write " ~ names.schema ~ '.' ~ names.name) -}}
    {%- endif -%}
    {{- return('the target attaches no database ' ~ names.database ~ '; name it under attach, or write names that have a dot in quotes, such as "a"."b.c"') -}}
  {%- endif -%}
  {%- if stringx_one("select 'yes' where " ~ stringx_is_there(relation, false)) == 'yes' -%}{{- return(none) -}}{%- endif -%}
  {%- set is_view = 'database_name = ' ~ stringx_literal(stringx_folded(names.database)) ~ ' and ' ~ stringx_has_name('schema_name', names.schema) ~ ' and ' ~ stringx_has_name('view_name', names.name) -%}
  {%- if stringx_one("select 'yes' from system.main.duckdb_views() where " ~ is_view ~ ' limit 1') == 'yes' -%}
    {{- return(shown ~ ' is a view; of databases under attach only tables are read, as DuckDB looks for what a view names in the target, too: make a table of it') -}}
  {%- endif -%}
  {{- return('there is no table ' ~ shown) -}}
{% endmacro %}


{#- A condition: what stands in a column is a name that DuckDB takes for this one. Not by lower(), which knows more letters than those of ASCII. -#}
{% macro stringx_has_name(column, name) %}
  {{- return('translate(' ~ column ~ ", 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz') = " ~ stringx_literal(stringx_folded(name))) -}}
{% endmacro %}


{#- The text of one value, none if the statement fails. -#}
{% macro stringx_one(sql) %}
  {%- set answer = adapter.stringx_answers([{'sql': sql}])[0] -%}
  {{- return(none if answer is mapping else answer) -}}
{% endmacro %}


{#- What DuckDB may read: {folders: of views, locations: {schema.table: {files}}, attach: {name: file}}. -#}
{% macro stringx_reads() %}
  {{- return(fromjson(env_var('STRINGX_TARGET_READS', '{}'))) -}}
{% endmacro %}


{% macro stringx_locations() %}
  {{- return(stringx_reads().get('locations') or {}) -}}
{% endmacro %}


{#- What a reader of the result must know of a table that is files; none of others. -#}
{% macro stringx_location(relation) %}
  {%- for name in stringx_locations() if stringx_folded(stringx_own_table(name)) == stringx_folded(relation) -%}
    {{- return(name ~ ' is read from files, which are no snapshot; had one changed meanwhile, all would have been read again') -}}
  {%- endfor -%}
  {{- return(none) -}}
{% endmacro %}


{#- {column: fact} from the names and types of a relation's columns. A fact has the keys of PostgreSQL's (stringx/macros/engines/postgres/types.sql). -#}
{% macro stringx_facts(columns) %}
  {%- set facts = {} -%}
  {%- for name, type in columns -%}
    {%- set family = stringx_family(type) -%}
    {%- do facts.update({name: {'type': type, 'cast': '::varchar' if family == 'enum' else '', 'family': family, 'schema': none, 'operators': []}}) -%}
  {%- endfor -%}
  {{- return(facts) -}}
{% endmacro %}


{% macro stringx_family(type) %}
  {%- if type.endswith(']') -%}{{- return('other' if modules.re.search('\\]\\[[0-9]*\\]$', type) else 'array') -}}{%- endif -%}
  {{- return({
    'TINYINT': 'integer', 'SMALLINT': 'integer', 'INTEGER': 'integer', 'BIGINT': 'integer', 'HUGEINT': 'integer', 'UTINYINT': 'integer', 'USMALLINT': 'integer',
    'UINTEGER': 'integer', 'UBIGINT': 'integer', 'DECIMAL': 'decimal', 'FLOAT': 'float', 'DOUBLE': 'float', 'BOOLEAN': 'boolean', 'VARCHAR': 'text', 'DATE': 'date',
    'TIMESTAMP': 'timestamp', 'TIMESTAMP_S': 'timestamp', 'TIMESTAMP_MS': 'timestamp', 'TIMESTAMP_NS': 'timestamp', 'TIMESTAMP WITH TIME ZONE': 'timestamp', 'TIME': 'time', 'INTERVAL': 'interval', 'UUID': 'uuid',
    'BLOB': 'bytes', 'BIT': 'bit', 'JSON': 'json', 'ENUM': 'enum', 'STRUCT': 'composite', 'MAP': 'composite', 'UNION': 'composite'
  }.get(type.split('(')[0] | trim, 'other')) -}}
{% endmacro %}
