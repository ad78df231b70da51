{#- Which relations can be read, before the snapshot is taken: {server_version, relations: {relation: {locked, reason,
    foreign, files, hidden}}, types: {number of a `typed` rule: types of its columns}, parallel}.

    LOCK needs SELECT only, and fails for what is missing or not readable. Materialized views, foreign tables and tables
    of which some columns are granted can be read and not locked. Each lock is given back before the next is waited for:
    one that waits and holds another could be in a circle with a loader. -#}
{% macro stringx_probe(spec, tables) %}
  {%- set relations = [] -%}
  {%- for table in tables -%}
    {%- for relation in [table.relation] + (table.rules | map(attribute='sql') | selectattr('relations', 'defined') | map(attribute='relations') | sum(start=[])) -%}
      {%- if relation not in relations -%}{%- do relations.append(relation) -%}{%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- set query -%}
    begin;
    {{ stringx_session() }}
    commit;
    begin;
    set local standard_conforming_strings = on;
    set local statement_timeout = {{ spec.statement_timeout_ms | int }};
    set local lock_timeout = {{ spec.lock_timeout_ms | int }};
    set local idle_in_transaction_session_timeout = {{ spec.statement_timeout_ms | int }};
    do {{ stringx_literal(stringx_probe_body(relations, stringx_types(tables))) }};
    select current_setting('stringx.probe') as probe, current_setting('server_version_num') as version,
           current_setting('stringx.behind') as behind, current_setting('stringx.types') as types,
           current_setting('max_parallel_workers_per_gather') as workers
  {%- endset -%}
  {#- not as a statement, which guesses the type of each column that it fetches -#}
  {%- set row = adapter.add_query(query, auto_begin=false)[1].fetchone() -%}
  {%- set found = fromjson(row[0]) -%}
  {%- set behind = fromjson(row[2]) -%}
  {%- set readable = {} -%}
  {%- for relation in relations -%}
    {%- set state = found[loop.index0] -%}
    {%- set reason = none if state.sqlstate in (none, '42809') else stringx_reason(state) -%}
    {%- do readable.update({relation: {'locked': state.sqlstate is none, 'reason': reason}}) -%}
    {%- do readable[relation].update(behind[loop.index0]) -%}
    {%- if stringx_is_named(relation, spec.get('unlockable')) -%}
      {%- do readable[relation].update({'reason': stringx_reason({'sqlstate': '55P03'})}) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set workers = row[4] if spec.get('max_parallel_workers_per_gather') is none else spec.max_parallel_workers_per_gather -%}
  {{- return({'server_version': row[1] | int, 'relations': readable, 'types': fromjson(row[3]) if row[3] else {},
              'parallel': workers | int > 0}) -}}
{% endmacro %}


{#- A JSON object of the types of the columns of rules whose macro said `typed`, as pg_typeof names them; '' for a column that is
    not there. From the catalog, which waits for nobody's lock. -#}
{% macro stringx_types(tables) %}
  {%- set found = [] -%}
  {%- for table in tables -%}
    {%- for rule in table.rules if rule.sql.get('typed') -%}
      {%- set oid = 'to_regclass(' ~ stringx_literal(table.relation) ~ ')' -%}
      {%- set types = [] -%}
      {%- for column in rule.spec.columns -%}
        {%- do types.append("coalesce((select atttypid::regtype::text from pg_attribute where attrelid = " ~ oid ~ " and attnum > 0 and attname = "
                            ~ stringx_literal(column) ~ "), '')") -%}
      {%- endfor -%}
      {%- do found.append(stringx_literal(table.number ~ '/' ~ rule.number) ~ ', array[' ~ types | join(', ') ~ ']') -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return('json_build_object(' ~ found | join(', ') ~ ')') -}}
{% endmacro %}


{% macro stringx_probe_body(relations, types) %}
declare found jsonb := '[]'; readable text[] := '{}'; unlocked boolean[] := '{}'; behind json; m text; s text;
begin
{%- for relation in relations %}
  begin
    execute {{ stringx_literal('lock table ' ~ relation ~ ' in access share mode') }};
    raise sqlstate 'SX000';
  exception when sqlstate 'SX000' then
    found := found || '[{"sqlstate": null}]';
    readable := readable || {{ stringx_literal(relation) }}::text; unlocked := unlocked || false;
  when others then
    get stacked diagnostics m = message_text, s = returned_sqlstate;
    begin
      if s = '42501' and has_any_column_privilege({{ stringx_literal(relation) }}, 'select') then s := '42809'; end if;
    exception when others then null;
    end;
    found := found || jsonb_build_array(jsonb_build_object('sqlstate', s, 'message', m));
    readable := readable || case when s = '42809' then {{ stringx_literal(relation) }}::text end; unlocked := unlocked || true;
  end;
{%- endfor %}
  behind := ({{ stringx_behind_plain('readable', 'unlocked') }});
  if behind is null then
    behind := ({{ stringx_behind('readable', 'unlocked') }});
  end if;
  perform set_config('stringx.behind', behind::text, true);
  begin
    perform set_config('stringx.types', {{ types }}::text, true);
  exception when others then  -- a schema that the role may not use
    perform set_config('stringx.types', '', true);
  end;
  perform set_config('stringx.probe', found::text, true);
end
{% endmacro %}


{#- What holds for the session: pg_catalog comes first, so that no other schema's function or operator is taken for a
    built-in one; the server notices a killed client; no limit of the role's ends the snapshot. Where the server does not
    know a setting, or refuses it, it goes without. -#}
{% macro stringx_session() %}
do $stringx$
declare path constant text := pg_catalog.current_setting('search_path');
begin
  if not pg_catalog.starts_with(path, 'pg_catalog') then
    perform pg_catalog.set_config('search_path', pg_catalog.rtrim(pg_catalog.concat('pg_catalog,', path), ','), false);
  end if;
  begin
    perform set_config('client_connection_check_interval', '500ms', false);
  exception when others then null;
  end;
  begin
    perform set_config('transaction_timeout', '0', false);
  exception when others then null;
  end;
end $stringx$;
{% endmacro %}


{#- The snapshot. LOCK takes none, so the order matters: with the locks held first, a table that is truncated and loaded
    again is seen as it was before or as it is after, never between. -#}
{% macro stringx_begin(spec, readable) %}
rollback;
begin isolation level repeatable read read only;
set local standard_conforming_strings = on;
set local statement_timeout = {{ spec.statement_timeout_ms | int }};
set local lock_timeout = {{ spec.lock_timeout_ms | int }};
set local idle_in_transaction_session_timeout = {{ spec.statement_timeout_ms | int }};
set local datestyle = 'ISO, YMD';
{% if spec.get('work_mem') %}set local work_mem = {{ stringx_literal(spec.work_mem) }};{% endif %}
{% if spec.get('max_parallel_workers_per_gather') is not none %}set local max_parallel_workers_per_gather = {{ spec.max_parallel_workers_per_gather | int }};{% endif %}
{{ stringx_locks(readable, spec.get('lock_first')) }}
{% endmacro %}


{#- All locks, without waiting for one while another is held. Only the first is waited for: the one that was not to be had at
    the last attempt (`lock_first`); what is behind a view or a partitioned table is locked with it, and not waited for. Where
    the others are not to be had at once, the run fails, and whoever started it tries again. -#}
{% macro stringx_locks(readable, lock_first) %}
  {%- set first = [] -%}
  {%- set others = [] -%}
  {%- for relation, state in readable.items() if state.locked and state.reason is none -%}
    {%- do (first if stringx_is_named(relation, lock_first) and state.members == 1 and not first else others).append(relation) -%}
  {%- endfor -%}
  {%- if not first and others | length == 1 and readable[others[0]].members == 1 -%}
    {%- do first.append(others.pop()) -%}
  {%- endif -%}
  {%- if first -%}lock table {{ first[0] }} in access share mode;
{% endif -%}
  {%- if others -%}lock table {{ others | join(', ') }} in access share mode nowait;{%- endif -%}
{% endmacro %}


{#- Whether the server's word for a relation, its name alone, may mean this one. -#}
{% macro stringx_is_named(relation, name) %}
  {{- return(name is not none and relation.endswith('.' ~ stringx_name(name))) -}}
{% endmacro %}


{#- Run a header and isolated statements in one round trip; {snapshot_at, server_version, slots: {name: value or error},
    changed: relations that are not what they were before the snapshot, proved: whether there is a proof of
    each rule in `asked`, whose header looks for them (if not, no statement was run), nothing: dbt's result of a test that found nothing}. now() is that of the snapshot's transaction. -#}
{% macro stringx_run(header, spec, slots, watched={}, asked={}) %}
  {%- call statement('stringx_run', fetch_result=true, auto_begin=false) -%}
    {{ header }}
    {% for name, slot in slots.items() -%}
      {{ stringx_isolated(loop.index0, slot, spec.statement_timeout_ms | int, asked) }}
    {% endfor -%}
    select json_build_object(
      'snapshot_at', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
      'server_version', current_setting('server_version_num')::integer,
      'behind', {{ stringx_behind_now(watched) }},
      'proofs', {{ "current_setting('stringx.proofs')::json" if asked else 'null' }},
      'slots', to_json(array[{% for name in slots %}{{ ', ' if not loop.first }}current_setting('stringx.r{{ loop.index0 }}', true){% endfor %}]::text[])
    )::text as found,
    0 as failures, false as should_warn, false as should_error
  {%- endcall -%}
  {%- set result = load_result('stringx_run') -%}
  {%- set found = fromjson(result['data'][0][0]) -%}
  {%- set values = {} -%}
  {%- set proved = stringx_are_proved(asked, found.proofs) if asked else true -%}
  {%- if proved -%}
    {%- for name in slots -%}{%- do values.update({name: fromjson(found.slots[loop.index0])}) -%}{%- endfor -%}
  {%- endif -%}
  {{- return({'snapshot_at': found.snapshot_at, 'server_version': found.server_version, 'slots': values,
              'nothing': result['table'].exclude(['found']),
              'changed': stringx_changed(watched, found.behind), 'proved': proved}) -}}
{% endmacro %}


{#- One statement whose failure is its own: it may use half of the time that is left, and leaves a JSON list of its
    values, or an object with sqlstate and message. A cancel that is no timeout is passed on. Processes work at `in_halves` a half each:
    PostgreSQL takes it apart only where it does not share out the scans of the halves. -#}
{% macro stringx_isolated(number, slot, budget_ms, asked) %}
select set_config('stringx.limit_ms', limit_ms, true), set_config('statement_timeout', limit_ms, true),
       set_config('timezone', {{ stringx_literal(slot.timezone or 'UTC') }}, true)
from (select greatest(50, extract(epoch from now() + interval '{{ budget_ms }} milliseconds' - clock_timestamp()) * 500)::bigint::text as limit_ms) as share;
{% if slot.in_halves -%}
set local min_parallel_table_scan_size = '1TB'; set local min_parallel_index_scan_size = '1TB';
{% endif -%}
do {{ stringx_literal(stringx_isolated_body(number, slot.sql, asked)) }};
{% if slot.in_halves -%}
set local min_parallel_table_scan_size to default; set local min_parallel_index_scan_size to default;
{% endif -%}
{% endmacro %}


{% macro stringx_isolated_body(number, sql, asked) %}
declare
  r text; m text; s text;
  due constant timestamptz := clock_timestamp() + current_setting('stringx.limit_ms')::integer * interval '0.95 milliseconds';
begin
  {% if asked %}if current_setting('stringx.unproved') <> '0' then return; end if;{% endif %}
  execute {{ stringx_literal(sql) }} into r;
  perform convert_to(r, 'UTF8');  -- what the client cannot be told must break here, and not the answer for all
  perform set_config('stringx.r{{ number }}', r, true);
exception when query_canceled or others then
  if sqlstate = '57014' and clock_timestamp() < due then raise; end if;
  get stacked diagnostics m = message_text, s = returned_sqlstate;
  if s ~ '^(42|3)' then  -- about names: those of the rule where the plan fails already, a row's value read as one where it does not
    begin
      execute 'explain ' || {{ stringx_literal(sql) }};
      m := null;
    exception when others then null;
    end;
  end if;
  perform set_config('stringx.r{{ number }}', json_build_object('sqlstate', s, 'message', m)::text, true);
end
{% endmacro %}
