{#- Constraints in place of a scan, for rules with `verify: constraint`: a condition that the database itself guarantees for every row needs no
    reading. A rule type that a constraint may prove has a macro stringx_proof__<type>(rule, scope). It returns {'kind': not_null,
    unique or foreign_key, 'relation', 'columns'}, with `nulls_equal` or `other` and `other_columns`, and the value that is `measured` if
    the rule holds; or none. A kind of a project's own has a macro stringx_proved_by_<kind>(): a SELECT of `number` and `words` (what proves it)
    of those rules of `wanted` with this `kind` that are proved. Rules of a kind without one are scanned.

    These prove nothing: a constraint that is not validated, not enforced or deferrable; an index that is partial, on expressions, invalid, or
    of another equality than the column's; a foreign key of periods; the parent of an inheritance; a table with foreign partitions; a table whose rows
    are partly hidden by row security; a foreign key whose triggers are off. The catalogs are read in the snapshot, under the locks, before
    anything else: if a proof is missing, nothing is run yet, and its rule is scanned with the rest. -#}


{#- A statement that leaves in settings what proves each rule of {rule_key: proof}, in words, and how many are not proved; empty without proofs. A new session
    plans the catalog queries with cold caches, which takes longer than a scan of a small table, so the common case comes first and by itself. -#}
{% macro stringx_prove(proofs, server_version) %}
  {%- if not proofs -%}{{- return('') -}}{%- endif -%}
  {%- set rows = [] -%}
  {%- for rule_key, proof in proofs.items() -%}{%- do rows.append(dict(proof, number=rule_key)) -%}{%- endfor -%}
  {{- return('do ' ~ stringx_literal(stringx_prove_body(rows, rows | map(attribute='kind') | unique(true) | list, server_version)) ~ ';\n') -}}
{% endmacro %}


{% macro stringx_prove_body(rows, kinds, server_version) %}
declare
  given constant json := {{ stringx_literal(tojson(rows)) }};
  proofs jsonb := '{}'; proved integer := 0; checked oid; the_index record; the_column record; the_class record; found jsonb;
begin
  {% if stringx_may_be_plain(rows) -%}
  {{ stringx_prove_plainly(rows, server_version) }}
  {%- endif %}
  if proved < {{ rows | length }} then
    select jsonb_object_agg(number, words), count(*) into proofs, proved
    from (
      with wanted as materialized (
        select number, kind, to_regclass(relation)::oid as relation, columns, coalesce(nulls_equal, false) as nulls_equal,
               to_regclass(other)::oid as other, other_columns
        from json_to_recordset(given) as one (number text, kind text, relation text, columns text[], nulls_equal boolean, other text, other_columns text[])
      )
      {% for kind in kinds -%}
      {{ 'union all' if not loop.first }}
      {{ context['stringx_proved_by_' ~ kind]() }}
      {%- endfor %}
    ) as proved_rules;
  end if;
  perform set_config('stringx.proofs', coalesce(proofs::text, '{}'), true);
  perform set_config('stringx.unproved', ({{ rows | length }} - proved)::text, true);
exception when others then  -- a schema that the role may not use: everything is scanned
  perform set_config('stringx.proofs', '{}', true);
  perform set_config('stringx.unproved', '{{ rows | length }}', true);
end
{% endmacro %}


{#- Whether all proofs may be by NOT NULL and by unique indexes on one column. Of a kind that is not known here, they may not. -#}
{% macro stringx_may_be_plain(rows) %}
  {%- for row in rows if not (row.kind == 'not_null' or row.kind == 'unique' and not row.get('nulls_equal') and row.columns | length == 1) -%}{{- return(false) -}}{%- endfor -%}
  {{- return(true) -}}
{% endmacro %}


{#- The proofs of rules by NOT NULL and by unique indexes on one column of an ordinary type, of ordinary tables: fewer than by the queries below,
    in a fifth of the time, because a new session plans each join with cold caches; so there is no join. The rules of a table whose columns are not all NOT NULL are not proved here.
    The equality of varchar (1043) is that of text (25); 403 is btree. -#}
{% macro stringx_prove_plainly(rows, server_version) %}
  {%- for relation in rows | map(attribute='relation') | unique(true) -%}
  {%- set not_null, unique, columns, said = [], [], [], {} -%}
  {%- for row in rows if row.relation == relation -%}
    {%- if row.kind == 'unique' -%}{%- do unique.append(row) -%}
    {%- elif row.kind == 'not_null' -%}{%- do not_null.append(row) -%}{%- do said.update({row.number: 'NOT NULL'}) -%}
      {%- for column in row.columns if column not in columns -%}{%- do columns.append(column) -%}{%- endfor -%}
    {%- endif -%}
  {%- endfor %}
  checked := to_regclass({{ stringx_literal(relation) }}); found := '{}';
  if exists (select from pg_class where oid = checked and relkind = 'r' and not relhassubclass and not relrowsecurity) then
    {% if not_null -%}
    if {{ columns | length }} = (select count(*) from pg_attribute where attrelid = checked and attname = any(array[{{ stringx_literals(columns) }}]) and attnum > 0 and attnotnull)
      {%- if server_version >= 180000 %}
      and not exists (select from pg_constraint where conrelid = checked and contype = 'n' and not convalidated)
      {%- endif %} then
      proofs := proofs || {{ stringx_literal(tojson(said)) }}::jsonb;
      proved := proved + {{ not_null | length }};
    end if;
    {%- endif %}
    {% if unique -%}
    for the_index in
      select indexrelid, indkey[0] as attnum, indclass[0] as opclass, indcollation[0] as sorted_by
      from pg_index as i where indrelid = checked and indnkeyatts = 1 and {{ stringx_is_whole('i') }} order by indexrelid
    loop
      select attname, atttypid, attcollation into the_column from pg_attribute where attrelid = checked and attnum = the_index.attnum;
      select opcdefault, opcmethod, opcintype into the_class from pg_opclass where oid = the_index.opclass;
      if the_class.opcdefault and the_class.opcmethod = 403 and the_class.opcintype = (case the_column.atttypid when 1043 then 25 else the_column.atttypid end)
         and the_index.sorted_by = the_column.attcollation and found ->> the_column.attname is null then
        found := found || jsonb_build_object(the_column.attname, (select 'the unique index ' || relname from pg_class where oid = the_index.indexrelid));
      end if;
    end loop;
    {% for row in unique -%}
    if found ? {{ stringx_literal(row.columns[0]) }} then
      proofs := jsonb_set(proofs, array[{{ stringx_literal(row.number) }}], found -> {{ stringx_literal(row.columns[0]) }});
      proved := proved + 1;
    end if;
    {% endfor -%}
    {%- endif %}
  end if;
  {%- endfor %}
{% endmacro %}


{#- Whether an index, a row of pg_index, guarantees at any time that no two rows of the table are equal in all of its columns. -#}
{% macro stringx_is_whole(index) %}
  {%- for flag in ('isunique', 'isvalid', 'isready', 'immediate') %}{{ index }}.ind{{ flag }} and {% endfor -%}
  not {{ index }}.indisexclusion and {{ index }}.indpred is null and {{ index }}.indexprs is null
{% endmacro %}


{#- Whether constraints of a relation hold for all rows that a query of it reads. -#}
{% macro stringx_holds_for_all(oid) %}
  exists (
    select from pg_class as checked
    where checked.oid = {{ oid }} and not row_security_active(checked.oid)
      and (checked.relkind = 'r' and not exists (select from pg_inherits where inhparent = checked.oid)
           or checked.relkind = 'p' and not exists (
             select from pg_partition_tree(checked.oid) as part join pg_class as member on member.oid = part.relid where member.relkind = 'f'))
  )
{% endmacro %}


{#- Whether a column, a row of pg_attribute, takes no NULL. Since PostgreSQL 18 the constraint may exist and not be validated. -#}
{% macro stringx_takes_no_null(column) %}
  {{ column }}.attnotnull and not exists (
    select from pg_constraint as of_column
    where of_column.conrelid = {{ column }}.attrelid and of_column.contype = 'n' and {{ column }}.attnum = any(of_column.conkey)
      and not of_column.convalidated)
{% endmacro %}


{% macro stringx_proved_by_not_null() %}
  select wanted.number, 'NOT NULL' as words
  from wanted
  where wanted.kind = 'not_null' and {{ stringx_holds_for_all('wanted.relation') }} and not exists (
    select from unnest(wanted.columns) as named (name)
    where not exists (
      select from pg_attribute as a
      where a.attrelid = wanted.relation and a.attname = named.name and a.attnum > 0 and {{ stringx_takes_no_null('a') }}))
{% endmacro %}


{#- By a unique index on some of the rule's columns, or all, with the same equality as GROUP BY. -#}
{% macro stringx_proved_by_unique() %}
  select wanted.number, 'the unique index ' || (array_agg(class.relname order by i.indnkeyatts, class.relname))[1] as words
  from wanted
  join pg_index as i on i.indrelid = wanted.relation
  join pg_class as class on class.oid = i.indexrelid
  join pg_am as method on method.oid = class.relam and method.amname = 'btree'
  where wanted.kind = 'unique' and {{ stringx_holds_for_all('wanted.relation') }} and {{ stringx_is_whole('i') }}
    and not exists (
      select from unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[]) with ordinality as key (attnum, opclass, sorted_by, place)
      left join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = key.attnum
      left join pg_opclass as o on o.oid = key.opclass
      where key.place <= i.indnkeyatts
        and not coalesce(a.attname = any(wanted.columns) and {{ stringx_groups_by('o', 'a.atttypid') }} and key.sorted_by = a.attcollation
                         and (not wanted.nulls_equal or to_jsonb(i) ->> 'indnullsnotdistinct' = 'true' or {{ stringx_takes_no_null('a') }}), false))
  group by wanted.number
{% endmacro %}


{#- Whether an operator class has the equality of GROUP BY for a type: the default of the type itself, or of a type whose operators it uses
    because it has none of its own (varchar, not citext). -#}
{% macro stringx_groups_by(opclass, type) %}
  {{ opclass }}.opcdefault and exists (
    select from pg_type as of_column
    join pg_type as base on base.oid = case of_column.typtype when 'd' then of_column.typbasetype else of_column.oid end and base.typtype <> 'd'
    where of_column.oid = {{ type }} and not exists (
      select from pg_opclass as own
      where own.opcmethod = {{ opclass }}.opcmethod and own.opcdefault and own.opcintype = base.oid and own.oid <> {{ opclass }}.oid))
{% endmacro %}


{% macro stringx_proved_by_foreign_key() %}
  select wanted.number, 'the foreign key ' || min(c.conname) as words
  from wanted
  join pg_constraint as c on c.conrelid = wanted.relation and c.confrelid = wanted.other and c.contype = 'f'
  where wanted.kind = 'foreign_key' and {{ stringx_holds_for_all('wanted.relation') }} and not row_security_active(wanted.other)
    and c.convalidated and not c.condeferrable and coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true)
    and not coalesce((to_jsonb(c) ->> 'conperiod')::boolean, false)
    and cardinality(c.conkey) = (select count(distinct (one, two)) from unnest(wanted.columns, wanted.other_columns) as pair (one, two))
    and not exists (
      select from unnest(wanted.columns, wanted.other_columns) as pair (one, two)
      where not exists (
        select from unnest(c.conkey, c.confkey) as key (attnum, other_attnum)
        join pg_attribute as a on a.attrelid = c.conrelid and a.attnum = key.attnum and a.attname = pair.one
        join pg_attribute as b on b.attrelid = c.confrelid and b.attnum = key.other_attnum and b.attname = pair.two))
    and not exists (
      select from pg_trigger as t
      where t.tgisinternal and t.tgenabled in ('D', 'R')
        and t.tgrelid in (select wanted.relation union select wanted.other
                          union select relid from pg_partition_tree(wanted.relation) union select relid from pg_partition_tree(wanted.other)))
  group by wanted.number
{% endmacro %}


{% macro stringx_proof__not_null(rule, scope) %}
  {{- return({'kind': 'not_null', 'relation': scope.relation, 'columns': rule.columns}) -}}
{% endmacro %}


{% macro stringx_proof__relationship(rule, scope) %}
  {%- if rule.arguments.get('to_where') -%}{{- return(none) -}}{%- endif -%}
  {{- return({'kind': 'foreign_key', 'relation': scope.relation, 'columns': rule.columns,
              'other': stringx_relation(rule.arguments.to_table), 'other_columns': stringx_referenced(rule)}) -}}
{% endmacro %}


{% macro stringx_proof__unique(rule, scope) %}
  {{- return({'kind': 'unique', 'relation': scope.relation, 'columns': rule.columns, 'measured': 0,
              'nulls_equal': rule.arguments.get('nulls', 'ignore') == 'equal'}) -}}
{% endmacro %}
