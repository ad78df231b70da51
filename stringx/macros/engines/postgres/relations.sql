{#- Which relations are behind those of a check, and whether they changed while they were read.

    LOCK does not work on materialized views, foreign tables, and tables of which the reader may select only some columns. Such
    relations are watched: a refresh, a truncation, a rewrite or a swap changes their files, which pg_relation_filenode() shows
    at once (pg_class shows them as of the snapshot). -#}

{#- A query over `names` (text[], in the order of the relations, NULL if one cannot be read) and `watched` (boolean[]: whether all
    relations behind it are watched, or only materialized views). It gives a JSON list: {members: how many relations it reads, itself included, foreign: names
    of the foreign tables among them, files: those of watched relations as one text, hidden: whether row-level security applies}. -#}
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


{#- The same as the query above if all of `names` are ordinary tables without others behind them, otherwise NULL. It takes a tenth of the time, because a
    new session plans it with cold caches. -#}
{% macro stringx_behind_plain(names, watched) %}
  select json_agg(json_build_object('members', 1, 'foreign', '[]'::json, 'files', null, 'hidden', row_security_active(oid)) order by place)
  from unnest({{ names }}, {{ watched }}) with ordinality as given (name, whole, place) join pg_class on oid = to_regclass(name)
  where relkind = 'r' and not relhassubclass and not whole
  having count(*) = cardinality({{ names }})
{% endmacro %}


{#- A hash of the types of all columns, over rows of `place` (the relation's number) and pg_attribute: rules' SQL depends on types that were
    read before the relations were locked. -#}
{% macro stringx_shape() %}
  {{- return("hashtextextended(string_agg(place || attname || atttypid, ',' order by place, attnum), 0)::text") -}}
{% endmacro %}


{#- The same hash under the locks, of the relations that the probe could read. -#}
{% macro stringx_shape_now(relations) %}
  {%- set probed = relations.values() | rejectattr('place', 'none') | list -%}
  {{- return('(select ' ~ stringx_shape() ~ ' from unnest(array[' ~ stringx_literals(probed | map(attribute='name')) ~ '], array[' ~ probed | map(attribute='place') | join(', ')
             ~ ']) as given (name, place) join pg_attribute on attrelid = to_regclass(name)::oid and attnum > 0 and not attisdropped)') -}}
{% endmacro %}


{#- The relations whose files must not change, {relation: its state before the snapshot}. -#}
{% macro stringx_watched(relations) %}
  {%- set watched = {} -%}
  {%- for relation, state in relations.items() if state.reason is none and state.files is not none -%}
    {%- do watched.update({relation: state}) -%}
  {%- endfor -%}
  {{- return(watched) -}}
{% endmacro %}


{#- The query of stringx_behind in the snapshot, over the watched relations; NULL if there are none. -#}
{% macro stringx_behind_now(watched) %}
  {%- if not watched -%}{{- return('null::json') -}}{%- endif -%}
  {%- set whole = [] -%}
  {%- set names = [] -%}
  {%- for state in watched.values() -%}{%- do names.append(state.name) -%}{%- do whole.append('false' if state.locked else 'true') -%}{%- endfor -%}
  {{- return('(' ~ stringx_behind('array[' ~ stringx_literals(names) ~ ']', 'array[' ~ whole | join(', ') ~ ']::boolean[]') ~ ')') -}}
{% endmacro %}


{#- The watched relations that are not as they were before the snapshot. -#}
{% macro stringx_changed(watched, now) %}
  {%- set changed = [] -%}
  {%- for relation, state in watched.items() -%}
    {%- if now[loop.index0].files != state.files -%}{%- do changed.append(relation) -%}{%- endif -%}
  {%- endfor -%}
  {{- return(changed) -}}
{% endmacro %}
