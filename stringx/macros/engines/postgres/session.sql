{#- The session and the snapshot's transaction. -#}

{#- Opens the session before the probe does, for rules that query the database when they are planned. -#}
{% macro stringx_open_session() %}
  {%- do adapter.add_query('begin; ' ~ stringx_session() ~ ' commit;', auto_begin=false) -%}
{% endmacro %}


{#- Whether all statements of a check, those of samples too, read one snapshot. -#}
{% macro stringx_is_one_snapshot() %}{{- return(true) -}}{% endmacro %}


{#- The settings of the session. Only pg_catalog is searched, so that no other schema's function, operator or type is taken for
    PostgreSQL's own; the schemas that the role would search are kept for custom SQL (paths.sql). The server notices a killed client; no limit
    of the role ends the snapshot; temporary files are limited if no limit is set. A setting that the server does not know, or refuses, is left
    out. Until the path is set every name has its schema. -#}
{% macro stringx_session() %}
do $stringx$
begin
  begin
    perform pg_catalog.set_config('stringx.schemas', pg_catalog.current_schemas(false)::pg_catalog.text, false);
  exception when others then  -- pg_temp is in the path, and the role may make no temporary tables
    perform pg_catalog.set_config('search_path', pg_catalog.regexp_replace(pg_catalog.current_setting('search_path'), '"?[[:<:]]pg_temp[[:>:]]"?', 'pg_catalog', 'gi'), false);
    perform pg_catalog.set_config('stringx.schemas', pg_catalog.current_schemas(false)::pg_catalog.text, false);
  end;
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false);
  perform set_config('quote_all_identifiers', 'off', false);  -- types are recognised by their names
  begin
    perform set_config('client_connection_check_interval', '500ms', false);
  exception when others then null;
  end;
  begin
    perform set_config('transaction_timeout', '0', false);
  exception when others then null;
  end;
  if current_setting('temp_file_limit') = '-1' then  -- for superusers, or by GRANT SET ON PARAMETER
    begin
      perform set_config('temp_file_limit', '10GB', false);
    exception when others then null;
    end;
  end if;
end $stringx$;
{% endmacro %}


{#- The beginning of the snapshot. LOCK takes no snapshot, so the order matters: the locks are held first, so a table that is truncated and loaded
    again is seen as it was before or as it is after, never between. Proofs are looked up in the snapshot, before anything else.
    Compiling a scan with the conditions of many rules saves nothing, whatever the number of rows (docs/load.md). -#}
{% macro stringx_begin(spec, state, proofs) %}
rollback;
begin isolation level repeatable read read only;
set local standard_conforming_strings = on;
set local statement_timeout = {{ spec.statement_timeout_ms | int }};
set local lock_timeout = {{ spec.lock_timeout_ms | int }};
set local idle_in_transaction_session_timeout = {{ spec.statement_timeout_ms | int }};
set local datestyle = 'ISO, YMD';
set local jit = off;
{% if spec.get('work_mem') %}set local work_mem = {{ stringx_literal(spec.work_mem) }};{% endif %}
{% if spec.get('max_parallel_workers_per_gather') is not none %}set local max_parallel_workers_per_gather = {{ spec.max_parallel_workers_per_gather | int }};{% endif %}
{{ stringx_locks(state.relations, spec.get('lock_first')) }}
{{ stringx_prove(proofs, state.server_version) }}
{% endmacro %}


{#- Ends the transaction: a dbt result. -#}
{% macro stringx_end(failures, should_warn, should_error) %}
  {%- call statement('stringx_end', fetch_result=true, auto_begin=false) -%}
    rollback;
    select {{ failures }} as failures, {{ should_warn }} as should_warn, {{ should_error }} as should_error
  {%- endcall -%}
  {{- return(load_result('stringx_end')['table']) -}}
{% endmacro %}


{#- All locks, without waiting for one while another is held. Only the first is waited for: the one that was not available in
    the last attempt (`lock_first`). The tables behind a view or a partitioned table are locked with it, and not waited for. If
    the others are not available at once, the run fails, and its caller tries again. -#}
{% macro stringx_locks(relations, lock_first) %}
  {%- set names = [] -%}
  {%- set first = namespace(name=none) -%}
  {%- for relation, state in relations.items() if state.locked and state.reason is none -%}
    {%- if first.name is none and state.members == 1 and stringx_is_named(relation, lock_first) -%}{%- set first.name = state.name -%}
    {%- else -%}{%- do names.append(relation) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set only = relations[names[0]] if first.name is none and names | length == 1 else none -%}
  {%- if only is not none and only.members == 1 -%}
    lock table {{ only.name }} in access share mode;
  {%- else -%}
    {%- if first.name is not none -%}lock table {{ first.name }} in access share mode;
{% endif -%}
    {%- if names -%}lock table {% for relation in names %}{{ ', ' if not loop.first }}{{ relations[relation].name }}{% endfor %} in access share mode nowait;{%- endif -%}
  {%- endif -%}
{% endmacro %}


{#- Whether the server may mean this relation by a name: `schema.name`, or the name alone, without quotes. -#}
{% macro stringx_is_named(relation, name) %}
  {%- if name is none -%}{{- return(false) -}}{%- endif -%}
  {%- set parts = modules.re.findall('"((?:[^"]|"")*)"', relation) -%}
  {{- return(name in (parts | join('.') | replace('""', '"'), parts[-1] | replace('""', '"'))) -}}
{% endmacro %}
