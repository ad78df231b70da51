{#- Lists and JSON. -#}


{#- A JSON object: {name: SQL of its value}. -#}
{% macro stringx_object(members) %}
  {%- set parts = [] -%}
  {%- for name, value in members.items() -%}{%- do parts.append("'" ~ name.replace("'", "''") ~ "'" ~ ', ' ~ value) -%}{%- endfor -%}
  {{- return('json_object(' ~ parts | join(', ') ~ ')') -}}
{% endmacro %}


{#- A list of values of one type, whose first is [1]. -#}
{% macro stringx_array(values) %}{{- return('[' ~ values | join(', ') ~ ']') -}}{% endmacro %}


{#- Whether any of a list is true. -#}
{% macro stringx_any_true(list) %}{{- return('list_contains(' ~ list ~ ', true)') -}}{% endmacro %}


{#- A JSON list of those of the texts that are not NULL: the first `most`, or all, then NULL if there are none. -#}
{% macro stringx_texts_that_are(texts, most=none) %}
  {%- set there = 'list_filter([' ~ texts | join(', ') ~ '], lambda one: one is not null)' -%}
  {{- return('case when len(' ~ there ~ ') > 0 then ' ~ there ~ ' end' if most is none else there ~ '[1:' ~ most ~ ']') -}}
{% endmacro %}


{#- A list of the texts of values. -#}
{% macro stringx_texts(values) %}{{- return('[' ~ stringx_counts(values) | join('::varchar,\n') ~ '::varchar]') -}}{% endmacro %}


{#- The same expressions with count_if in place of the filtered counts of gate/scan.sql. -#}
{% macro stringx_counts(parts) %}
  {%- set start, written = 'count(*) filter (where ', [] -%}
  {%- for part in parts -%}
    {%- do written.append('coalesce(count_if((' ~ part[start | length:] ~ '), 0)' if part.startswith(start) and part.endswith(')') else part) -%}
  {%- endfor -%}
  {{- return(written) -}}
{% endmacro %}


{#- An aggregate: a JSON list with a value, or a list of several, of each row for which a condition holds, in an order; empty without rows. -#}
{% macro stringx_json_list(value, order=none, condition=none) %}
  {%- set value = value if value is string else 'json_array(' ~ value | join(', ') ~ ')' -%}
  {%- set rows = 'list(' ~ value ~ (' order by ' ~ order if order is not none else '') ~ ')' ~ (' filter (where ' ~ condition ~ ')' if condition is not none else '') -%}
  {{- return('coalesce(to_json(' ~ rows ~ "), json('[]'))") -}}
{% endmacro %}


{#- An aggregate: a JSON object with a member for each row. -#}
{% macro stringx_object_of_rows(name, value) %}{{- return('json_group_object(' ~ name ~ '::varchar, ' ~ value ~ ')') -}}{% endmacro %}


{#- The text of a member of a JSON object that is a text. -#}
{% macro stringx_text_of_member(json, name) %}{{- return(json ~ '::json ->> ' ~ stringx_literal(name)) -}}{% endmacro %}


{#- The size of a value's text. -#}
{% macro stringx_bytes(value) %}{{- return('strlen(' ~ value ~ '::varchar)') -}}{% endmacro %}


{#- How a common table expression begins: whether it is computed once, wherever it is named. -#}
{% macro stringx_as(kept) %}{{- return('as materialized' if kept else 'as not materialized') -}}{% endmacro %}


{#- A query of a list's elements, in a column. -#}
{% macro stringx_rows_of(list, column) %}{{- return('select unnest(' ~ list ~ ') as ' ~ column) -}}{% endmacro %}


{#- An aggregate: texts, with commas between them. -#}
{% macro stringx_joined(text) %}{{- return('string_agg(' ~ text ~ ", ',')") -}}{% endmacro %}


{#- A text, or its beginning if it is longer. -#}
{% macro stringx_cut(text, room) %}{{- return('case when length(' ~ text ~ ') > ' ~ room ~ ' then left(' ~ text ~ ', ' ~ room ~ ") || '...' else " ~ text ~ ' end') -}}{% endmacro %}


{% macro stringx_md5(text) %}{{- return('md5(' ~ text ~ ')') -}}{% endmacro %}


{#- JSON as one of the values that stringx_list takes. -#}
{% macro stringx_json_text(json) %}{{- return(json) -}}{% endmacro %}


{#- A query, which may begin with common table expressions, behind UNION ALL. -#}
{% macro stringx_nested(query) %}{{- return('(' ~ query ~ '\n)') -}}{% endmacro %}


{#- A text that is JSON, as JSON. -#}
{% macro stringx_json_literal(text) %}{{- return(stringx_literal(text) ~ '::json') -}}{% endmacro %}
