{#- What stands behind the relations of a check, and whether it stayed the same while it was read.

    LOCK takes no materialized view and no foreign table, and nothing of a table of which the reader may select only some
    columns. Such relations are watched: a refresh, a truncation, a rewrite or a swap changes which files they are, which
    pg_relation_filenode() tells at once (pg_class tells it as of the snapshot). -#}

{#- One query over `names` (text[], in the order of the relations, NULL for what cannot be read) and `watched` (boolean[],
    whether all of it is watched, or the materialized views behind it alone): a JSON list of {members, foreign, files, hidden}. -#}
{% macro stringx_behind(names, watched) %}
  with recursive reached (place, oid) as (
    select place, to_regclass(name)::oid from unnest({{ names }}) with ordinality as given (name, place)
    union
    select reached.place, next.oid from reached, lateral (
      select inhrelid from pg_inherits where inhparent = reached.oid
      union all
      select used.refobjid
      from pg_class as view
      join pg_rewrite as definition on definition.ev_class = view.oid
      join pg_depend as used on used.classid = 'pg_rewrite'::regclass and used.objid = definition.oid
                            and used.refclassid = 'pg_class'::regclass and used.refobjid <> view.oid
      where view.oid = reached.oid and view.relkind = 'v'
    ) as next (oid)
  ), known as (
    select place, oid, relkind, relname, (select nspname from pg_namespace where oid = relnamespace) as schema
    from reached left join pg_class using (oid)
  )
  select json_agg(json_build_object(
    'members', (select count(*) from known where known.place = given.place),
    'foreign', (select coalesce(json_agg(schema || '.' || relname order by schema, relname), '[]') from known
                where known.place = given.place and relkind = 'f'),
    'files', (select string_agg(oid || ':' || coalesce(pg_relation_filenode(oid), 0), ' ' order by oid) from known
              where known.place = given.place and (whole or relkind = 'm')),
    'hidden', coalesce(row_security_active(to_regclass(name)::oid), false)
  ) order by place)
  from unnest({{ names }}, {{ watched }}) with ordinality as given (name, whole, place)
{% endmacro %}


{#- What the query above gives where all of `names` are ordinary tables with nothing behind them, in a tenth of its time (a new
    session plans it with cold caches); NULL where one is not. -#}
{% macro stringx_behind_plain(names, watched) %}
  select json_agg(json_build_object('members', 1, 'foreign', '[]'::json, 'files', null, 'hidden', row_security_active(oid)) order by place)
  from unnest({{ names }}, {{ watched }}) with ordinality as given (name, whole, place) join pg_class on oid = to_regclass(name)
  where relkind = 'r' and not relhassubclass and not whole
  having count(*) = cardinality({{ names }})
{% endmacro %}


{#- Of which types the columns of the relations are, as a hash: the SQL of rules is written by types that were read before the relations were locked. Of
    rows of `place`, a relation's number, and pg_attribute. -#}
{% macro stringx_shape() %}
  {{- return("hashtextextended(string_agg(place || attname || atttypid, ',' order by place, attnum), 0)::text") -}}
{% endmacro %}


{#- The same under the locks, of the relations that the probe could read. -#}
{% macro stringx_shape_now(readable) %}
  {%- set probed = readable.values() | rejectattr('place', 'none') | list -%}
  {{- return('(select ' ~ stringx_shape() ~ ' from unnest(array[' ~ stringx_literals(probed | map(attribute='name')) ~ '], array[' ~ probed | map(attribute='place') | join(', ')
             ~ ']) as given (name, place) join pg_attribute on attrelid = to_regclass(name)::oid and attnum > 0 and not attisdropped)') -}}
{% endmacro %}


{#- The relations of `readable` whose files must not change, with those that they had before the snapshot. -#}
{% macro stringx_watched(readable) %}
  {%- set watched = {} -%}
  {%- for relation, state in readable.items() if state.reason is none and state.files is not none -%}
    {%- do watched.update({relation: state}) -%}
  {%- endfor -%}
  {{- return(watched) -}}
{% endmacro %}


{#- The same query in the snapshot, of the watched relations; NULL where there are none. -#}
{% macro stringx_behind_now(watched) %}
  {%- if not watched -%}{{- return('null::json') -}}{%- endif -%}
  {%- set whole = [] -%}
  {%- set names = [] -%}
  {%- for state in watched.values() -%}{%- do names.append(state.name) -%}{%- do whole.append('false' if state.locked else 'true') -%}{%- endfor -%}
  {{- return('(' ~ stringx_behind('array[' ~ stringx_literals(names) ~ ']', 'array[' ~ whole | join(', ') ~ ']::boolean[]') ~ ')') -}}
{% endmacro %}


{#- Those of the watched relations that are not what they were before the snapshot. -#}
{% macro stringx_changed(watched, now) %}
  {%- set changed = [] -%}
  {%- for relation, state in watched.items() -%}
    {%- if now[loop.index0].files != state.files -%}{%- do changed.append(relation) -%}{%- endif -%}
  {%- endfor -%}
  {{- return(changed) -}}
{% endmacro %}


{#- What a reader of the result must know about the relations of a table's rules. -#}
{% macro stringx_notes(table, readable) %}
  {%- set notes = [] -%}
  {%- for relation in [table.relation] + (table.rules | map(attribute='relations') | sum(start=[])) -%}
    {%- for name in readable[relation].foreign -%}
      {%- do notes.append('the foreign table ' ~ name ~ ' is neither locked nor part of the snapshot') -%}
    {%- endfor -%}
    {%- if readable[relation].hidden -%}
      {%- do notes.append('row-level security decides which rows of ' ~ relation.replace('"', '') ~ ' the check sees') -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(notes | unique(true) | list) -}}
{% endmacro %}
