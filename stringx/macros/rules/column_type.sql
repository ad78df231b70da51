{#- Whether the column has one of the types, under any of its aliases; a length or precision counts if it is given. A type that
    does not exist is an error that names it. A name without a schema is the built-in type, or otherwise one of that name in any schema. -#}
{% macro stringx_rule__column_type(rule, scope) %}
  {%- set types = [] -%}
  {%- for spelling in rule.arguments.get('types') or [rule.arguments.type] -%}
    {%- set type = stringx_type(spelling) -%}
    {%- if type.fault -%}{{- return({'fault': type.fault}) -}}{%- endif -%}
    {%- do types.append('(' ~ [stringx_literal(spelling), stringx_literal_or_null(type.schema), stringx_literal(type.name),
                               stringx_literal_or_null(type.modifier), type.is_array | string | lower] | join(', ') ~ ')') -%}
  {%- endfor -%}
  {%- set statement -%}
    with wanted(spelling, schema, name, modifier, is_array) as (values {{ types | join(', ') }}),
         known as (
           select spelling, modifier, case when is_array then t.typarray else t.oid end as type, t.typmodin
           from wanted
           join pg_catalog.pg_type as t on t.typname = wanted.name
           join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
           where case when wanted.schema is not null then n.nspname = wanted.schema
                 else n.nspname = 'pg_catalog' or not exists (
                   select from pg_catalog.pg_type as built_in
                   where built_in.typname = wanted.name and built_in.typnamespace = 'pg_catalog'::pg_catalog.regnamespace) end),
         faults as (
           select case when known.spelling is null then 'there is no type ' || wanted.spelling
                  else wanted.spelling || ': this type takes no length or precision' end as fault
           from wanted left join known using (spelling)
           where known.spelling is null or known.modifier is not null and known.typmodin = 0),
         checked as (
           select atttypid as type, format_type(atttypid, atttypmod) as actual
           from ({{ stringx_attributes(scope) }}) as attributes where name = {{ stringx_literal(rule.columns[0]) }})
    select case when exists (
             select from known where known.type = checked.type
             and (modifier is null or modifier = case
               when actual ~ '^interval' then replace(replace(substr(actual, 9), '[]', ''), ' ', '')
               else lower(replace(substring(actual from '[(].*[)]'), ' ', '')) end)
           ) then 0 else 1 end as failures,
           (select null::text from (select {{ stringx_name(rule.columns[0]) }} from {{ scope.relation }} limit 0) as must_exist) as measured,
           json_build_object('actual', actual, 'fault', (select fault from faults limit 1)) as found
    from checked
  {%- endset -%}
  {{- return({'statement': statement | string, 'total': 'none', 'holds': true, 'found': true}) -}}
{% endmacro %}


{% macro stringx_literal_or_null(value) %}
  {{- return('null' if value is none else stringx_literal(value)) -}}
{% endmacro %}


{#- {schema, name, modifier, is_array} of a type from its spelling, under the catalog's names, or {fault}. The modifier is in brackets
    as format_type writes it; that of an interval has its fields before. -#}
{% macro stringx_type(spelling) %}
  {%- set none_such = {'fault': 'there is no type ' ~ spelling} -%}
  {%- set array = modules.re.fullmatch('(?is)(.*?)((?:\\s*\\[\\s*[0-9]*\\s*\\])+|\\s+array(?:\\s*\\[\\s*[0-9]+\\s*\\])?)', spelling.strip()) -%}
  {%- set name = '"(?:[^"]|"")+"|[^\\W\\d][\\w$]*' -%}
  {%- set parts = modules.re.fullmatch('(?:(' ~ name ~ ')\\s*[.]\\s*)?(' ~ name ~ '(?:\\s+[A-Za-z]+)*)\\s*(?:[(]([^()]*)[)]\\s*([A-Za-z\\s]*))?',
                                       array.group(1) if array else spelling.strip()) -%}
  {%- if not parts -%}{{- return(none_such) -}}{%- endif -%}
  {%- set schema = none if parts.group(1) is none else stringx_folded(parts.group(1)) -%}
  {%- set words = stringx_folded(parts.group(2)) -%}
  {%- set modifier = parts.group(3) -%}
  {%- set tail = (parts.group(4) or '').lower().split() | join(' ') -%}
  {%- set type = namespace(name=words, fields='', known=true) -%}
  {%- if schema is none and not parts.group(2).startswith('"') -%}
    {%- set aliases = stringx_type_aliases() -%}
    {%- set fields = modules.re.fullmatch('interval (' ~ stringx_interval_fields() ~ ')', words) -%}
    {%- if fields -%}
      {%- set type.name = 'interval' -%}
      {%- set type.fields = fields.group(1).replace(' ', '') -%}
      {%- set type.known = modifier is none or words.endswith('second') -%}
    {%- elif tail or ' ' in words -%}
      {%- set type.name = aliases.get((words ~ ' ' ~ tail).strip()) -%}
      {%- set type.known = type.name is not none and (modifier is none or (words in ('time', 'timestamp') if tail else 'zone' not in words)) -%}
    {%- else -%}
      {%- set type.name = aliases.get(words, words) -%}
    {%- endif -%}
  {%- else -%}
    {%- set type.known = not tail and (' ' not in words or parts.group(2).endswith('"')) -%}
  {%- endif -%}
  {%- if not type.known -%}{{- return(none_such) -}}{%- endif -%}
  {%- set named = {'schema': schema, 'name': type.name, 'modifier': type.fields or none, 'is_array': array is not none} -%}
  {%- if modifier is none -%}{{- return(named) -}}{%- endif -%}
  {{- return(stringx_type_with_modifier(named, modifier, schema is none and words == 'float') or none_such) -}}
{% endmacro %}


{#- The type with a modifier, as stringx_type returns it; none if the type cannot have it. `float`: its modifier is the number of bits. -#}
{% macro stringx_type_with_modifier(type, modifier, float) %}
  {%- set limits = {'numeric': [1, 1000], 'varchar': [1, 10485760], 'bpchar': [1, 10485760], 'bit': [1, 83886080], 'varbit': [1, 83886080],
                    'time': [0, 999], 'timetz': [0, 999], 'timestamp': [0, 999], 'timestamptz': [0, 999], 'interval': [0, 999]} -%}
  {%- do limits.update({'float8': [1, 53]}) if float -%}
  {%- if type.schema not in (none, 'pg_catalog') or type.name not in limits -%}
    {{- return(dict(type, modifier='(' ~ modifier.lower().split() | join('') ~ ')')) -}}
  {%- endif -%}
  {%- set numbers = modules.re.fullmatch('\\s*([0-9]{1,9})\\s*' ~ ('(?:,\\s*([+-]?[0-9]{1,4})\\s*)?' if type.name == 'numeric' else '()'), modifier) -%}
  {%- if not numbers or not limits[type.name][0] <= numbers.group(1) | int <= limits[type.name][1] -%}{{- return(none) -}}{%- endif -%}
  {%- set length = numbers.group(1) | int -%}
  {%- if type.name == 'float8' -%}
    {{- return(dict(type, name='float4' if length <= 24 else 'float8')) -}}
  {%- elif type.name == 'numeric' -%}
    {{- return(dict(type, modifier='(' ~ length ~ ',' ~ (numbers.group(2) or 0) | int ~ ')')) -}}
  {%- endif -%}
  {%- set fields = type.modifier or '' -%}
  {{- return(dict(type, modifier=fields ~ '(' ~ ([length, 6] | min if limits[type.name][0] == 0 else length) ~ ')')) -}}
{% endmacro %}


{#- A name as the catalog has it: in lower case, unless it is between double quotes. -#}
{% macro stringx_folded(name) %}
  {{- return(name[1:-1].replace('""', '"') if name.startswith('"') else name.lower().split() | join(' ')) -}}
{% endmacro %}


{#- {SQL's name of a type: another name in the catalog}. -#}
{% macro stringx_type_aliases() %}
  {{- return({
    'int': 'int4', 'integer': 'int4', 'smallint': 'int2', 'bigint': 'int8', 'real': 'float4', 'float': 'float8', 'double precision': 'float8',
    'decimal': 'numeric', 'dec': 'numeric', 'boolean': 'bool',
    'char': 'bpchar', 'character': 'bpchar', 'nchar': 'bpchar', 'national char': 'bpchar', 'national character': 'bpchar',
    'character varying': 'varchar', 'char varying': 'varchar', 'nchar varying': 'varchar', 'national char varying': 'varchar',
    'national character varying': 'varchar', 'bit varying': 'varbit',
    'time without time zone': 'time', 'time with time zone': 'timetz',
    'timestamp without time zone': 'timestamp', 'timestamp with time zone': 'timestamptz'
  }) -}}
{% endmacro %}


{% macro stringx_interval_fields() %}
  {{- return('year|month|day|hour|minute|second|year to month|day to hour|day to minute|day to second|hour to minute|hour to second|minute to second') -}}
{% endmacro %}
