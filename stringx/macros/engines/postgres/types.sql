{#- What depends on the types of columns: how a value is written beside a column, which operators compare it, what its text is.

    A fact describes a column: {type: its type, or the base type of its domain, as SQL; family: the kind of type, on which the meaning of rule types
    depends (`types` in rules.yml); cast: the text after a column that is compared; schema: of an extension's type, quoted, otherwise none;
    operators: of such a type, those between two of its values, and `min()` and `max()` if it has them}.

    Statements without custom SQL search only pg_catalog, so that nobody's function or operator is taken for one of PostgreSQL's. The operators of
    an extension's type are named by the type's schema. -#}


{#- {relation: {column: fact}}, from the rows (place, column, type, typtype, typcategory, schema, operators) that stringx_columns selects; `place` counts
    `relations` from 1. -#}
{% macro stringx_facts(relations, rows) %}
  {%- set families = stringx_families() -%}
  {%- set facts = {} -%}
  {%- for relation in relations -%}{%- do facts.update({relation: {}}) -%}{%- endfor -%}
  {%- for place, column, type, kind, category, schema, operators in rows or [] -%}
    {%- set family = {'e': 'enum', 'c': 'composite', 'r': 'range', 'm': 'range'}.get(kind)
                     or ('array' if category == 'A' else 'text' if category == 'S' else none)
                     or (families.get(type, 'other') if schema is none else 'other') -%}
    {%- set cast = '' if schema is none and family != 'enum' else '::' ~ type -%}  {#- PostgreSQL finds no operator for a domain over an enum -#}
    {%- do facts[relations[place - 1]].update({column: {'type': type, 'cast': cast, 'family': family, 'schema': schema, 'operators': operators or []}}) -%}
  {%- endfor -%}
  {{- return(facts) -}}
{% endmacro %}


{#- The family of each type of pg_catalog that neither its category nor its kind decides. -#}
{% macro stringx_families() %}
  {{- return({
    'smallint': 'integer', 'integer': 'integer', 'bigint': 'integer', 'numeric': 'decimal', 'real': 'float', 'double precision': 'float',
    'money': 'money', 'boolean': 'boolean', 'date': 'date', 'timestamp without time zone': 'timestamp', 'timestamp with time zone': 'timestamp',
    'time without time zone': 'time', 'time with time zone': 'time', 'interval': 'interval', 'uuid': 'uuid', 'inet': 'network',
    'cidr': 'network', 'macaddr': 'network', 'macaddr8': 'network', 'bytea': 'bytes', 'json': 'json', 'jsonb': 'json', 'bit': 'bit',
    'bit varying': 'bit', '"char"': 'text'
  }) -}}
{% endmacro %}


{#- A SELECT of three values: a JSON list of a row for each column of `names` (text[], NULL for all) in each of the relations (text[], NULL for one that cannot be read); whether any
    column of them is of a type that is not PostgreSQL's (then the next query is needed, which takes a new session longer to plan); and
    the hash of all their types. -#}
{% macro stringx_columns(relations, names) %}
  select json_agg(json_build_array(place, attname, format_type(t.oid, null), typtype, typcategory, null, null)) filter (where {{ names }} is null or attname = any({{ names }})),
         bool_or(typnamespace <> 'pg_catalog'::regnamespace), {{ stringx_shape() }}
  from unnest({{ relations }}) with ordinality as given (name, place)
  join pg_attribute on attrelid = to_regclass(name)::oid and attnum > 0 and not attisdropped
  join pg_type as t on t.oid = atttypid
{% endmacro %}


{#- The same JSON list with the base types of domains. For a base type that is not PostgreSQL's it has the quoted schema, the operators between two of its values, and its
    aggregates min and max; only those of the type's owner, because others may create in that schema. Types made of others have PostgreSQL's
    operators. -#}
{% macro stringx_columns_of_all_types(relations, names) %}
  with recursive stands (place, attname, oid) as (
    select place, attname, atttypid
    from unnest({{ relations }}) with ordinality as given (name, place)
    join pg_attribute on attrelid = to_regclass(name)::oid and attnum > 0 and not attisdropped and ({{ names }} is null or attname = any({{ names }}))
    union all
    select place, attname, typbasetype from stands join pg_type as domain on domain.oid = stands.oid where typtype = 'd'
  )
  select json_agg(json_build_array(place, attname, format_type(t.oid, null), typtype, typcategory, made.schema, made.operators))
  from stands join pg_type as t on t.oid = stands.oid
  left join lateral (
    select (select quote_ident(nspname) from pg_namespace where oid = t.typnamespace) as schema, (
      select json_agg(name) from (
        select oprname::text as name from pg_operator
        where oprnamespace = t.typnamespace and oprleft = t.oid and oprright = t.oid and oprowner = t.typowner
        union all
        select proname || '()' from pg_proc
        where proname in ('min', 'max') and pronamespace = t.typnamespace and prokind = 'a' and pronargs = 1 and proargtypes[0] = t.oid
          and proowner = t.typowner
      ) as named) as operators
  ) as made on typtype = 'b' and typcategory <> 'A' and typnamespace <> 'pg_catalog'::regnamespace
  where typtype <> 'd'
{% endmacro %}


{#- A column beside an operator, or in an aggregate of its type's schema. A domain is cast to its type; otherwise an operator that
    somebody has made for the domain itself would be the exact match. -#}
{% macro stringx_compared(column, fact) %}
  {{- return(stringx_name(column) ~ (fact.cast if fact is not none else '')) -}}
{% endmacro %}


{#- The same beside another column, whose fact is `other`. -#}
{% macro stringx_beside(column, fact, other) %}
  {{- return(stringx_name(column) ~ (fact.cast if fact is not none else '')) -}}
{% endmacro %}


{#- The same where tables are joined by it. -#}
{% macro stringx_key(column, fact, other) %}
  {{- return(stringx_name(column) ~ (fact.cast if fact is not none else '')) -}}
{% endmacro %}


{#- A column whose values are compared with each other. -#}
{% macro stringx_ordered(column, fact) %}
  {{- return(stringx_name(column) ~ (fact.cast if fact is not none else '')) -}}
{% endmacro %}


{#- An operator between two values of a type, with blanks around it. -#}
{% macro stringx_operator(fact, name) %}
  {%- if fact is none or fact.schema is none or name not in fact.operators -%}{{- return(' ' ~ name ~ ' ') -}}{%- endif -%}
  {{- return(' operator(' ~ fact.schema ~ '.' ~ name ~ ') ') -}}
{% endmacro %}


{#- A value of a document beside a column or a measure. Usually it is an untyped literal, which PostgreSQL reads as that type. It has a type itself
    if the column's type would cut it off silently (a fraction beside a whole number, an offset beside a date or timestamp without one),
    and beside types of extensions and composite types, where PostgreSQL reads a literal as a row without a type. -#}
{% macro stringx_value(value, fact=none) %}
  {%- set literal = stringx_literal(value) -%}
  {%- if fact is none -%}{{- return(literal) -}}{%- endif -%}
  {%- if fact.schema is not none or fact.family == 'composite' -%}{{- return(literal ~ '::' ~ fact.type) -}}{%- endif -%}
  {%- if fact.family == 'integer' and (value is float or value is string and modules.re.fullmatch('\\s*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?\\s*', value)
         and not modules.re.fullmatch('\\s*[+-]?[0-9]+\\s*', value)) -%}
    {{- return(literal ~ '::numeric') -}}
  {%- endif -%}
  {%- if fact.family in ('date', 'timestamp') and fact.type != 'timestamp with time zone' and value is string -%}
    {%- set time = modules.re.search('[0-9]:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]*)?)?\\s*(.*)$', value.strip()) -%}
    {%- if time and time.group(1) and time.group(1).lower() not in ('am', 'pm', 'bc') -%}{{- return(literal ~ '::timestamptz::timestamp') -}}{%- endif -%}
    {%- if time and fact.family == 'date' -%}{{- return(literal ~ '::timestamp') -}}{%- endif -%}
  {%- elif fact.type == 'time without time zone' and value is string and modules.re.search('[0-9]\\s*([zZ]|[+-][0-9:]+)$', value.strip()) -%}
    {{- return(literal ~ '::timetz') -}}
  {%- endif -%}
  {{- return(literal) -}}
{% endmacro %}


{% macro stringx_values(values, fact=none) %}
  {%- if fact is none or fact.schema is none and fact.family not in ('integer', 'date', 'timestamp', 'time', 'composite') -%}{{- return(stringx_literals(values)) -}}{%- endif -%}
  {%- set written = [] -%}
  {%- for value in values -%}
    {%- do written.append("'" ~ value ~ "'" if value is integer and value is not boolean else stringx_value(value, fact)) -%}
  {%- endfor -%}
  {{- return(written | join(', ')) -}}
{% endmacro %}


{#- Values as a list of SQL, for a list of rows. -#}
{% macro stringx_each_value(values, fact) %}
  {%- set written = [] -%}
  {%- for value in values -%}{%- do written.append(stringx_value(value, fact)) -%}{%- endfor -%}
  {{- return(written) -}}
{% endmacro %}


{#- Values as rows of the column's own type; the first of them is NULL. -#}
{% macro stringx_typed_list(scope, column, values) %}
  {%- set rows = ['((select ' ~ stringx_compared(column, scope.types.get(column)) ~ ' from ' ~ scope.relation ~ ' limit 0))'] -%}
  {%- for value in values -%}{%- do rows.append('(' ~ stringx_value(value, scope.types.get(column)) ~ ')') -%}{%- endfor -%}
  {{- return('values ' ~ rows | join(', ')) -}}
{% endmacro %}


{#- The text of a column's value as PostgreSQL shows it: a cast writes a host address as 10.0.0.1/32. -#}
{% macro stringx_text(column, fact=none) %}
  {%- set name = stringx_name(column) -%}
  {{- return('textin(inet_out(' ~ name ~ '))' if fact is not none and fact.type == 'inet' else name ~ '::text') -}}
{% endmacro %}


{#- The names of the types of texts, of numbers of rows and their sums, and of numbers in double precision. -#}
{% macro stringx_type_names() %}{{- return({'text': 'text', 'count': 'bigint', 'double': 'double precision'}) -}}{% endmacro %}


{#- The types whose values a message may show, as format_type names them. -#}
{% macro stringx_number_types() %}
  {{- return(['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision']) -}}
{% endmacro %}
