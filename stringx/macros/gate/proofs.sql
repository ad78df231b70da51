{#- Constraints in place of a scan, for rules with `verify: constraint`: what the database itself keeps true of every row needs no
    reading. A rule type that a constraint may prove has a macro stringx_proof__<type>(rule, scope); it returns {'kind': not_null,
    unique or foreign_key, 'relation', 'columns'}, with `nulls_equal` or `other` and `other_columns`, and what is `measured` where
    the rule holds; or none.

    What proves nothing: a constraint that is not validated, not enforced or deferrable; an index that is partial, on expressions,
    invalid, or of another equality than the column's; the parent of an inheritance; a table with foreign partitions; one of which
    row security hides rows; a foreign key whose triggers are off. The catalogs are read before the locks and again in the snapshot:
    a constraint that went meanwhile has the rule scanned. -#}


{#- {number: proof} of the rules that ask for one. -#}
{% macro stringx_asked_proofs(tables) %}
  {%- set asked = {} -%}
  {%- for table in tables -%}
    {%- for rule in table.rules if rule.spec.get('verify') == 'constraint' and not rule.whole_table and not rule.sql.get('fault') -%}
      {%- set macro_name = 'stringx_proof__' ~ rule.spec.type -%}
      {%- set proof = context[macro_name](rule.spec, rule.scope) if macro_name in context else none -%}
      {%- if proof is not none -%}{%- do asked.update({table.number ~ '/' ~ rule.number: proof}) -%}{%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(asked) -}}
{% endmacro %}


{#- One query: a JSON object of what proves each, in words, by number; NULL where nothing is asked. -#}
{% macro stringx_proofs(asked) %}
  {%- set queries = [] -%}
  {%- for kind in ('not_null', 'unique', 'foreign_key') -%}
    {%- set rows = [] -%}
    {%- for number, proof in asked.items() if proof.kind == kind -%}{%- do rows.append(stringx_asked_row(number, proof)) -%}{%- endfor -%}
    {%- if rows -%}
      {%- do queries.append(context['stringx_proved_by_' ~ kind]('(values ' ~ rows | join(',\n') ~ ') as asked (number, relation, columns, nulls_equal, other, other_columns)')) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if not queries -%}{{- return('null::json') -}}{%- endif -%}
  {{- return('(select json_object_agg(number, words) from (' ~ queries | join('\nunion all\n') ~ ') as proved)') -}}
{% endmacro %}


{% macro stringx_asked_row(number, proof) %}
  {%- set columns = 'array[' ~ stringx_literals(proof.columns) ~ ']::text[]' -%}
  {%- set others = 'array[' ~ stringx_literals(proof.get('other_columns', [])) ~ ']::text[]' -%}
  {%- set other = 'to_regclass(' ~ stringx_literal(proof.other) ~ ')' if 'other' in proof else 'null' -%}
  {{- return('(' ~ stringx_literal(number) ~ ', to_regclass(' ~ stringx_literal(proof.relation) ~ ')::oid, ' ~ columns ~ ', '
             ~ proof.get('nulls_equal', false) ~ ', ' ~ other ~ '::oid, ' ~ others ~ ')') -}}
{% endmacro %}


{#- Whether constraints of a relation hold for all that a query of it reads. -#}
{% macro stringx_holds_for_all(oid) %}
  exists (
    select from pg_class as checked
    where checked.oid = {{ oid }} and not row_security_active(checked.oid)
      and (checked.relkind = 'r' and not exists (select from pg_inherits where inhparent = checked.oid)
           or checked.relkind = 'p' and not exists (
             select from pg_partition_tree(checked.oid) as part join pg_class as member on member.oid = part.relid where member.relkind = 'f'))
  )
{% endmacro %}


{#- Whether a column, a row of pg_attribute, takes no NULL; from PostgreSQL 18 on the constraint may be there and not validated. -#}
{% macro stringx_takes_no_null(column) %}
  {{ column }}.attnotnull and not exists (
    select from pg_constraint as of_column
    where of_column.conrelid = {{ column }}.attrelid and of_column.contype = 'n' and {{ column }}.attnum = any(of_column.conkey)
      and not of_column.convalidated)
{% endmacro %}


{% macro stringx_proved_by_not_null(asked) %}
  select asked.number, 'NOT NULL' as words
  from {{ asked }}
  where {{ stringx_holds_for_all('asked.relation') }} and not exists (
    select from unnest(asked.columns) as named (name)
    where not exists (
      select from pg_attribute as a
      where a.attrelid = asked.relation and a.attname = named.name and a.attnum > 0 and {{ stringx_takes_no_null('a') }}))
{% endmacro %}


{#- A unique index of some of the rule's columns, or all; the same equality as that of GROUP BY. -#}
{% macro stringx_proved_by_unique(asked) %}
  select asked.number, 'the unique index ' || min(class.relname) as words
  from {{ asked }}
  join pg_index as i on i.indrelid = asked.relation
  join pg_class as class on class.oid = i.indexrelid
  join pg_am as method on method.oid = class.relam and method.amname = 'btree'
  where {{ stringx_holds_for_all('asked.relation') }}
    and i.indisunique and i.indisvalid and i.indisready and i.indimmediate and not i.indisexclusion
    and i.indpred is null and i.indexprs is null
    and not exists (
      select from unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[]) with ordinality as key (attnum, opclass, sorted_by, place)
      left join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = key.attnum
      left join pg_opclass as o on o.oid = key.opclass
      where key.place <= i.indnkeyatts
        and not coalesce(a.attname = any(asked.columns) and o.opcdefault and key.sorted_by = a.attcollation
                         and (not asked.nulls_equal or to_jsonb(i) ->> 'indnullsnotdistinct' = 'true' or {{ stringx_takes_no_null('a') }}), false))
  group by asked.number
{% endmacro %}


{% macro stringx_proved_by_foreign_key(asked) %}
  select asked.number, 'the foreign key ' || min(c.conname) as words
  from {{ asked }}
  join pg_constraint as c on c.conrelid = asked.relation and c.confrelid = asked.other and c.contype = 'f'
  where {{ stringx_holds_for_all('asked.relation') }} and not row_security_active(asked.other)
    and c.convalidated and not c.condeferrable and coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true)
    and cardinality(c.conkey) = (select count(distinct (one, two)) from unnest(asked.columns, asked.other_columns) as pair (one, two))
    and not exists (
      select from unnest(asked.columns, asked.other_columns) as pair (one, two)
      where not exists (
        select from unnest(c.conkey, c.confkey) as key (attnum, other_attnum)
        join pg_attribute as a on a.attrelid = c.conrelid and a.attnum = key.attnum and a.attname = pair.one
        join pg_attribute as b on b.attrelid = c.confrelid and b.attnum = key.other_attnum and b.attname = pair.two))
    and not exists (
      select from pg_trigger as t
      where t.tgisinternal and t.tgenabled in ('D', 'R')
        and t.tgrelid in (select asked.relation union select asked.other
                          union select relid from pg_partition_tree(asked.relation) union select relid from pg_partition_tree(asked.other)))
  group by asked.number
{% endmacro %}


{#- Whether one of the proofs from before the locks does not stand in the snapshot. -#}
{% macro stringx_disproved(proofs, now) %}
  {%- for number in proofs if number not in (now or {}) -%}{{- return(true) -}}{%- endfor -%}
  {{- return(false) -}}
{% endmacro %}
