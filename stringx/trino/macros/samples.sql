{#- The statements of samples (common/samples.sql). -#}

{#- A JSON list of those of the columns that the relation does not have; a constant, which needs no query. -#}
{% macro stringx_absent(relation, columns) %}
  {%- set absent, there = [], adapter.stringx_columns('select * from ' ~ relation) | map('first') | list -%}
  {%- for column in columns if column not in there -%}{%- do absent.append(column) -%}{%- endfor -%}
  {{- return('select ' ~ stringx_literal(tojson(absent))) -}}
{% endmacro %}


{#- A text in the order of its characters; and a value, in the order of its text. -#}
{% macro stringx_in_order(text) %}{{- return(text) -}}{% endmacro %}
{% macro stringx_text_in_order(value, fact) %}
  {%- if fact and fact.family == 'bytes' -%}{{- return('to_hex(' ~ value ~ ')') -}}{%- endif -%}
  {%- if fact and not fact.sorts -%}{{- return('json_format(try_cast(' ~ value ~ ' as json))' if fact.family != 'other' else "''") -}}{%- endif -%}
  {{- return('cast(' ~ value ~ ' as varchar)') -}}
{% endmacro %}


{#- {sql, columns} of the rows of a query: `shown` columns, as far as they exist. -#}
{% macro stringx_sample_of_query(rule, query, shown, state, limit, room) %}
  {%- set violating = '(' ~ query ~ '\n) as violating' -%}
  {%- set known, names, values, order = stringx_facts(adapter.stringx_columns('select * from ' ~ violating)), [], [], [] -%}
  {%- for column in shown if column in known -%}
    {%- do names.append(column) -%}
    {%- do values.append(stringx_json('chosen.' ~ stringx_name(column), known[column])) -%}
    {%- do order.append('violating.' ~ stringx_name(column) if known[column].sorts else 'json_format(cast(violating.' ~ stringx_name(column) ~ ' as json))') -%}
  {%- endfor -%}
  {%- if not names -%}{{- return(none) -}}{%- endif -%}
  {{- return({'sql': stringx_as_rows(values, 'select violating.* from ' ~ violating ~ ' order by ' ~ order | join(', ') ~ limit, room), 'columns': names}) -}}
{% endmacro %}


{#- The rows of a query as JSON (stringx_as_rows): its columns [(name, fact)], and one more that is a number, or none. -#}
{% macro stringx_rows_as_json(query, columns, number, room) %}
  {%- set values = [] -%}
  {%- for name, fact in columns -%}{%- do values.append(stringx_json('chosen.' ~ name, fact)) -%}{%- endfor -%}
  {%- do values.append('cast(chosen.' ~ number ~ ' as json)') if number is not none -%}
  {{- return(stringx_as_rows(values, query, room)) -}}
{% endmacro %}


{#- A value as JSON: numbers of up to 15 digits and truth values as such, all else as text, of which the beginning is shown. -#}
{% macro stringx_json(value, fact=none) %}
  {%- set family = fact.family if fact else 'text' -%}
  {%- set text = 'cast(' ~ value ~ ' as varchar)' -%}
  {%- if family == 'boolean' -%}{{- return('cast(' ~ value ~ ' as json)') -}}{%- endif -%}
  {%- if family in ('integer', 'decimal') -%}
    {{- return('case when length(regexp_replace(' ~ text ~ ", '[^0-9]', '')) <= 15 then json_parse(" ~ text ~ ') else cast(' ~ text ~ ' as json) end') -}}
  {%- elif family == 'float' -%}
    {%- set number = 'json_format(cast(' ~ value ~ ' as json))' -%}
    {{- return('case when length(regexp_replace(' ~ number ~ ", '[^0-9]', '')) <= 15 then cast(" ~ value ~ ' as json) else cast(' ~ number ~ ' as json) end') -}}
  {%- elif family == 'timestamp' -%}
    {{- return('cast(replace(' ~ stringx_moment_text(value, fact) ~ ", ' ', 'T') as json)") -}}
  {%- elif family == 'bytes' -%}
    {%- set text = "'\\x' || lower(to_hex(" ~ value ~ '))' -%}
  {%- elif family == 'text' -%}
    {%- set text = "trim(trailing ' ' from " ~ text ~ ')' if fact and fact.padded else text -%}
  {%- elif family in ('array', 'composite', 'json') -%}
    {%- set text, whole = 'json_format(cast(' ~ value ~ ' as json))', 'cast(' ~ value ~ ' as json)' -%}
    {{- return('case when length(' ~ text ~ ') <= 200 and not regexp_like(' ~ text ~ ", '[0-9.]{17}') then " ~ whole ~ ' else ' ~ stringx_short(text) ~ ' end') -}}
  {%- elif family == 'other' -%}
    {%- set text = 'coalesce(try_cast(' ~ value ~ " as varchar), '?')" if fact.type in ('ipaddress',) else "case when " ~ value ~ " is not null then '?' end" -%}
  {%- endif -%}
  {{- return(stringx_short(text)) -}}
{% endmacro %}


{% macro stringx_short(text) %}
  {{- return('case when length(' ~ text ~ ') > 200 then cast(substr(' ~ text ~ ", 1, 200) || '...' as json) else cast(" ~ text ~ ' as json) end') -}}
{% endmacro %}


{#- The rows of a query, each as a list of these JSON values of `chosen`, as many as there is `room` for, and whether there are more. -#}
{% macro stringx_as_rows(values, query, room) %}
select json_format(cast(array[coalesce(cast(array_agg(sized.shown order by sized.n) filter (where sized.bytes <= {{ room }}) as json), json '[]'),
                              cast(coalesce(bool_or(sized.bytes > {{ room }}), false) as json)] as json))
from (
  select listed.n, listed.shown, sum(length(to_utf8(json_format(listed.shown)))) over (order by listed.n) as bytes
  from (
    select chosen.stringx_place as n, cast(array[{{ values | join(', ') }}] as json) as shown
    from (select row_number() over () as stringx_place, found.* from ({{ query }}) as found) as chosen
  ) as listed
) as sized
{% endmacro %}
