{#- Whether the column has one of the types, under any of DuckDB's names for it; digits count if they are given. A type that does not exist is an error that names it. -#}
{% macro stringx_rule__column_type(rule, scope) %}
  {%- set column = rule.columns[0] -%}
  {%- if column not in scope.types -%}{{- return({'fault': 'column "' ~ column ~ '" does not exist'}) -}}{%- endif -%}
  {%- set actual, fits = scope.types[column].type, [] -%}
  {%- for spelling in rule.arguments.get('types') or [rule.arguments.type] -%}
    {%- set parts = modules.re.fullmatch('\\s*([A-Za-z_][A-Za-z0-9_]*(?:\\s+[A-Za-z]+)*)\\s*([(]\\s*[0-9]{1,4}\\s*(?:,\\s*[0-9]{1,4}\\s*)?[)])?\\s*((?:\\[\\s*[0-9]{0,6}\\s*\\])*)\\s*', spelling) -%}
    {%- set word = parts.group(1).lower() if parts else '' -%}
    {%- if word == 'float' -%}{{- return({'fault': 'on DuckDB float is another type than on PostgreSQL; write real or double'}) -}}{%- endif -%}
    {%- if word in ('char', 'character', 'nchar', 'bpchar') -%}{{- return({'fault': 'on DuckDB ' ~ word ~ ' is the same as varchar; write varchar'}) -}}{%- endif -%}
    {%- if not parts or word.split() | join(' ') not in stringx_known_types() -%}{{- return({'fault': 'on DuckDB there is no type ' ~ spelling}) -}}{%- endif -%}
    {%- if parts.group(2) and word not in ('decimal', 'numeric', 'dec') -%}
      {{- return({'fault': 'on DuckDB ' ~ spelling ~ ' takes no length or precision'}) -}}
    {%- endif -%}
    {%- set typed = 'typeof(cast(null as ' ~ parts.group(1) ~ (parts.group(2) or '') ~ parts.group(3) ~ '))' -%}
    {%- if word in ('decimal', 'numeric', 'dec') and not parts.group(2) -%}
      {%- set typed, shown = 'regexp_replace(' ~ typed ~ ", '[(][0-9, ]*[)]', '')", modules.re.sub('[(][0-9, ]*[)]', '', actual) -%}
    {%- else -%}
      {%- set shown = actual -%}
    {%- endif -%}
    {%- do fits.append(typed ~ ' = ' ~ stringx_literal(shown)) -%}
  {%- endfor -%}
  {{- return({'statement': 'select case when ' ~ fits | join(' or ') ~ ' then 0 else 1 end as failures, null as measured, json_object(' ~ "'actual', " ~ stringx_literal(actual[:200]) ~ ') as found',
              'total': 'none', 'holds': true, 'found': true}) -}}
{% endmacro %}


{#- Names of DuckDB's own types; a type that a database makes itself is only another name for one of these. -#}
{% macro stringx_known_types() %}
  {{- return(['tinyint', 'int1', 'smallint', 'int2', 'integer', 'int4', 'int', 'bigint', 'int8', 'hugeint', 'utinyint', 'usmallint', 'uinteger', 'ubigint', 'uhugeint', 'decimal', 'numeric', 'dec',
              'real', 'float4', 'double', 'double precision', 'float8', 'boolean', 'bool', 'varchar', 'text', 'string', 'date', 'time', 'time without time zone', 'timetz', 'time with time zone',
              'timestamp', 'timestamp without time zone', 'timestamptz', 'timestamp with time zone', 'timestamp_s', 'timestamp_ms', 'timestamp_ns', 'interval', 'uuid', 'blob', 'bytea', 'bit',
              'json']) -}}
{% endmacro %}
