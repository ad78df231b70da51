{#- Which relations can be read, before the snapshot is taken: {server_version, relations: {relation: {name, locked, reason, place,
    foreign, files, hidden}}, facts: {relation: {column: fact}} (types.sql), path, odd (paths.sql), parallel}. `name` is the relation with its schema,
    also where a query of the user's gives none; `shape` is the hash of their columns' types.

    LOCK needs SELECT only, and fails for what is missing or not readable. Materialized views, foreign tables and tables
    of which some columns are granted can be read and not locked. Each lock is given back before the next is waited for:
    one that waits and holds another could be in a circle with a loader. -#}
{% macro stringx_probe(spec, tables, is_new) %}
  {%- set relations = [] -%}
  {%- set names = [] -%}
  {%- set custom = namespace(sql=false, code=false, casts=[], qualified=[], patterns=[]) -%}
  {%- for table in tables -%}
    {%- if table.relation not in relations -%}{%- do relations.append(table.relation) -%}{%- endif -%}
    {%- if table.window is not none -%}{%- do names.append(table.spec.window.column) -%}{%- endif -%}
    {%- for rule in table.rules -%}
      {%- set one = rule.spec -%}
      {%- for relation in rule.relations if relation not in relations -%}{%- do relations.append(relation) -%}{%- endfor -%}
      {%- do names.extend(one.columns) -%}
      {%- if 'other_columns' in one -%}{%- do names.extend(one.other_columns) -%}{%- endif -%}
      {%- if 'named' in one -%}{%- do names.extend([table.spec.name] + one.get('relations', []) | map('last') | list) -%}{%- endif -%}
      {%- if 'compared' in one -%}
        {%- for compared in one.compared.values() -%}{%- do names.extend(compared | map(attribute=2)) -%}{%- endfor -%}
      {%- endif -%}
      {%- if 'qualified' in one -%}{%- do stringx_ask_qualified(table, rule, relations, custom.qualified) -%}{%- endif -%}
      {%- if 'casts' in one -%}{%- do custom.casts.extend(one.casts) -%}{%- endif -%}
      {%- if 'patterns' in one -%}{%- do custom.patterns.extend(one.patterns.values() | sum(start=[])) -%}{%- endif -%}
      {%- if rule.runs_custom -%}{%- set custom.sql = true -%}{%- endif -%}
      {%- if 'typed' not in one -%}{%- set custom.code = true -%}{%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- set query -%}
    {% if is_new %}begin; {{ stringx_session() }} commit;{% else %}rollback;{% endif %}
    begin;
    set local standard_conforming_strings = on;
    set local statement_timeout = {{ spec.statement_timeout_ms | int }};
    set local lock_timeout = {{ spec.lock_timeout_ms | int }};
    set local idle_in_transaction_session_timeout = {{ spec.statement_timeout_ms | int }};
    do {{ stringx_literal(stringx_probe_body(relations, names | unique(true) | list, custom)) }};
    select current_setting('stringx.probe') as probe, current_setting('server_version_num') as version,
           current_setting('stringx.behind') as behind, current_setting('stringx.columns') as columns,
           current_setting('max_parallel_workers_per_gather') as workers, current_setting('stringx.names') as names,
           current_setting('stringx.paths') as paths, current_setting('stringx.shape') as shape
           {%- if custom.patterns %}, current_setting('stringx.broken') as broken{% endif %}
           {%- if custom.qualified %}, current_setting('stringx.calls') as calls{% endif %}
  {%- endset -%}
  {#- not as a statement, which guesses the type of each column that it fetches -#}
  {%- set row = adapter.add_query(query, auto_begin=false)[1].fetchone() -%}
  {%- set found = fromjson(row[0]) -%}
  {%- set behind = fromjson(row[2]) -%}
  {%- set named = fromjson(row[5]) -%}
  {%- set readable = {} -%}
  {%- for relation in relations -%}
    {%- set state = found[loop.index0] -%}
    {%- set reason = none if state.sqlstate in (none, '42809') else stringx_reason(state) -%}
    {%- do readable.update({relation: {'name': named[loop.index0], 'locked': state.sqlstate is none, 'reason': reason, 'place': loop.index if reason is none else none}}) -%}
    {%- do readable[relation].update(behind[loop.index0]) -%}
    {%- for name in spec.get('unlockable', []) if stringx_is_named(relation, name) -%}
      {%- do readable[relation].update({'reason': stringx_reason({'sqlstate': '55P03'})}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- set workers = row[4] if spec.get('max_parallel_workers_per_gather') is none else spec.max_parallel_workers_per_gather -%}
  {%- set state = {'server_version': row[1] | int, 'relations': readable, 'facts': stringx_facts(relations, fromjson(row[3]) if row[3] else []),
                   'parallel': workers | int > 0, 'path': none, 'odd': {}, 'renamed': named != relations, 'shape': row[7] or none} -%}
  {%- if custom.qualified -%}{%- do state.update({'calls': fromjson(row[-1])}) -%}{%- endif -%}
  {%- if row[6] -%}{%- do state.update(stringx_paths(relations, fromjson(row[6]))) -%}{%- endif -%}
  {%- if custom.patterns -%}{%- do stringx_mark_broken(tables, state, fromjson(row[8])) -%}{%- endif -%}
  {{- return(state) -}}
{% endmacro %}


{#- Rules with a broken pattern: the server sees that it is broken only when it looks at a text. In custom SQL `~` may be another type's
    operator, whose patterns are none of these: it is judged only where neither an extension's types nor casts are involved. -#}
{% macro stringx_mark_broken(tables, state, broken) %}
  {%- for table in tables -%}
    {%- for rule in table.rules if 'patterns' in rule.spec -%}
      {%- for name, patterns in rule.spec.patterns.items() if (name == 'pattern' or state.path is none) and patterns | select('in', broken) | list -%}
        {%- do rule.update({'broken': ('' if name == 'where' else 'argument ') ~ name ~ ': ' ~ stringx_reason({'sqlstate': '2201B'})}) -%}
      {%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
{% endmacro %}


{#- `custom`: whether there is SQL of the user's (`sql`), and a dbt test or a rule type of the project's own (`code`), which may look for any name; `casts`: types
    that SQL of the user's casts to. -#}
{% macro stringx_probe_body(relations, columns, custom) %}
declare
  names text[] := array[{{ stringx_literals(relations) }}]::text[];
  columns constant text[] := array[{{ stringx_literals(columns) }}]::text[];
  found jsonb := '[]'; readable text[] := '{}'; unlocked boolean[] := '{}'; behind json; types json; special boolean; shape text; m text; s text;
begin
{%- for relation in relations if not modules.re.search('[.]"', relation) %}
  {%- set place = relations.index(relation) + 1 %}
  names[{{ place }}] := coalesce(({{ stringx_first_in_path(relation) }}), names[{{ place }}]);
{%- endfor %}
  for place in 1..cardinality(names) loop
    begin
      execute 'lock table ' || names[place] || ' in access share mode';
      raise sqlstate 'SX000';
    exception when sqlstate 'SX000' then
      found := found || '[{"sqlstate": null}]'::jsonb;
      readable := readable || names[place]; unlocked := unlocked || false;
    when others then
      get stacked diagnostics m = message_text, s = returned_sqlstate;
      m := left(m, 1000);
      begin
        if s = '42501' and has_any_column_privilege(names[place], 'select') then s := '42809'; end if;
      exception when others then null;
      end;
      found := found || jsonb_build_array(jsonb_build_object('sqlstate', s, 'message', m));
      readable := readable || case when s = '42809' then names[place] end; unlocked := unlocked || true;
    end;
  end loop;
  behind := ({{ stringx_behind_plain('readable', 'unlocked') }});
  if behind is null then
    behind := ({{ stringx_behind('readable', 'unlocked') }});
  end if;
  perform set_config('stringx.behind', behind::text, true);
  perform set_config('stringx.names', array_to_json(names)::text, true);
  {%- if columns or custom.sql %}
  {{ stringx_columns('readable', 'columns') | trim }} into types, special, shape;
  if special then
    {{ stringx_columns_of_all_types('readable', 'columns') | trim }} into types;
  end if;
  {%- endif %}
  perform set_config('stringx.columns', coalesce(types::text, ''), true);
  perform set_config('stringx.shape', coalesce(shape, ''), true);
  perform set_config('stringx.paths', '', true);
  {%- if custom.patterns %}
  perform set_config('stringx.broken', '[]', true);
  foreach m in array array[{{ stringx_literals(custom.patterns | unique(true) | list) }}]::text[] loop
    begin
      perform '' ~ m;
    exception when invalid_regular_expression then
      perform set_config('stringx.broken', (current_setting('stringx.broken')::jsonb || to_jsonb(m))::text, true);
    when others then null;  -- the rule's own statement will say
    end;
  end loop;
  {%- endif %}
  {%- if custom.qualified %}
  perform set_config('stringx.calls', ({{ stringx_calls('names', custom.qualified) }})::text, true);
  {%- endif %}
  {%- if custom.sql %}
  if {{ 'true' if custom.code or custom.casts else 'special' }} then
    perform set_config('stringx.paths', ({{ stringx_paths_query('readable', custom) }})::text, true);
  end if;
  {%- endif %}
  perform set_config('stringx.probe', found::text, true);
end
{% endmacro %}


{#- What holds for the session: pg_catalog alone is searched, so that no other schema's function, operator or type is taken for
    PostgreSQL's own; what the role would search is kept for the user's SQL (paths.sql). The server notices a killed client; no limit
    of the role's ends the snapshot; temporary files are limited where no limit is set. Where the server does not know a setting, or refuses it, it goes without. Until the path is set every name
    has its schema. -#}
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
  perform set_config('quote_all_identifiers', 'off', false);  -- types are told by their names
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
  {%- if first -%}lock table {{ readable[first[0]].name }} in access share mode;
{% endif -%}
  {%- if others -%}lock table {% for relation in others %}{{ ', ' if not loop.first }}{{ readable[relation].name }}{% endfor %} in access share mode nowait;{%- endif -%}
{% endmacro %}


{#- Whether the server's word for a relation may mean this one: `schema.name`, or the name alone, without quotes. -#}
{% macro stringx_is_named(relation, name) %}
  {%- if name is none -%}{{- return(false) -}}{%- endif -%}
  {%- set parts = modules.re.findall('"((?:[^"]|"")*)"', relation) -%}
  {{- return(name in (parts | join('.') | replace('""', '"'), parts[-1] | replace('""', '"'))) -}}
{% endmacro %}


{#- Run a header and isolated statements in one round trip; {snapshot_at, server_version, slots: {name: value or error},
    changed: relations that are not what they were when `state` was made, proved: whether there is a proof of
    each rule in `asked`, whose header looks for them (if not, no statement was run), nothing: dbt's result of a test that found nothing}. now() is that of the snapshot's transaction. -#}
{% macro stringx_run(header, spec, slots, state=none, asked={}) %}
  {%- set watched = stringx_watched(state.relations) if state else {} -%}
  {%- set shaped = state and state.shape is not none -%}
  {%- call statement('stringx_run', fetch_result=true, auto_begin=false) -%}
    {{ header }}
    {% for name, slot in slots.items() -%}
      {{ stringx_isolated(loop.index0, slot, spec.statement_timeout_ms | int, asked) }}
    {% endfor -%}
    select json_build_object(
      'snapshot_at', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
      'server_version', current_setting('server_version_num')::integer,
      'behind', {{ stringx_behind_now(watched) }},
      'shape', {{ stringx_shape_now(state.relations) if shaped else 'null' }},
      'proofs', {{ "current_setting('stringx.proofs')::json" if asked else 'null' }},
      'slots', to_json(array[{% for name in slots %}{{ ', ' if not loop.first }}current_setting('stringx.r{{ loop.index0 }}', true){% endfor %}]::text[])
    )::text as found,
    0 as failures, false as should_warn, false as should_error
  {%- endcall -%}
  {%- set result = load_result('stringx_run') -%}
  {%- set found = fromjson(result['data'][0][0]) -%}
  {%- set changed = state.relations | list if shaped and found.shape != state.shape else stringx_changed(watched, found.behind) -%}
  {%- set values = {} -%}
  {%- set proved = stringx_are_proved(asked, found.proofs) if asked else true -%}
  {%- if proved -%}
    {%- for name in slots -%}{%- do values.update({name: fromjson(found.slots[loop.index0])}) -%}{%- endfor -%}
  {%- endif -%}
  {{- return({'snapshot_at': found.snapshot_at, 'server_version': found.server_version, 'slots': values,
              'nothing': result['table'].exclude(['found']),
              'changed': changed, 'proved': proved}) -}}
{% endmacro %}


{#- One statement whose failure is its own: it may use half of the time that is left, and leaves a JSON list of its
    values, or an object with sqlstate and message. A cancel that is no timeout is passed on. Processes work at `in_halves` a half each:
    PostgreSQL takes it apart only where it does not share out the scans of the halves. -#}
{% macro stringx_isolated(number, slot, budget_ms, asked) %}
select set_config('stringx.due', (extract(epoch from clock_timestamp()) + limit_ms::integer * 0.00095)::text, true), set_config('statement_timeout', limit_ms, true)
from (select greatest(50, extract(epoch from now() + interval '{{ budget_ms }} milliseconds' - clock_timestamp()) * 500)::bigint::text as limit_ms) as share;
{% if slot.in_halves -%}
set local min_parallel_table_scan_size = '1TB'; set local min_parallel_index_scan_size = '1TB';
{% endif -%}
do {{ stringx_literal(stringx_isolated_body(number, slot, asked)) }};
{% if slot.in_halves -%}
set local min_parallel_table_scan_size to default; set local min_parallel_index_scan_size to default;
{% endif -%}
{% endmacro %}


{#- The zone of a table is for its own statements to fail on: the server need not know each. -#}
{% macro stringx_zone(zone) %}
  {%- if zone in (none, 'UTC') -%}perform pg_catalog.set_config('timezone', 'UTC', true);
  {%- else -%}
  begin
    perform pg_catalog.set_config('timezone', {{ stringx_literal(zone) }}, true);
  exception when others then
    raise exception using errcode = 'SX001', message = {{ stringx_literal('the target does not know the time zone ' ~ zone) }};
  end;
  {%- endif -%}
{% endmacro %}


{#- A statement with SQL of the user's has a path of its own; what follows it has pg_catalog's again. -#}
{% macro stringx_isolated_body(number, slot, asked) %}
declare
  r text; m text; s text;
begin
  {% if asked %}if current_setting('stringx.unproved') <> '0' then return; end if;{% endif %}
  {{ stringx_zone(slot.timezone) }}
  {% if slot.path %}perform set_config('search_path', {{ stringx_literal(slot.path) }}, true);{% endif %}
  execute {{ stringx_literal(slot.sql) }} into r;
  {% if slot.path %}perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);{% endif %}
  perform convert_to(r, 'UTF8');  -- what the client cannot be told must break here, and not the answer for all
  perform set_config('stringx.r{{ number }}', r, true);
exception when query_canceled or others then
  if sqlstate = '57014' and extract(epoch from clock_timestamp()) < current_setting('stringx.due')::numeric then raise; end if;
  get stacked diagnostics m = message_text, s = returned_sqlstate;
  if s ~ '^(42|3)' then  -- about names: those of the rule where the plan fails already, a row's value read as one where it does not
    begin
      {% if slot.path %}perform set_config('search_path', {{ stringx_literal(slot.path) }}, true);{% endif %}
      execute 'explain ' || {{ stringx_literal(slot.sql) }};
      m := null;
    exception when others then null;
    end;
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  end if;
  perform set_config('stringx.r{{ number }}', json_build_object('sqlstate', s, 'message', left(m, 1000))::text, true);
end
{% endmacro %}
