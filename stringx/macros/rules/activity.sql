{#- How long ago the table changed for the last time, at most, by the server's counters of rows that were inserted, updated and deleted.

    The counters say that there was a change, not when. So the state of the check before (`before`) has them, the moment of that check (`at`), and the
    moment after which the last change happened (`since`). If they have gone up, that is the moment of the check before. A change that is known only to
    lie somewhere in a longer time than max_age proves nothing, and neither does the first check.

    Per relation the state has: inserted, updated, deleted, changed since the last ANALYZE, how often it was analyzed, live rows, file. The first three
    also count what was rolled back, the fourth does not. They start at 0 after a reset of the statistics or a crash: counters that have gone down are
    never a change. Those of another database, to which the target was moved, say nothing. -#}
{% macro stringx_rule__activity(rule, scope) %}
  {%- set before = rule.get('before') -%}
  {%- set state = before.state if before else {'relations': {}, 'at': none, 'since': none} -%}
  {%- set max_age, warn = rule.arguments.get('max_age'), rule.arguments.get('warn') or {} -%}
  {%- set fails = 'age > ' ~ stringx_seconds(max_age) if max_age is not none else 'false' -%}
  {%- set warns = 'age > ' ~ stringx_seconds(warn.max_age) if warn else 'false' -%}
  {%- set database = "((select system_identifier from pg_control_system()) || '/' || (select oid from pg_catalog.pg_database where datname = current_database()))" -%}
  {%- set measured -%}
    with recursive parts(oid) as (
           select {{ stringx_literal(scope.relation) }}::pg_catalog.regclass::oid
           union
           select inhrelid from parts join pg_catalog.pg_inherits on inhparent = parts.oid),
         relations as (
           select class.oid, class.relkind, class.relfilenode, pg_stat_get_tuples_inserted(class.oid) as inserted, pg_stat_get_tuples_updated(class.oid) as updated,
                  pg_stat_get_tuples_deleted(class.oid) as deleted, pg_stat_get_mod_since_analyze(class.oid) as modified,
                  pg_stat_get_analyze_count(class.oid) + pg_stat_get_autoanalyze_count(class.oid) as analyzed,
                  pg_stat_get_live_tuples(class.oid) as live
           from parts join pg_catalog.pg_class as class on class.oid = parts.oid),
         stored as (select * from relations where relkind in ('r', 'm')),
         earlier as (
           select key::oid as oid, (value->>0)::bigint as inserted, (value->>1)::bigint as updated, (value->>2)::bigint as deleted, (value->>3)::bigint as modified,
                  (value->>4)::bigint as analyzed, (value->>5)::bigint as live, (value->>6)::bigint as file
           from json_each({{ stringx_literal(tojson(state.relations)) }}::json)),
         compared as (
           select case when earlier.oid is null then new.inserted + new.updated + new.deleted > 0 and new.modified + new.analyzed > 0
                  else new.inserted >= earlier.inserted and new.updated >= earlier.updated and new.deleted >= earlier.deleted and new.analyzed >= earlier.analyzed
                       and new.inserted + new.updated + new.deleted > earlier.inserted + earlier.updated + earlier.deleted
                       and (new.analyzed > earlier.analyzed or new.modified > earlier.modified)
                       or new.relfilenode <> earlier.file and earlier.live > 0 and pg_relation_size(new.oid) = 0
                  end as has_changed
           from stored as new left join earlier using (oid)),
         seen as (select {{ 'coalesce((select bool_or(has_changed) from compared), false)' if before else 'false' }} as has_changed),
         dated as (
           select has_changed, case when has_changed then {{ stringx_literal(state.at) if state.at else 'null' }} else {{ stringx_literal(state.since) if state.since else 'null' }} end::timestamptz as since
           from seen),
         aged as (select *, extract(epoch from now() - since) as age from dated)
    select null as total, age as measured, {{ fails }} as fails, {{ warns }} as warns,
           json_build_object('fault', case
             when (select bool_or(relkind not in ('r', 'm', 'p')) from relations) then 'the server keeps no statistics of changes of a view or a foreign table'
             when pg_is_in_recovery() then 'the server is a replica, which does not count changes'
             when not current_setting('track_counts')::boolean then 'the server does not count changes: track_counts is off'
             when {{ 'true' if not before else 'false' }} then 'there is no earlier check to compare with: the next one can tell whether the table has changed'
             when {{ stringx_literal(state.database) if state.get('database') else 'null' }} <> {{ database }} then 'the target is another database than at the check before'
             when since > now() then 'the check before is ahead of the clock of the server, which has gone back'
             when since is null then 'no change was seen since the first check, so the age of the last one is unknown'
             when has_changed and ({{ fails }}) then 'the table has changed since the check before, which is longer ago than max_age: check it more often'
           end) as found,
           json_build_object('at', now(), 'since', since, 'database', {{ database }}, 'relations', (
             select coalesce(json_object_agg(oid, json_build_array(inserted, updated, deleted, modified, analyzed, live, relfilenode::bigint)), '{}'::json) from stored)) as remember
    from aged
  {%- endset -%}
  {{- return({'measured': measured | string, 'total': 'own', 'found': true, 'remembers': true}) -}}
{% endmacro %}
