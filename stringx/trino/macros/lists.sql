{#- Lists and JSON. Values of Trino's type JSON are made by casts, and texts of them at the end. -#}


{#- A JSON object: {name: SQL of its value}. -#}
{% macro stringx_object(members) %}
  {%- set names, values = [], [] -%}
  {%- for name, value in members.items() -%}
    {%- do names.append(stringx_literal(name)) -%}
    {%- do values.append('cast(' ~ value ~ ' as json)') -%}
  {%- endfor -%}
  {{- return('cast(map(array[' ~ names | join(', ') ~ '], array[' ~ values | join(', ') ~ ']) as json)') -}}
{% endmacro %}


{#- A list of values of one type, whose first is [1]. Trino takes up to 254 of them at once. -#}
{% macro stringx_array(values) %}
  {%- set parts = [] -%}
  {%- for some in values | batch(200) -%}{%- do parts.append('array[' ~ some | join(',\n') ~ ']') -%}{%- endfor -%}
  {{- return(parts | join(' || ')) -}}
{% endmacro %}


{#- Whether any of a list is true. -#}
{% macro stringx_any_true(list) %}{{- return('contains(' ~ list ~ ', true)') -}}{% endmacro %}


{#- A list of those of the texts that are not NULL: the first `most`, or all, then NULL if there are none. -#}
{% macro stringx_texts_that_are(texts, most=none) %}
  {%- set there = 'filter(' ~ stringx_array(texts) ~ ', one -> one is not null)' -%}
  {{- return('nullif(' ~ there ~ ', array[])' if most is none else 'slice(' ~ there ~ ', 1, ' ~ most ~ ')') -}}
{% endmacro %}


{#- A list of the texts of values. -#}
{% macro stringx_texts(values) %}
  {%- set written = [] -%}
  {%- for value in stringx_in_words(values) -%}{%- do written.append('cast(' ~ value ~ ' as varchar)') -%}{%- endfor -%}
  {{- return(stringx_array(written)) -}}
{% endmacro %}


{#- The same expressions with Trino's words for the beginning of a measure's text (gate/scan.sql). -#}
{% macro stringx_in_words(parts) %}
  {%- set start, end, written = 'left(', '::text, 201)', [] -%}
  {%- for part in parts -%}
    {%- do written.append('substr(cast(' ~ part[start | length:-(end | length)] ~ ' as varchar), 1, 201)' if part.startswith(start) and part.endswith(end) else part) -%}
  {%- endfor -%}
  {{- return(written) -}}
{% endmacro %}


{#- An aggregate: a JSON list with a value, or a list of several, of each row for which a condition holds, in an order; empty without rows. -#}
{% macro stringx_json_list(value, order=none, condition=none) %}
  {%- if value is not string -%}
    {%- set parts = [] -%}
    {%- for one in value -%}{%- do parts.append('cast(' ~ one ~ ' as json)') -%}{%- endfor -%}
    {%- set value = 'array[' ~ parts | join(', ') ~ ']' -%}
  {%- endif -%}
  {%- set rows = 'array_agg(' ~ value ~ (' order by ' ~ order if order is not none else '') ~ ')' ~ (' filter (where ' ~ condition ~ ')' if condition is not none else '') -%}
  {{- return('coalesce(cast(' ~ rows ~ " as json), json '[]')") -}}
{% endmacro %}


{#- An aggregate: a JSON object with a member for each row. -#}
{% macro stringx_object_of_rows(name, value) %}{{- return('cast(map_agg(cast(' ~ name ~ ' as varchar), cast(' ~ value ~ ' as json)) as json)') -}}{% endmacro %}


{#- The text of a member of a JSON text that is a text itself. -#}
{% macro stringx_text_of_member(json, name) %}{{- return('json_extract_scalar(' ~ json ~ ", '$." ~ name ~ "')") -}}{% endmacro %}


{#- The text of a JSON value. -#}
{% macro stringx_json_text(json) %}{{- return('json_format(' ~ json ~ ')') -}}{% endmacro %}


{#- The size of a value's text. -#}
{% macro stringx_bytes(value) %}{{- return('length(to_utf8(json_format(cast(' ~ value ~ ' as json))))') -}}{% endmacro %}


{#- An aggregate: texts, with commas between them. -#}
{% macro stringx_joined(text) %}{{- return('array_join(array_agg(' ~ text ~ "), ',')") -}}{% endmacro %}


{#- A query of a list's elements, in a column. -#}
{% macro stringx_rows_of(list, column) %}{{- return('select ' ~ column ~ ' from unnest(' ~ list ~ ') as listed(' ~ column ~ ')') -}}{% endmacro %}


{#- A text, or its beginning if it is longer. -#}
{% macro stringx_cut(text, room) %}{{- return('case when length(' ~ text ~ ') > ' ~ room ~ ' then substr(' ~ text ~ ', 1, ' ~ room ~ ") || '...' else " ~ text ~ ' end') -}}{% endmacro %}


{% macro stringx_md5(text) %}{{- return('to_hex(md5(to_utf8(' ~ text ~ ')))') -}}{% endmacro %}


{#- How a common table expression begins: Trino computes it wherever it is named. -#}
{% macro stringx_as(kept) %}{{- return('as') -}}{% endmacro %}


{#- A query, which may begin with common table expressions, behind UNION ALL. -#}
{% macro stringx_nested(query) %}{{- return('select * from (' ~ query ~ '\n) as nested') -}}{% endmacro %}


{#- A text that is JSON, as JSON. -#}
{% macro stringx_json_literal(text) %}{{- return('json ' ~ stringx_literal(text)) -}}{% endmacro %}
