{#- Whether the column has one of the types, under any of Trino's names for it; digits count if they are given. A type that does not exist is an error that names it. -#}
{% macro stringx_rule__column_type(rule, scope) %}
  {%- set column = rule.columns[0] -%}
  {%- if column not in scope.types -%}{{- return({'fault': 'column "' ~ column ~ '" does not exist'}) -}}{%- endif -%}
  {%- set actual, fits = scope.types[column].type, namespace(one=false) -%}
  {%- set there = stringx_named_type(actual) -%}
  {%- for spelling in rule.arguments.get('types') or [rule.arguments.type] -%}
    {%- set wanted = stringx_named_type(spelling) -%}
    {%- if wanted is none -%}{{- return({'fault': 'on Trino there is no type ' ~ spelling}) -}}{%- endif -%}
    {%- if wanted.digits and wanted.name not in stringx_types_with_digits() -%}{{- return({'fault': 'on Trino ' ~ spelling ~ ' takes no length or precision'}) -}}{%- endif -%}
    {%- if there is not none and wanted.name == there.name and wanted.digits in ('', there.digits) -%}{%- set fits.one = true -%}{%- endif -%}
  {%- endfor -%}
  {{- return({'statement': 'select ' ~ (0 if fits.one else 1) ~ ' as failures, null as measured, ' ~ stringx_object({'actual': stringx_literal(actual[:200])}) ~ ' as found',
              'total': 'none', 'holds': true, 'found': true}) -}}
{% endmacro %}


{#- {name, digits} of a type's spelling; none if it is no type of Trino's. Types of lists, rows and maps are as they are spelled. -#}
{% macro stringx_named_type(spelling) %}
  {%- set text = modules.re.sub('\\s*([(),])\\s*', '\\1', spelling | lower | trim) -%}
  {%- if modules.re.match('(array|row|map)[(]', text) -%}{{- return({'name': text, 'digits': ''}) -}}{%- endif -%}
  {%- set parts = modules.re.fullmatch('([a-z]+(?: [a-z]+)*?)([(][0-9,]+[)])?((?: ?with time zone)?)', modules.re.sub('\\s+', ' ', text)) -%}
  {%- if not parts -%}{{- return(none) -}}{%- endif -%}
  {%- set name = {'int': 'integer', 'dec': 'decimal', 'numeric': 'decimal', 'double precision': 'double'}.get(parts.group(1), parts.group(1)) -%}
  {%- set zone = parts.group(3) | trim -%}
  {%- if zone and name not in ('time', 'timestamp') or name not in stringx_types_with_digits() + [
      'boolean', 'tinyint', 'smallint', 'integer', 'bigint', 'real', 'double', 'varbinary', 'json', 'date', 'uuid', 'ipaddress', 'interval day to second', 'interval year to month',
      'hyperloglog', 'geometry', 'sphericalgeography'] -%}{{- return(none) -}}{%- endif -%}
  {{- return({'name': name ~ (' ' ~ zone if zone else ''), 'digits': (parts.group(2) or '')}) -}}
{% endmacro %}


{% macro stringx_types_with_digits() %}
  {{- return(['decimal', 'varchar', 'char', 'time', 'timestamp', 'time with time zone', 'timestamp with time zone']) -}}
{% endmacro %}
