{#- The statements of samples (common/samples.sql). -#}

{#- A JSON list of those of the columns that the relation does not have. -#}
{% macro stringx_absent(relation, columns) %}
  {{- return('select to_json(list(name))::varchar from (select unnest([' ~ stringx_literals(columns) ~ ']) as name) as shown where name not in (select column_name from (describe select * from '
             ~ relation ~ '))') -}}
{% endmacro %}


{#- A text in the order of its characters; and a value, in the order of its text. -#}
{% macro stringx_in_order(text) %}{{- return(text ~ ' collate "binary"') -}}{% endmacro %}
{% macro stringx_text_in_order(value, fact) %}{{- return('cast(' ~ value ~ ' as varchar) collate "binary"') -}}{% endmacro %}


{#- {sql, columns} of the rows of a query: `shown` columns, as far as they exist. -#}
{% macro stringx_sample_of_query(rule, query, shown, state, limit, room) %}
  {%- set described = stringx_one('select to_json(list([column_name, column_type]))::varchar from (describe select * from (' ~ query ~ '\n) as violating)') -%}
  {%- set known, names, values, order = stringx_facts(fromjson(described or '[]')), [], [], [] -%}
  {%- for column in shown if column in known -%}
    {%- do names.append(column) -%}
    {%- do values.append(stringx_json('chosen.' ~ stringx_name(column), known[column])) -%}
    {%- do order.append('violating.' ~ stringx_name(column)) -%}
  {%- endfor -%}
  {%- if not names -%}{{- return(none) -}}{%- endif -%}
  {{- return({'sql': stringx_as_rows(values, 'select violating.* from (' ~ query ~ '\n) as violating order by ' ~ order | join(', ') ~ limit, room), 'columns': names}) -}}
{% endmacro %}


{#- The rows of a query as JSON (stringx_as_rows): its columns [(name, fact)], and one more that is a number, or none. -#}
{% macro stringx_rows_as_json(query, columns, number, room) %}
  {%- set values = [] -%}
  {%- for name, fact in columns -%}{%- do values.append(stringx_json('chosen.' ~ name, fact)) -%}{%- endfor -%}
  {%- do values.append('to_json(chosen.' ~ number ~ ')') if number is not none -%}
  {{- return(stringx_as_rows(values, query, room)) -}}
{% endmacro %}


{#- A value as JSON: numbers of up to 15 digits and truth values as such, all else as text, of which the beginning is shown. -#}
{% macro stringx_json(value, fact=none) %}
  {%- set family = fact.family if fact else 'text' -%}
  {%- set text = value ~ '::varchar' -%}
  {%- set digits = 'length(regexp_replace(' ~ text ~ ", '[^0-9]', '', 'g')) <= 15" -%}
  {%- set short = 'case when length(' ~ text ~ ') > 200 then to_json(left(' ~ text ~ ", 200) || '...') else to_json(" ~ text ~ ') end' -%}
  {%- if family == 'boolean' -%}{{- return('to_json(' ~ value ~ ')') -}}{%- endif -%}
  {%- if family in ('integer', 'decimal') -%}{{- return('case when ' ~ digits ~ ' then json(' ~ text ~ ') else to_json(' ~ text ~ ') end') -}}{%- endif -%}
  {%- if family == 'float' -%}
    {{- return("case when isnan(" ~ value ~ ") then to_json('NaN') when isinf(" ~ value ~ ') then to_json(case when ' ~ value ~ " > 0 then 'Infinity' else '-Infinity' end) when "
               ~ digits ~ ' then to_json(' ~ value ~ ') else to_json(' ~ text ~ ') end') -}}
  {%- elif family == 'timestamp' -%}
    {{- return("to_json(regexp_replace(replace(" ~ text ~ ", ' ', 'T'), '([+-][0-9]{2})$', '\\1:00'))") -}}
  {%- elif family in ('json', 'array', 'composite') -%}
    {{- return('case when length(' ~ text ~ ") <= 200 and not regexp_matches(to_json(" ~ value ~ ")::varchar, '[0-9.]{17}|NaN|inf') then to_json(" ~ value ~ ') else ' ~ short ~ ' end') -}}
  {%- endif -%}
  {{- return(short) -}}
{% endmacro %}


{#- The rows of a query, each as a list of these JSON values of `chosen`, as many as there is `room` for, and whether there are more. -#}
{% macro stringx_as_rows(values, query, room) %}
select json_array(coalesce(to_json(list(sized.shown order by sized.n) filter (where sized.bytes <= {{ room }})), json('[]')),
                  coalesce(bool_or(sized.bytes > {{ room }}), false))::varchar
from (
  select listed.n, listed.shown, sum(strlen(listed.shown::varchar)) over (order by listed.n) as bytes
  from (
    select chosen.stringx_place as n, json_array({{ values | join(', ') }}) as shown
    from (select row_number() over () as stringx_place, found.* from ({{ query }}) as found) as chosen
  ) as listed
) as sized
{% endmacro %}
