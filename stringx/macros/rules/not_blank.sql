{#- A row in which any of the columns is NULL or empty: a text without characters or with white space only (that of ASCII, so that it is the same in
    every collation); empty bytes, bits, arrays or ranges; JSON's null, an empty object or list, or such a text. -#}
{% macro stringx_rule__not_blank(rule, scope) %}
  {%- set blanks = "' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)" -%}
  {%- set tests = [] -%}
  {%- for column in rule.columns -%}
    {%- set name = stringx_name(column) -%}
    {%- set fact = scope.types.get(column) -%}
    {%- set family = fact.family if fact is not none else 'text' -%}
    {%- set empty = {
      'text': 'btrim(' ~ name ~ '::text, ' ~ blanks ~ ") = ''", 'bytes': 'octet_length(' ~ name ~ ') = 0', 'bit': 'bit_length(' ~ name ~ ') = 0',
      'array': 'cardinality(' ~ name ~ ') = 0', 'range': 'isempty(' ~ name ~ ')',
      'json': 'case ' ~ ('' if fact is none else fact.type) ~ '_typeof(' ~ name ~ ") when 'null' then true when 'string' then btrim(" ~ name ~ " #>> '{}', " ~ blanks
              ~ ") = '' when 'object' then translate(" ~ name ~ '::text, ' ~ blanks ~ ", '') = '{}' when 'array' then translate(" ~ name ~ '::text, '
              ~ blanks ~ ", '') = '[]' else false end"
    }.get(family) -%}
    {%- do tests.append(stringx_is_null(column)) -%}
    {%- if empty -%}{%- do tests.append(empty) -%}{%- endif -%}
  {%- endfor -%}
  {{- return({'violation': tests | join(' or ')}) -}}
{% endmacro %}
