{#- A JSON value that a JSON Schema (2020-12) does not allow; NULL passes, JSON null is a value. Only keywords that are written here reach this macro:
    `json_schemas.py` in the catalogue refuses all others when the rule is configured, because a keyword that is passed over allows everything. -#}
{% macro stringx_rule__json_schema(rule, scope) %}
  {%- set schema = rule.arguments.schema -%}
  {%- set value = '(' ~ stringx_compared(rule.columns[0], scope.types.get(rule.columns[0])) ~ ')::jsonb' -%}
  {{- return({'violation': 'case when ' ~ stringx_name(rule.columns[0]) ~ ' is null then false else not ' ~ stringx_json_holds(value, schema, schema, 0) ~ ' end'}) -}}
{% endmacro %}


{#- A condition that is never NULL: whether the jsonb expression `value`, which is not NULL, is valid. `root` has the definitions. `depth` numbers the names of
    subqueries, so that an inner one never hides an outer one. Keywords that share a type are in one CASE, which keeps the others from being evaluated. -#}
{% macro stringx_json_holds(value, schema, root, depth) %}
  {%- if schema is boolean -%}{{- return('true' if schema else 'false') -}}{%- endif -%}
  {%- set parts = [] -%}
  {%- if '$ref' in schema -%}
    {%- set kind, name = schema.get('$ref').split('/')[1:] -%}
    {%- do parts.append(stringx_json_holds(value, root.get(kind).get(name), root, depth)) -%}
  {%- endif -%}
  {%- if 'type' in schema -%}{%- do parts.append(stringx_json_is_of_type(value, schema.get('type'))) -%}{%- endif -%}
  {%- if 'const' in schema -%}{%- do parts.append(value ~ ' = ' ~ stringx_json(schema.get('const'))) -%}{%- endif -%}
  {%- if 'enum' in schema -%}
    {%- set listed = [] -%}
    {%- for item in schema.get('enum') -%}{%- do listed.append(stringx_json(item)) -%}{%- endfor -%}
    {%- do parts.append(value ~ ' in (' ~ listed | join(', ') ~ ')') -%}
  {%- endif -%}
  {%- set of_types = {'number': stringx_json_number(value, schema), 'string': stringx_json_string(value, schema),
                      'array': stringx_json_array(value, schema, root, depth), 'object': stringx_json_object(value, schema, root, depth)} -%}
  {%- for type, conditions in of_types.items() if conditions -%}
    {%- do parts.append('case when jsonb_typeof(' ~ value ~ ") = '" ~ type ~ "' then " ~ conditions | join(' and ') ~ ' else true end') -%}
  {%- endfor -%}
  {%- do parts.extend(stringx_json_combined(value, schema, root, depth)) -%}
  {{- return('(' ~ parts | join(' and ') ~ ')' if parts else 'true') -}}
{% endmacro %}


{#- A JSON value as a jsonb literal. -#}
{% macro stringx_json(value) %}
  {{- return(stringx_literal(tojson(value)) ~ '::jsonb') -}}
{% endmacro %}


{#- An integer is any number without a fraction, 1.0 too. -#}
{% macro stringx_json_is_of_type(value, types) %}
  {%- set plain, parts = [], [] -%}
  {%- for type in ([types] if types is string else types) -%}
    {%- if type == 'integer' -%}
      {%- do parts.append('case when jsonb_typeof(' ~ value ~ ") = 'number' then mod((" ~ value ~ " #>> '{}')::numeric, 1) = 0 else false end") -%}
    {%- else -%}
      {%- do plain.append(type) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if plain -%}{%- do parts.append('jsonb_typeof(' ~ value ~ ') in (' ~ stringx_literals(plain) ~ ')') -%}{%- endif -%}
  {{- return('(' ~ parts | join(' or ') ~ ')') -}}
{% endmacro %}


{% macro stringx_json_number(value, schema) %}
  {%- set number = '(' ~ value ~ " #>> '{}')::numeric" -%}
  {%- set conditions = [] -%}
  {%- for keyword, operator in (('minimum', ' >= '), ('maximum', ' <= '), ('exclusiveMinimum', ' > '), ('exclusiveMaximum', ' < ')) if keyword in schema -%}
    {%- do conditions.append(number ~ operator ~ stringx_literal(schema.get(keyword)) ~ '::numeric') -%}
  {%- endfor -%}
  {%- if 'multipleOf' in schema -%}{%- do conditions.append('mod(' ~ number ~ ', ' ~ stringx_literal(schema.get('multipleOf')) ~ '::numeric) = 0') -%}{%- endif -%}
  {{- return(conditions) -}}
{% endmacro %}


{% macro stringx_json_string(value, schema) %}
  {%- set text = '(' ~ value ~ " #>> '{}')" -%}
  {%- set conditions = [] -%}
  {%- if 'minLength' in schema -%}{%- do conditions.append('char_length' ~ text ~ ' >= ' ~ schema.get('minLength') | int) -%}{%- endif -%}
  {%- if 'maxLength' in schema -%}{%- do conditions.append('char_length' ~ text ~ ' <= ' ~ schema.get('maxLength') | int) -%}{%- endif -%}
  {%- if 'pattern' in schema -%}{%- do conditions.append(text ~ ' ~ ' ~ stringx_literal(schema.get('pattern'))) -%}{%- endif -%}
  {%- if 'format' in schema -%}
    {%- set written = '(' ~ text ~ ' collate "C")' -%}
    {%- set format = {'date-time': 'timestamp'}.get(schema.get('format'), schema.get('format')) -%}
    {%- do conditions.append('not (case when false then false ' ~ context['stringx_format__' ~ format](written) ~ ' end)') -%}
    {%- if format == 'timestamp' -%}{%- do conditions.append(written ~ " ~ '[Tt].*([Zz]|[+-][0-9]{2}:[0-9]{2})$'") -%}{%- endif -%}
  {%- endif -%}
  {{- return(conditions) -}}
{% endmacro %}


{% macro stringx_json_array(value, schema, root, depth) %}
  {%- set conditions, first = [], schema.get('prefixItems', []) -%}
  {%- set item = 'stringx_j' ~ depth -%}
  {%- set elements = 'from jsonb_array_elements(' ~ value ~ ') with ordinality as ' ~ item ~ '(v, n)' -%}
  {%- if 'minItems' in schema -%}{%- do conditions.append('jsonb_array_length(' ~ value ~ ') >= ' ~ schema.get('minItems') | int) -%}{%- endif -%}
  {%- if 'maxItems' in schema -%}{%- do conditions.append('jsonb_array_length(' ~ value ~ ') <= ' ~ schema.get('maxItems') | int) -%}{%- endif -%}
  {%- for part in first -%}
    {%- set place = '(' ~ value ~ ' -> ' ~ loop.index0 ~ ')' -%}
    {%- set valid = stringx_json_holds(place, part, root, depth) -%}
    {%- if valid != 'true' -%}{%- do conditions.append('(' ~ place ~ ' is null or ' ~ valid ~ ')') -%}{%- endif -%}
  {%- endfor -%}
  {%- if 'items' in schema -%}
    {%- set valid = stringx_json_holds(item ~ '.v', schema.get('items'), root, depth + 1) -%}
    {%- if valid == 'false' -%}
      {%- do conditions.append('jsonb_array_length(' ~ value ~ ') <= ' ~ first | length) -%}
    {%- elif valid != 'true' -%}
      {%- do conditions.append('not exists (select ' ~ elements ~ ' where ' ~ item ~ '.n > ' ~ first | length ~ ' and not ' ~ valid ~ ')') -%}
    {%- endif -%}
  {%- endif -%}
  {%- if 'contains' in schema -%}
    {%- set valid = stringx_json_holds(item ~ '.v', schema.get('contains'), root, depth + 1) -%}
    {%- set found = '(select count(*) ' ~ elements ~ ' where ' ~ valid ~ ')' -%}
    {%- do conditions.append(found ~ ' >= ' ~ schema.get('minContains', 1) | int) -%}
    {%- if 'maxContains' in schema -%}{%- do conditions.append(found ~ ' <= ' ~ schema.get('maxContains') | int) -%}{%- endif -%}
  {%- endif -%}
  {%- if schema.get('uniqueItems') -%}
    {%- do conditions.append('(select count(*) = count(distinct ' ~ item ~ '.v) ' ~ elements ~ ')') -%}
  {%- endif -%}
  {{- return(conditions) -}}
{% endmacro %}


{% macro stringx_json_object(value, schema, root, depth) %}
  {%- set conditions = [] -%}
  {%- set item = 'stringx_j' ~ depth -%}
  {%- set pairs = 'from jsonb_each(' ~ value ~ ') as ' ~ item ~ '(k, v)' -%}
  {%- set number = '(select count(*) from jsonb_object_keys(' ~ value ~ '))' -%}
  {%- if schema.get('required') -%}{%- do conditions.append(value ~ ' ?& array[' ~ stringx_literals(schema.get('required')) ~ ']::text[]') -%}{%- endif -%}
  {%- if 'minProperties' in schema -%}{%- do conditions.append(number ~ ' >= ' ~ schema.get('minProperties') | int) -%}{%- endif -%}
  {%- if 'maxProperties' in schema -%}{%- do conditions.append(number ~ ' <= ' ~ schema.get('maxProperties') | int) -%}{%- endif -%}
  {%- for name, part in schema.get('properties', {}).items() -%}
    {%- set place = '(' ~ value ~ ' -> ' ~ stringx_literal(name) ~ '::text)' -%}
    {%- set valid = stringx_json_holds(place, part, root, depth) -%}
    {%- if valid != 'true' -%}{%- do conditions.append('(' ~ place ~ ' is null or ' ~ valid ~ ')') -%}{%- endif -%}
  {%- endfor -%}
  {%- for pattern, part in schema.get('patternProperties', {}).items() -%}
    {%- do conditions.append('not exists (select ' ~ pairs ~ ' where ' ~ item ~ '.k ~ ' ~ stringx_literal(pattern) ~ ' and not '
                             ~ stringx_json_holds(item ~ '.v', part, root, depth + 1) ~ ')') -%}
  {%- endfor -%}
  {%- if 'additionalProperties' in schema -%}
    {%- set others = [] -%}
    {%- if schema.get('properties') -%}{%- do others.append(item ~ '.k <> all (array[' ~ stringx_literals(schema.get('properties').keys() | list) ~ ']::text[])') -%}{%- endif -%}
    {%- for pattern in schema.get('patternProperties', {}) -%}{%- do others.append(item ~ '.k !~ ' ~ stringx_literal(pattern)) -%}{%- endfor -%}
    {%- do others.append('not ' ~ stringx_json_holds(item ~ '.v', schema.get('additionalProperties'), root, depth + 1)) -%}
    {%- do conditions.append('not exists (select ' ~ pairs ~ ' where ' ~ others | join(' and ') ~ ')') -%}
  {%- endif -%}
  {%- if 'propertyNames' in schema -%}
    {%- do conditions.append('not exists (select ' ~ pairs ~ ' where not ' ~ stringx_json_holds('to_jsonb(' ~ item ~ '.k)', schema.get('propertyNames'), root, depth + 1) ~ ')') -%}
  {%- endif -%}
  {%- for name, wanted in schema.get('dependentRequired', {}).items() if wanted -%}
    {%- do conditions.append('(not ' ~ value ~ ' ? ' ~ stringx_literal(name) ~ '::text or ' ~ value ~ ' ?& array[' ~ stringx_literals(wanted) ~ ']::text[])') -%}
  {%- endfor -%}
  {%- for name, part in schema.get('dependentSchemas', {}).items() -%}
    {%- do conditions.append('(not ' ~ value ~ ' ? ' ~ stringx_literal(name) ~ '::text or ' ~ stringx_json_holds(value, part, root, depth) ~ ')') -%}
  {%- endfor -%}
  {{- return(conditions) -}}
{% endmacro %}


{#- The keywords that combine schemas of the same value. -#}
{% macro stringx_json_combined(value, schema, root, depth) %}
  {%- set conditions = [] -%}
  {%- for keyword, between in (('allOf', ' and '), ('anyOf', ' or '), ('oneOf', ' + ')) if keyword in schema -%}
    {%- set found = [] -%}
    {%- for part in schema.get(keyword) -%}
      {%- set valid = stringx_json_holds(value, part, root, depth) -%}
      {%- do found.append('(' ~ valid ~ ')::integer' if keyword == 'oneOf' else valid) -%}
    {%- endfor -%}
    {%- do conditions.append('(' ~ found | join(between) ~ (' = 1)' if keyword == 'oneOf' else ')')) -%}
  {%- endfor -%}
  {%- if 'not' in schema -%}{%- do conditions.append('not ' ~ stringx_json_holds(value, schema.get('not'), root, depth)) -%}{%- endif -%}
  {%- if 'if' in schema -%}
    {%- do conditions.append('case when ' ~ stringx_json_holds(value, schema.get('if'), root, depth)
                             ~ ' then ' ~ stringx_json_holds(value, schema.get('then', true), root, depth)
                             ~ ' else ' ~ stringx_json_holds(value, schema.get('else', true), root, depth) ~ ' end') -%}
  {%- endif -%}
  {{- return(conditions) -}}
{% endmacro %}
