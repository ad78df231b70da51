{#- Which schemas are searched for names in custom SQL (conditions, queries, dbt tests, rule types of a project's own). Conditions and queries call
    PostgreSQL's own functions, or others by their schema, so they need only pg_catalog if all columns are of its types.

    A user who may create in a schema could make a function or an operator there that fits better than the intended one, run code as the
    checking role, and decide the verdict. So a schema is searched only if nobody but superusers and the role itself may create in it: of those that
    the role would search, and those of extensions' types among the columns. Relations that a query names without a schema are looked up in
    all schemas that the role would search, once, and read from where they were locked. -#}


{#- A SELECT of the relation of this quoted name in the first schema that has one; NULL without one. -#}
{% macro stringx_first_in_path(name) %}
  select quote_ident(nspname) || '.' || {{ stringx_literal(name) }}
  from unnest('pg_catalog'::name || current_setting('stringx.schemas')::name[]) with ordinality as searched (nspname, place)
  join pg_namespace using (nspname) join pg_class on relnamespace = pg_namespace.oid
  where relname = {{ stringx_literal(name[1:-1].replace('""', '"')) }} order by place limit 1
{%- endmacro %}


{#- A SELECT of one JSON list: [schemas that may be searched, columns of an extension's type whose schema may not be searched,
    as [place, column, type, schema]]. For a type that SQL casts to, the place is 0 and the column is the type's name. -#}
{% macro stringx_paths_query(relations, wanted) %}
  with recursive used (place, attname, oid) as (
    {%- if wanted.code %}
    select 0, typname, pg_type.oid from pg_type where typtype = 'b' and typcategory <> 'A' and typnamespace <> 'pg_catalog'::regnamespace
    union all
    {%- endif %}
    {%- if wanted.casts %}
    select 0, typname, pg_type.oid
    from unnest(array[{{ stringx_literals(wanted.casts | map('last')) }}], array[{{ stringx_literals(wanted.casts | map('first') | map('default', '', true)) }}]) as named (type, schema)
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


{#- {path: of statements with custom SQL, odd: {relation: [[column, type, schema]], casts: [[name, type, schema]]}}, from the row of the query above. -#}
{% macro stringx_paths(relations, row) %}
  {%- set safe, unsafe = row -%}
  {%- set odd = {} -%}
  {%- for place, column, type, schema in unsafe or [] -%}
    {%- do odd.setdefault(relations[place - 1] if place else 'casts', []).append([column, type, schema]) -%}
  {%- endfor -%}
  {{- return({'path': (['pg_catalog'] + (safe or []) + ['pg_temp']) | join(', '), 'odd': odd}) -}}
{% endmacro %}


{#- The beginning of a statement with custom SQL: the relations that it names without a schema, as they were found and locked. -#}
{% macro stringx_ctes(rule, state) %}
  {%- set ctes = [] -%}
  {%- for relation in rule.relations if state.relations[relation].name != relation -%}
    {%- do ctes.append(relation ~ ' as not materialized (select * from ' ~ state.relations[relation].name ~ ')') -%}
  {%- endfor -%}
  {{- return('with ' ~ ctes | join(', ') ~ ' ' if ctes else '') -}}
{% endmacro %}


{#- The plan, for columns of types whose operators cannot be searched. In plain comparisons the operators are named by the type's schema. A rule whose SQL
    names such a column otherwise is not decided (`untrusted` says why): PostgreSQL would compare its values as texts. -#}
{% macro stringx_with_operators(tables, state) %}
  {%- set planned = [] -%}
  {%- for table in tables -%}
    {%- set rules = [] -%}
    {%- for rule in table.rules -%}{%- do rules.append(stringx_rule_with_operators(table, rule, state) if rule.runs_custom else rule) -%}{%- endfor -%}
    {%- do planned.append(dict(table, rules=rules)) -%}
  {%- endfor -%}
  {{- return(planned) -}}
{% endmacro %}


{% macro stringx_rule_with_operators(table, rule, state) %}
  {%- set spec, scope = rule.spec, rule.scope -%}
  {%- set others = [] -%}
  {%- set arguments = {} -%}
  {%- for name, text in spec.arguments.items() -%}
    {%- set condition = name in spec.get('compared', {}) -%}
    {%- set relation = rule.relations[0] if condition and rule.relations else table.relation -%}
    {%- set named = stringx_condition_with_operators(text, spec.compared[name], relation, state) if condition else {'text': text, 'rest': text} -%}
    {%- do arguments.update({name: named.text}) -%}
    {%- if named.rest is string and name in spec.get('custom', []) -%}{%- do others.append(named.rest) -%}{%- endif -%}
  {%- endfor -%}
  {%- if scope.where is not none -%}
    {%- set condition = stringx_condition_with_operators(spec.where, spec.get('compared', {}).get('where', []), table.relation, state) -%}
    {%- set where = stringx_condition(condition.text) -%}
    {%- set scope = dict(scope, where=where, both=where if scope.window is none else scope.window ~ ' and ' ~ where) -%}
    {%- do others.append(condition.rest) -%}
  {%- endif -%}
  {%- for sql in rule.sql.values() if sql is string -%}{%- do others.append(sql) -%}{%- endfor -%}
  {{- return(dict(rule, spec=dict(spec, arguments=arguments), scope=scope, untrusted=stringx_untrusted(table, rule, others | join(' '), state))) -}}
{% endmacro %}


{#- Why SQL of a rule cannot be trusted, beside its plain comparisons, or none. -#}
{% macro stringx_untrusted(table, rule, sql, state) %}
  {%- for relation in ([table.relation] + rule.relations) | reverse -%}
    {%- for column, type, schema in state.odd.get(relation, []) | reverse if rule.spec.get('renames') or modules.re.search('(?i)(?<!\\w)(' ~ modules.re.escape(column) ~ '|natural)(?!\\w)', sql) -%}
      {{- return('the column ' ~ column ~ ' is of type ' ~ type ~ ', whose operators cannot be trusted in this SQL: others may create in the schema ' ~ schema
                 ~ '; let only a superuser create there, or compare ' ~ column ~ ' with quoted values alone') -}}
    {%- endfor -%}
  {%- endfor -%}
  {%- for name, type, schema in state.odd.get('casts', []) | reverse -%}
    {%- if name in rule.spec.get('casts', []) | map('last') or not rule.spec.get('typed') and modules.re.search('(?i)(?<!\\w)' ~ modules.re.escape(name) ~ '(?!\\w)', sql) -%}
      {{- return('the operators of the type ' ~ type ~ ' cannot be trusted in this SQL: others may create in the schema ' ~ schema ~ '; let only a superuser create there') -}}
    {%- endif -%}
  {%- endfor -%}
  {{- return(none) -}}
{% endmacro %}


{#- {text: the condition with the operators of these comparisons named by schema, rest: the condition without these comparisons}. -#}
{% macro stringx_condition_with_operators(text, comparisons, relation, state) %}
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
