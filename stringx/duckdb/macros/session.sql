{#- The session, its one transaction and its statements. The database's file is open for reading only, which keeps other processes of DuckDB out, so a transaction
    that begins again after an error reads the same. If the file was overwritten all the same, stringx_files_changed ends the run. Statements run by a method of the adapter (api/engine/duckdb_statements.py), because Jinja catches no error. -#}


{#- Opens the connection. With it the adapter gets its methods, and what may be read is fixed (api/engine/duckdb_access.py). -#}
{% macro stringx_open_session() %}
  {%- do adapter.add_query('select 1', auto_begin=false) -%}
{% endmacro %}


{#- The transaction has begun with the probe. -#}
{% macro stringx_begin(spec, state, proofs) %}{{- return('') -}}{% endmacro %}


{#- Runs slots (gate/scan.sql). Returns {results: {name: a JSON list, or the error {sqlstate, message}}, changed: relations whose files are not as they were when
    `state` was made, proofs, proved, snapshot_at, nothing}. No constraint proves anything: every rule is scanned. -#}
{% macro stringx_run(header, spec, slots, state=none, proofs={}) %}
  {%- if proofs -%}{{- return({'results': {}, 'changed': [], 'proofs': {}, 'proved': false, 'snapshot_at': adapter.stringx_snapshot_at(), 'nothing': none}) -}}{%- endif -%}
  {%- set results = {} -%}
  {%- set answers = adapter.stringx_answers(slots.values() | list) -%}
  {%- for name in slots -%}
    {%- set answer = answers[loop.index0] -%}
    {%- do results.update({name: answer if answer is mapping else fromjson(answer) if answer is not none else none}) -%}
  {%- endfor -%}
  {%- set changed = [] -%}
  {%- if state and adapter.stringx_files_changed() -%}
    {%- for relation, one in state.relations.items() if one.reason is none -%}{%- do changed.append(relation) -%}{%- endfor -%}
  {%- endif -%}
  {{- return({'results': results, 'changed': changed, 'proofs': {}, 'proved': true, 'snapshot_at': adapter.stringx_snapshot_at(), 'nothing': none}) -}}
{% endmacro %}


{#- Whether all statements of a check read one snapshot: files may be replaced meanwhile. -#}
{% macro stringx_is_one_snapshot() %}{{- return(false) -}}{% endmacro %}


{#- A dbt result. The transaction ends with the connection. -#}
{% macro stringx_end(failures, should_warn, should_error) %}
  {%- call statement('stringx_end', fetch_result=true, auto_begin=false) -%}
    select {{ failures }} as failures, {{ should_warn }} as should_warn, {{ should_error }} as should_error
  {%- endcall -%}
  {{- return(load_result('stringx_end')['table']) -}}
{% endmacro %}


{#- The select list of one JSON list of texts. -#}
{% macro stringx_list(parts) %}{{- return('to_json(' ~ stringx_texts(parts) ~ ')::varchar') -}}{% endmacro %}


{#- The JSON text of a rule's `found`. If it is too large, of its fault alone: without one the rule would be decided. -#}
{% macro stringx_found(json) %}
  {%- set text = '(' ~ json ~ ')::varchar' -%}
  {{- return('case when strlen(' ~ text ~ ') <= 16384 then ' ~ text ~ " else json_object('fault', " ~ text ~ "::json ->> 'fault')::varchar end") -}}
{% endmacro %}


{#- What a rule's next check gets, as a text; of at most 64 KiB. -#}
{% macro stringx_remembered() %}
  {{- return("case when strlen(remember::varchar) > 65536 then 'too large' else remember::varchar end") -}}
{% endmacro %}


{#- One line for an error {sqlstate, message}, without a value of a row: DuckDB's text is shown only for classes that quote names, not data. -#}
{% macro stringx_reason(error) %}
  {%- if error.sqlstate == '57014' -%}{{- return('it took longer than its share of the timeout') -}}{%- endif -%}
  {%- if error.sqlstate == 'SX001' -%}{{- return(error.message) -}}{%- endif -%}
  {%- if error.message and error.sqlstate[:2] in ('0A', '42', '53', '58') -%}
    {{- return(modules.re.sub('\\s+', ' ', error.message)[:300]) -}}
  {%- endif -%}
  {{- return({'22P02': 'invalid text representation', '22025': 'invalid escape sequence', '22003': 'numeric value out of range', '22007': 'invalid datetime format',
              '22008': 'date/time field value out of range', '22000': 'data exception'}.get(error.sqlstate, 'database error')
             ~ ' (SQLSTATE ' ~ error.sqlstate ~ ')') -}}
{% endmacro %}


{#- Names of a project, for dbt tests as rules: there are none here. -#}
{% macro stringx_project() %}{% endmacro %}


{#- Types of columns whose operators must be named, and names that are looked up in more than one schema: there are none here. -#}
{% macro stringx_with_operators(tables, state) %}{{- return(tables) -}}{% endmacro %}
{% macro stringx_ctes(rule, state) %}{{- return('') -}}{% endmacro %}
{% macro stringx_qualified(table, rule, relations) %}{{- return([]) -}}{% endmacro %}
{% macro stringx_broken(rule, state) %}{{- return(none) -}}{% endmacro %}


{#- Why a rule is not run, which the probe has found (refusals.sql). -#}
{% macro stringx_called(words) %}{{- return(words) -}}{% endmacro %}
