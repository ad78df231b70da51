{#- What the statements of a profile (macros/profile) ask of the engine, beside the catalog. -#}

{#- The families of columns that have lengths beside texts, blanks beside texts, a least and a greatest value beside texts, and quantiles; and those whose values are not grouped. -#}
{% macro stringx_profile_families() %}
  {{- return({
    'lengths': ['bytes', 'array', 'bit'], 'blanks': ['bytes', 'array', 'bit', 'range', 'json'],
    'ordered': ['integer', 'decimal', 'float', 'money', 'date', 'timestamp', 'time', 'interval', 'enum'],
    'quantiles': ['integer', 'decimal', 'float', 'money', 'date', 'timestamp', 'time', 'interval'], 'ungrouped': []
  }) -}}
{% endmacro %}


{#- Notes about what is not measured, because the server cannot tell. -#}
{% macro stringx_profile_lacks(families, server_version) %}
  {%- if server_version >= 160000 or 'text' not in families -%}{{- return([]) -}}{%- endif -%}
  {{- return(['castable, and the format json, need PostgreSQL 16 or newer; this server is ' ~ server_version // 10000]) -}}
{% endmacro %}


{#- A share of a relation's rows behind FROM, the same for the same seed and for all statements of a check; none if there is no such. -#}
{% macro stringx_sampled(relation, catalog, facts, method, share, estimate, seed) %}{{- return(relation ~ stringx_tablesample(method, share, seed)) -}}{% endmacro %}


{% macro stringx_tablesample(method, share, seed) %}
  {{- return(' tablesample ' ~ method ~ ' (' ~ '%.9f' | format(100.0 * share) ~ ') repeatable (' ~ seed ~ ')') -}}
{% endmacro %}


{#- Conditions on a value, as far as its type has such values: {nan, infinities, finite: that of numbers which is no number to compute with}. -#}
{% macro stringx_profile_odd(value, fact) %}
  {%- if fact.family in ('decimal', 'float') -%}
    {{- return({'nan': value ~ " = 'NaN'", 'infinities': value ~ " in ('Infinity', '-Infinity')", 'finite': value ~ " < 'Infinity' and " ~ value ~ " > '-Infinity'"}) -}}
  {%- endif -%}
  {{- return({'infinities': value ~ " in ('infinity', '-infinity')"} if fact.family in ('date', 'timestamp') else {}) -}}
{% endmacro %}


{#- An aggregate of those numbers that are finite (`odd` of stringx_profile_odd). -#}
{% macro stringx_of_finite(function, number, odd) %}
  {{- return(function ~ '(' ~ number ~ ')' ~ (' filter (where ' ~ odd.finite ~ ')' if 'finite' in odd else '')) -}}
{% endmacro %}


{#- The beginning of the text of the least or the greatest value: one character more than is shown. -#}
{% macro stringx_profile_bound(function, value, fact) %}{{- return('left(' ~ function ~ '(' ~ value ~ ')::text, 201)') -}}{% endmacro %}


{#- Of groups `g` of values `v`, each `n` times: a JSON list of the most frequent ones, each with its number. -#}
{% macro stringx_profile_top(fact) %}
  {{- return('(select json_agg(json_build_array(left(v::text, 201), n) order by n desc, v::text collate "C") from (select v, n from g order by n desc, v::text collate "C" limit 50) as t)') -}}
{% endmacro %}


{#- A SELECT of a JSON list of the texts of seven quantiles, each a value of the column. -#}
{% macro stringx_profile_quantiles(name, source, fact) %}
  {%- set quantiles = "(percentile_disc('{0.01,0.05,0.25,0.5,0.75,0.95,0.99}'::double precision[]) within group (order by " ~ name ~ '))::text[]' -%}
  {{- return('select to_json(' ~ quantiles ~ ')::text from ' ~ source) -}}
{% endmacro %}


{#- Whether an error says that values of the type cannot be grouped. -#}
{% macro stringx_cannot_group(error, fact) %}
  {{- return(error.sqlstate == '42883' and fact.family in ('json', 'other', 'composite', 'array', 'range')) -}}
{% endmacro %}


{#- What tells a row from others as a whole: the row, or its columns. -#}
{% macro stringx_whole_row(row, columns) %}{{- return('hash_record_extended(' ~ row ~ ', 0)') -}}{% endmacro %}


{#- A text whose characters are compared and in cases as those of ASCII, whatever its collation. -#}
{% macro stringx_profile_characters(column, fact) %}{{- return('(' ~ column ~ '::text collate "C")') -}}{% endmacro %}


{#- The sum of `n` of the rows for which a condition holds. -#}
{% macro stringx_sum_of_n(condition) %}{{- return('coalesce(sum(n) filter (where ' ~ condition ~ '), 0)') -}}{% endmacro %}


{#- A sum of whole numbers divided by another. -#}
{% macro stringx_ratio(sum, by) %}{{- return(sum ~ ' / ' ~ by) -}}{% endmacro %}


{#- The rest of a CASE that is true for a text that is not of a format. -#}
{% macro stringx_rest_of_format(format, text) %}{{- return(context['stringx_format__' ~ format](text)) -}}{% endmacro %}


{#- {measure: condition} of what texts look like (docs/profiles.md). -#}
{% macro stringx_profile_shapes(text) %}
  {%- set one_byte = 'octet_length(' ~ text ~ ') = length(' ~ text ~ ')' -%}
  {{- return({
    'shape ascii': text ~ " !~ '[^ -~]'", 'shape alphanumeric': text ~ " !~ '[^A-Za-z0-9]' and " ~ text ~ " <> ''", 'shape digits': text ~ " ~ '^[0-9]+$'",
    'shape upper': text ~ ' = upper(' ~ text ~ ')', 'shape lower': text ~ ' = lower(' ~ text ~ ')', 'shape capital': text ~ " !~ '^[a-z]'",
    'shape clean': 'case when ' ~ one_byte ~ " then " ~ text ~ " !~ '[\\x01-\\x1F\\x7F]' else " ~ text ~ " !~ '[\\x01-\\x1F\\x7F\\uFFFD]|[\\u00C2\\u00C3][^A-Za-z ]|\\u00E2\\u20AC' end"
  }) -}}
{% endmacro %}


{#- {measure: condition} of what the server can read texts as. -#}
{% macro stringx_profile_readings(text, server_version) %}
  {%- set readings = {} -%}
  {%- if server_version >= 160000 -%}
    {%- do readings.update({'format json': 'pg_input_is_valid(' ~ text ~ ", 'json')"}) -%}
    {%- for type in ('bigint', 'numeric', 'boolean', 'date', 'timestamp') -%}
      {%- do readings.update({'castable ' ~ type: 'pg_input_is_valid(' ~ text ~ ", '" ~ type ~ "')"}) -%}
    {%- endfor -%}
  {%- endif -%}
  {{- return(readings) -}}
{% endmacro %}


{#- {source, tenth, columns_at_once: how many columns one statement reads}: about `most` of the rows, and in which tenth of the table each of them lies; none without an order. A tenth is one of the rows, or of a large table's blocks. -#}
{% macro stringx_along(relation, catalog, most, rows, seed) %}
  {%- if catalog.relation not in ('table', 'materialized view') -%}{{- return(none) -}}{%- endif -%}
  {%- if rows <= 2 * most -%}
    {{- return({'source': '(select t.*, ntile(10) over (order by t.ctid) as "stringx tenth" from ' ~ relation ~ ' as t) as t', 'tenth': '"stringx tenth"', 'columns_at_once': 300}) -}}
  {%- endif -%}
  {%- set pages = "(select greatest(pg_relation_size(t.o) / current_setting('block_size')::bigint, 1) from (select tableoid as o from " ~ relation ~ ' limit 1) as t)' -%}
  {{- return({'source': relation ~ stringx_tablesample('system', most / rows, seed), 'tenth': 'least((ctid::text::point)[0]::bigint * 10 / ' ~ pages ~ ', 9)', 'columns_at_once': 300}) -}}
{% endmacro %}
