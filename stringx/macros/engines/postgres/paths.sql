{#- Which schemas are searched for the names in SQL of the user's (conditions, queries, dbt tests, rule types of a project's own). Conditions and queries call
    PostgreSQL's own functions, or others by their schema, so that they need no more than pg_catalog where all columns are of its types.

    Whoever may create in a schema could make a function or an operator there that fits better than the one that is meant, run code as the
    checking role, and decide the verdict. So of the schemas that the role would search, and those of extensions' types among the columns, only
    those are, in which nobody may create but superusers and the role itself. Relations that a query names without a schema are looked for in
    all that the role would search, once, and read from where they were locked. -#}


{#- A SELECT of the relation of this quoted name in the first schema that has one, or NULL. -#}
{% macro stringx_first_in_path(name) %}
  select quote_ident(nspname) || '.' || {{ stringx_literal(name) }}
  from unnest('pg_catalog'::name || current_setting('stringx.schemas')::name[]) with ordinality as searched (nspname, place)
  join pg_namespace using (nspname) join pg_class on relnamespace = pg_namespace.oid
  where relname = {{ stringx_literal(name[1:-1].replace('""', '"')) }} order by place limit 1
{%- endmacro %}


{#- A SELECT of one JSON list: [schemas that may be searched, columns of the relations that are of an extension's type whose schema may not be,
    as [place, column, type, schema]; of a type that is cast to the place is 0, and the column the type's name]. -#}
{% macro stringx_paths_query(relations, custom) %}
  with recursive used (place, attname, oid) as (
    {%- if custom.code %}
    select 0, typname, pg_type.oid from pg_type where typtype = 'b' and typcategory <> 'A' and typnamespace <> 'pg_catalog'::regnamespace
    union all
    {%- endif %}
    {%- if custom.casts %}
    select 0, typname, pg_type.oid
    from unnest(array[{{ stringx_literals(custom.casts | map('last')) }}], array[{{ stringx_literals(custom.casts | map('first') | map('default', '', true)) }}]) as named (type, schema)
    join pg_type on typname = type join pg_namespace on pg_namespace.oid = typnamespace
    where nspname = schema or schema = '' and nspname = any(current_setting('stringx.schemas')::name[])
    union all
    {%- endif %}
    select place, attname, atttypid
    from unnest({{ relations }}) with ordinality as given (name, place)
    join pg_attribute on attrelid = to_regclass(name)::oid and attnum > 0 and not attisdropped
    union all
    select place, attname, part.oid
    from used join pg_type on pg_type.oid = used.oid, lateral (
      select case typtype when 'd' then typbasetype else typelem end where typtype = 'd' or typcategory = 'A' and typelem <> 0
      union all
      select atttypid from pg_attribute where typtype = 'c' and attrelid = typrelid and attnum > 0 and not attisdropped
    ) as part (oid)
  ), odd as (
    select distinct place, attname, format_type(used.oid, null) as type, typnamespace
    from used join pg_type on pg_type.oid = used.oid where typtype = 'b' and typcategory <> 'A' and typnamespace <> 'pg_catalog'::regnamespace
  ), searched as (
    select oid, nspname, min(place) as place, not exists (
      select from (select nspowner as role union all select grantee from aclexplode(nspacl) where privilege_type = 'CREATE') as maker
      where not exists (
        select from pg_roles
        where pg_roles.oid = case role when 'pg_database_owner'::regrole then (select datdba from pg_database where datname = current_database()) else role end
          and (rolsuper or rolname = current_user))
    ) as safe
    from (select nspname, place from unnest(current_setting('stringx.schemas')::name[]) with ordinality as path (nspname, place)
          union all select pg_namespace.nspname, 1000 from odd join pg_namespace on pg_namespace.oid = typnamespace) as wanted (nspname, place)
    join pg_namespace using (nspname)
    group by oid, nspname, nspowner, nspacl
  )
  select json_build_array(
    (select json_agg(quote_ident(nspname) order by place) from searched where safe),
    (select json_agg(json_build_array(odd.place, attname, type, nspname)) from odd join searched on searched.oid = typnamespace where not safe))
{%- endmacro %}


{#- {path: of statements with SQL of the user's, odd: {relation: [[column, type, schema]], casts: [[name, type, schema]]}}. -#}
{% macro stringx_paths(relations, found) %}
  {%- set odd = {} -%}
  {%- for place, column, type, schema in found[1] or [] -%}
    {%- do odd.setdefault(relations[place - 1] if place else 'casts', []).append([column, type, schema]) -%}
  {%- endfor -%}
  {{- return({'path': (['pg_catalog'] + (found[0] or []) + ['pg_temp']) | join(', '), 'odd': odd}) -}}
{% endmacro %}


{#- What stands before a statement with SQL of the user's: the relations that it names without a schema, as they were found and locked. -#}
{% macro stringx_ctes(rule, state) %}
  {%- set found = [] -%}
  {%- for relation in rule.relations if state.relations[relation].name != relation -%}
    {%- do found.append(relation ~ ' as not materialized (select * from ' ~ state.relations[relation].name ~ ')') -%}
  {%- endfor -%}
  {{- return('with ' ~ found | join(', ') ~ ' ' if found else '') -}}
{% endmacro %}


{#- Where a column is of a type whose operators cannot be searched, those of plain comparisons are named by the type's schema; a rule whose SQL names
    the column otherwise is `untrusted` and not decided: PostgreSQL would compare its values as texts. -#}
{% macro stringx_use_operators(tables, state) %}
  {%- for table in tables -%}
    {%- for rule in table.rules if rule.runs_custom and 'untrusted' not in rule -%}
      {%- do rule.update({'untrusted': none}) -%}
      {%- set others = [] -%}
      {%- set arguments = {} -%}
      {%- for name, text in rule.spec.arguments.items() -%}
        {%- set condition = name in rule.spec.get('compared', {}) -%}
        {%- set relation = rule.relations[0] if condition and rule.relations else table.relation -%}
        {%- set named = stringx_with_operators(text, rule.spec.compared[name], relation, state) if condition else {'text': text, 'rest': text} -%}
        {%- do arguments.update({name: named.text}) -%}
        {%- if named.rest is string and name in rule.spec.get('custom', []) -%}{%- do others.append(named.rest) -%}{%- endif -%}
      {%- endfor -%}
      {%- if rule.scope.where is not none -%}
        {%- set where = stringx_with_operators(rule.spec.where, rule.spec.get('compared', {}).get('where', []), table.relation, state) -%}
        {%- do rule.scope.update({'where': stringx_condition(where.text)}) -%}
        {%- do rule.scope.update({'both': rule.scope.where if rule.scope.window is none else rule.scope.window ~ ' and ' ~ rule.scope.where}) -%}
        {%- do others.append(where.rest) -%}
      {%- endif -%}
      {%- for sql in rule.sql.values() if sql is string -%}{%- do others.append(sql) -%}{%- endfor -%}
      {%- do rule.update({'spec': dict(rule.spec, arguments=arguments)}) -%}
      {%- for name, type, schema in state.odd.get('casts', []) -%}
        {%- if name in rule.spec.get('casts', []) | map('last') or not rule.spec.get('typed') and modules.re.search('(?i)(?<!\\w)' ~ modules.re.escape(name) ~ '(?!\\w)', others | join(' ')) -%}
          {%- do rule.update({'untrusted': 'the operators of the type ' ~ type ~ ' cannot be trusted in this SQL: others may create in the schema ' ~ schema
                                           ~ '; let only a superuser create there'}) -%}
        {%- endif -%}
      {%- endfor -%}
      {%- for relation in [table.relation] + rule.relations -%}
        {%- for column, type, schema in state.odd.get(relation, []) if rule.spec.get('renames') or modules.re.search('(?i)(?<!\\w)(' ~ modules.re.escape(column) ~ '|natural)(?!\\w)', others | join(' ')) -%}
          {%- do rule.update({'untrusted': 'the column ' ~ column ~ ' is of type ' ~ type ~ ', whose operators cannot be trusted in this SQL: others may create in the schema ' ~ schema
                                           ~ '; let only a superuser create there, or compare ' ~ column ~ ' with quoted values alone'}) -%}
        {%- endfor -%}
      {%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
{% endmacro %}


{#- {text: the condition with the operators of these comparisons named by schema, rest: what of it is not such a comparison}. -#}
{% macro stringx_with_operators(text, comparisons, relation, state) %}
  {%- set parts = [] -%}
  {%- set rest = [] -%}
  {%- set last = namespace(end=0) -%}
  {%- for start, end, column, operator, values in comparisons -%}
    {%- set fact = state.facts.get(relation, {}).get(column) -%}
    {%- if not values -%}
      {%- do parts.append(text[last.end:end]) -%}
      {%- do rest.append(text[last.end:start]) -%}
      {%- set last.end = end -%}
    {%- elif fact is not none and fact.schema is not none and operator in fact.operators -%}
      {%- set typed = [] -%}
      {%- for value in values -%}{%- do typed.append(value ~ '::' ~ fact.type) -%}{%- endfor -%}
      {%- set others = typed[0] if typed | length == 1 else ('all' if operator == '<>' else 'any') ~ ' (array[' ~ typed | join(', ') ~ '])' -%}
      {%- do parts.append(text[last.end:start] ~ '(' ~ stringx_compared(column, fact) ~ stringx_operator(fact, operator) ~ others ~ ')') -%}
      {%- do rest.append(text[last.end:start]) -%}
      {%- set last.end = end -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return({'text': parts | join ~ text[last.end:], 'rest': rest | join(' ') ~ ' ' ~ text[last.end:]}) -}}
{% endmacro %}
