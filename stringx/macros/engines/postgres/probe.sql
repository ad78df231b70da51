{#- Looks up, before the snapshot is taken, what a plan needs to know (`wanted`: stringx_wanted). Returns the state of the target:

    - server_version;
    - relations: {relation: {name, locked, reason, place, members, foreign, files, hidden}}. `name` has the schema, also if custom SQL names the relation without
      one; `reason` says why it cannot be read, or none; the others are in relations.sql;
    - facts: {relation: {column: fact}} (types.sql);
    - path, odd: which schemas custom SQL searches, and which types may not be trusted there (paths.sql);
    - parallel: whether the server gives a statement more than one process;
    - renamed: whether a relation was named without a schema;
    - shape: a hash of the types of all columns;
    - broken: patterns that are not valid regular expressions;
    - called: {rule_key: a name after a dot that would be a function call} (qualified.sql);
    - standby: of a standby, how far it has replayed (standby.sql); none on a primary.

    LOCK needs SELECT only, and fails for a relation that is missing or not readable. Materialized views, foreign tables and tables
    of which some columns are granted can be read and not locked. Each lock is released before the next is waited for:
    a session that waits and holds another lock could be in a circle with a loader. -#}
{% macro stringx_probe(spec, wanted, is_new) %}
  {%- set relations = wanted.relations -%}
  {%- set query -%}
    {% if is_new %}begin; {{ stringx_session() }} commit;{% else %}rollback;{% endif %}
    begin;
    set local standard_conforming_strings = on;
    set local statement_timeout = {{ spec.statement_timeout_ms | int }};
    set local lock_timeout = {{ spec.lock_timeout_ms | int }};
    set local idle_in_transaction_session_timeout = {{ spec.statement_timeout_ms | int }};
    do {{ stringx_literal(stringx_probe_body(wanted)) }};
    select current_setting('stringx.probe'), current_setting('stringx.names'), current_setting('stringx.behind'), current_setting('stringx.columns'),
           current_setting('stringx.shape'), current_setting('stringx.paths'), current_setting('server_version_num'),
           current_setting('max_parallel_workers_per_gather'),
           current_setting('stringx.standby', true),
           {{ "current_setting('stringx.broken')" if wanted.patterns else 'null' }}, {{ "current_setting('stringx.calls')" if wanted.qualified else 'null' }}
  {%- endset -%}
  {#- not as a statement: dbt guesses the type of each column that it fetches -#}
  {%- set probe, names, behind, columns, shape, paths, version, workers, standby, broken, calls = adapter.add_query(query, auto_begin=false)[1].fetchone() -%}
  {%- set errors, names, behind = fromjson(probe), fromjson(names), fromjson(behind) -%}
  {%- set standby = stringx_await_replay(spec, fromjson(standby)) if standby else none -%}
  {%- set of_relations = {} -%}
  {%- for relation in relations -%}
    {%- set error = errors[loop.index0] -%}
    {%- set reason = none if error.sqlstate in (none, '42809') else stringx_reason(error) -%}
    {%- set one = {'name': names[loop.index0], 'locked': error.sqlstate is none, 'reason': reason, 'place': loop.index if reason is none else none} -%}
    {%- do one.update(behind[loop.index0]) -%}
    {%- if standby and standby.late and reason is none -%}{%- do one.update({'reason': standby.late}) -%}{%- endif -%}
    {%- for name in spec.get('lock_failed', []) if stringx_is_named(relation, name) -%}
      {%- do one.update({'reason': stringx_reason({'sqlstate': '55P03'})}) -%}
    {%- endfor -%}
    {%- do of_relations.update({relation: one}) -%}
  {%- endfor -%}
  {%- set workers = workers if spec.get('max_parallel_workers_per_gather') is none else spec.max_parallel_workers_per_gather -%}
  {%- set path = stringx_paths(relations, fromjson(paths)) if paths else {'path': none, 'odd': {}} -%}
  {{- return({'server_version': version | int, 'relations': of_relations, 'facts': stringx_facts(relations, fromjson(columns) if columns else []),
              'parallel': workers | int > 0, 'path': path.path, 'odd': path.odd, 'renamed': names != relations, 'shape': shape or none,
              'broken': fromjson(broken) if broken else [], 'called': stringx_called_names(wanted.qualified, fromjson(calls)) if calls else {}, 'standby': standby}) -}}
{% endmacro %}


{#- Why a pattern of a rule cannot be run, or none: the server would notice only at the first text that it compares. In custom SQL `~` may be the operator of
    another type, whose patterns are different: those are judged only if neither an extension's types nor casts are involved. -#}
{% macro stringx_broken(rule, state) %}
  {%- for name, patterns in rule.spec.patterns.items() if (name in ('pattern', 'schema') or state.path is none) and patterns | select('in', state.broken) | list -%}
    {{- return(('' if name == 'where' else 'argument ') ~ name ~ ': ' ~ stringx_reason({'sqlstate': '2201B'})) -}}
  {%- endfor -%}
  {{- return(none) -}}
{% endmacro %}


{#- Leaves what it looks up in settings of the transaction. -#}
{% macro stringx_probe_body(wanted) %}
declare
  names text[] := array[{{ stringx_literals(wanted.relations) }}]::text[];
  columns constant text[] := {{ 'null' if wanted.all_columns else 'array[' ~ stringx_literals(wanted.names) ~ ']' }}::text[];
  found jsonb := '[]'; readable text[] := '{}'; unlocked boolean[] := '{}'; behind json; types json; special boolean; shape text; m text; s text;
begin
  {{- stringx_look_at_standby() }}
{%- for relation in wanted.relations if not modules.re.search('[.]"', relation) %}
  {%- set place = wanted.relations.index(relation) + 1 %}
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
  {%- if wanted.names or wanted.sql or wanted.all_columns %}
  {{ stringx_columns('readable', 'columns') | trim }} into types, special, shape;
  if special then
    {{ stringx_columns_of_all_types('readable', 'columns') | trim }} into types;
  end if;
  {%- endif %}
  perform set_config('stringx.columns', coalesce(types::text, ''), true);
  perform set_config('stringx.shape', coalesce(shape, ''), true);
  perform set_config('stringx.paths', '', true);
  {%- if wanted.patterns %}
  perform set_config('stringx.broken', '[]', true);
  foreach m in array array[{{ stringx_literals(wanted.patterns) }}]::text[] loop
    begin
      perform '' ~ m;
    exception when invalid_regular_expression then
      perform set_config('stringx.broken', (current_setting('stringx.broken')::jsonb || to_jsonb(m))::text, true);
    when others then null;  -- the rule's own statement shows it
    end;
  end loop;
  {%- endif %}
  {%- if wanted.qualified %}
  perform set_config('stringx.calls', ({{ stringx_calls('names', wanted.qualified) }})::text, true);
  {%- endif %}
  {%- if wanted.sql %}
  if {{ 'true' if wanted.code or wanted.casts else 'special' }} then
    perform set_config('stringx.paths', ({{ stringx_paths_query('readable', wanted) }})::text, true);
  end if;
  {%- endif %}
  perform set_config('stringx.probe', found::text, true);
end
{% endmacro %}
