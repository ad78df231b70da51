{#- What the statements of a profile (macros/profile) ask of the engine. What Trino decides otherwise than PostgreSQL is not measured: it is null in the profile. -#}

{#- A SELECT of one JSON list of one object, with the keys that PostgreSQL's has (stringx/macros/engines/postgres/catalog.sql). Trino knows comments and which columns are never NULL, and no other
    constraint. What its system tables do not show is left out. -#}
{% macro stringx_catalog(relation) %}
  {%- set names = [] -%}
  {%- for quoted in modules.re.findall('"(?:[^"]|"")+"', relation) -%}{%- do names.append(stringx_literal(quoted[1:-1].replace('""', '"') | lower)) -%}{%- endfor -%}
  {%- set schema, table = names[-2], names[-1] -%}
  {%- set answers = adapter.stringx_answers([
    {'sql': 'select max(table_type) from information_schema.tables where table_schema = ' ~ schema ~ ' and table_name = ' ~ table},
    {'sql': 'select max(substr(comment, 1, 1001)) from system.metadata.table_comments where catalog_name = current_catalog and schema_name = ' ~ schema ~ ' and table_name = ' ~ table},
    {'sql': 'select json_format(cast(map_agg(column_name, array[substr(remarks, 1, 1001), is_nullable]) as json)) from system.jdbc.columns where table_cat = current_catalog and table_schem = '
            ~ schema ~ ' and table_name = ' ~ table}]) -%}
  {%- set kind, comment = answers[0], answers[1] if answers[1] is string else none -%}
  {%- set known = fromjson(answers[2]) if answers[2] is string else {} -%}
  {%- set columns = [] -%}
  {%- for name, type in adapter.stringx_columns('select * from ' ~ relation) -%}
    {%- set of_column = known.get(name) or [none, none] -%}
    {%- do columns.append({'name': name, 'type': type[:201], 'comment': of_column[0], 'not_null': of_column[1] == 'NO', 'is_generated': false, 'is_identity': false, 'readable': true,
                           'plain': true, 'enum': none}) -%}
  {%- endfor -%}
  {%- set found = {'relation': 'view' if kind == 'VIEW' else 'table', 'may_be_sampled': kind != 'VIEW', 'comment': comment, 'columns': columns, 'constraints': [], 'foreign_keys': []} -%}
  {{- return('select ' ~ stringx_literal(tojson([found] if columns else []))) -}}
{% endmacro %}


{#- The planner's estimate, which is exact for tables of Iceberg. -#}
{% macro stringx_estimate(relation) %}{{- return('explain (format json) select 1 from ' ~ relation) -}}{% endmacro %}

{% macro stringx_estimated(plan) %}
  {%- set rows = plan['0'].estimates[0].outputRowCount if plan and '0' in plan else none -%}
  {{- return(rows | int if rows is number else none) -}}
{% endmacro %}


{#- The check's moment, and those 1 h, 1 d, 7 d and 30 d before it: a JSON list of three lists, each for moments with a zone, without one, and days. -#}
{% macro stringx_moments() %}
  {%- set zoned, local, days = [], [], [] -%}
  {%- for hours in (0, 1, 24, 168, 720) -%}
    {%- set moment = '(' ~ stringx_now_in_sql() ~ " - interval '" ~ hours ~ "' hour)" -%}
    {%- do zoned.append("cast(cast(" ~ moment ~ " as timestamp(6)) as varchar) || '+00:00'") -%}
    {%- do local.append('cast(cast(at_timezone(' ~ moment ~ ', current_timezone()) as timestamp(6)) as varchar)') -%}
    {%- do days.append('cast(cast(at_timezone(' ~ moment ~ ', current_timezone()) as date) as varchar)') -%}
  {%- endfor -%}
  {{- return('select json_format(cast(array[array[' ~ zoned | join(', ') ~ '], array[' ~ local | join(', ') ~ '], array[' ~ days | join(', ') ~ ']] as json))') -}}
{% endmacro %}


{#- Values of JSON, rows, maps, lists and intervals are not grouped: Trino compares them otherwise, or not at all. -#}
{% macro stringx_profile_families() %}
  {{- return({
    'lengths': ['bytes', 'array'], 'blanks': ['bytes', 'array'], 'ordered': ['integer', 'decimal', 'float', 'date', 'timestamp', 'time'],
    'quantiles': ['integer', 'decimal', 'float', 'date', 'timestamp', 'time'], 'ungrouped': ['json', 'interval', 'array', 'composite', 'other']
  }) -}}
{% endmacro %}


{% macro stringx_profile_lacks(families, server_version) %}
  {{- return(['castable, and the format json, are not measured on Trino, which reads texts in another way than PostgreSQL'] if 'text' in families else []) -}}
{% endmacro %}


{#- TABLESAMPLE would draw other rows for each statement. So rows are drawn by the hash of a column that tells nearly all of them apart, which is looked up in about 50,000 rows. -#}
{% macro stringx_sampled(relation, catalog, facts, method, share, estimate, seed) %}
  {%- set columns, parts = [], ['count(*)'] -%}
  {%- for name, fact in facts.items() if fact.family in ('integer', 'decimal', 'text', 'date', 'timestamp', 'uuid') and columns | length < 100 -%}
    {%- do columns.append(name) -%}
    {%- do parts.append('approx_distinct(' ~ stringx_name(name) ~ ')') -%}
  {%- endfor -%}
  {%- set percent = [100, 5000000 / estimate] | min -%}
  {%- set answer = adapter.stringx_answers([{'sql': 'select ' ~ stringx_list(parts) ~ ' from ' ~ relation ~ ' tablesample bernoulli (' ~ '%.9f' | format(percent) ~ ')'}])[0] -%}
  {%- set counts = fromjson(answer) if answer is string else ['0'] -%}
  {%- set best = namespace(name=none, distinct=(counts[0] | int) * 0.85) -%}
  {%- for name in columns if answer is string -%}
    {%- set distinct = counts[loop.index] | int -%}
    {%- if distinct > best.distinct -%}{%- set best.name, best.distinct = name, distinct -%}{%- endif -%}
  {%- endfor -%}
  {%- if best.name is none -%}{{- return(none) -}}{%- endif -%}
  {%- set hash = 'bitwise_and(from_big_endian_64(xxhash64(to_utf8(cast(' ~ stringx_name(best.name) ~ " as varchar) || '" ~ seed ~ "'))), 9223372036854775807)" -%}
  {{- return('(select * from ' ~ relation ~ ' where mod(' ~ hash ~ ', 1000000000) < ' ~ (share * 1000000000) | round | int ~ ') as sampled') -}}
{% endmacro %}


{% macro stringx_profile_odd(value, fact) %}
  {%- if fact.family == 'float' -%}{{- return({'nan': 'is_nan(' ~ value ~ ')', 'infinities': 'is_infinite(' ~ value ~ ')', 'finite': 'is_finite(' ~ value ~ ')'}) -}}{%- endif -%}
  {{- return({'nan': 'false', 'infinities': 'false'} if fact.family == 'decimal' else {'infinities': 'false'} if fact.family in ('date', 'timestamp') else {}) -}}
{% endmacro %}


{#- In double precision: the mean of decimals would be rounded to their digits. -#}
{% macro stringx_of_finite(function, number, odd) %}
  {{- return(function ~ '(cast(' ~ number ~ ' as double))' ~ (stringx_filter([odd.finite]) if 'finite' in odd else '')) -}}
{% endmacro %}


{#- The text of a value as PostgreSQL writes it. -#}
{% macro stringx_profile_written(value, fact) %}
  {%- if fact.family == 'float' -%}{{- return("regexp_replace(" ~ stringx_number_text(value) ~ ", '[.]0$', '')") -}}{%- endif -%}
  {%- if fact.family == 'timestamp' -%}{{- return(stringx_moment_text(value, fact)) -}}{%- endif -%}
  {{- return('to_hex(' ~ value ~ ')' if fact.family == 'bytes' else 'cast(' ~ value ~ ' as varchar)') -}}
{% endmacro %}


{#- NaN is above all numbers, as on PostgreSQL; Trino's aggregates leave it out. -#}
{% macro stringx_profile_bound(function, value, fact) %}
  {%- set text = 'substr(' ~ stringx_profile_written(function ~ '(' ~ value ~ ')', fact) ~ ', 1, 201)' -%}
  {{- return("case when bool_or(is_nan(" ~ value ~ ")) then 'NaN' else " ~ text ~ ' end' if fact.family == 'float' and function == 'max' else text) -}}
{% endmacro %}


{% macro stringx_profile_top(fact) %}
  {%- set text = 'substr(' ~ stringx_profile_written('v', fact) ~ ', 1, 201)' -%}
  {{- return('(select json_format(cast(array_agg(array[cast(w as json), cast(n as json)] order by n desc, w) as json)) from (select ' ~ text ~ ' as w, n from g order by n desc, ' ~ text
             ~ ' limit 50) as t)') -}}
{% endmacro %}


{#- Of the groups of values, so that no list of all rows is sorted. -#}
{% macro stringx_profile_quantiles(name, source, fact) %}
  {%- set texts = [] -%}
  {%- for share in ('0.01', '0.05', '0.25', '0.5', '0.75', '0.95', '0.99') -%}
    {%- do texts.append(stringx_profile_written('min_by(v, up_to) filter (where up_to >= ' ~ share ~ ' * total)', fact)) -%}
  {%- endfor -%}
  {{- return('with g as (select ' ~ name ~ ' as v, count(*) as n from ' ~ source ~ stringx_where(name ~ ' is not null') ~ ' group by ' ~ name
             ~ '), summed as (select v, sum(n) over (order by v rows unbounded preceding) as up_to, sum(n) over () as total from g) select '
             ~ stringx_list(texts) ~ ' from summed having count(*) > 0') -}}
{% endmacro %}


{#- What cannot be grouped is not asked for. -#}
{% macro stringx_cannot_group(error, fact) %}{{- return(false) -}}{% endmacro %}


{% macro stringx_whole_row(row, columns) %}{{- return(stringx_names(columns | map(attribute='name') | list) | join(', ')) -}}{% endmacro %}


{% macro stringx_profile_characters(column, fact) %}{{- return(stringx_text(column, fact)) -}}{% endmacro %}


{% macro stringx_sum_of_n(condition) %}{{- return('coalesce(sum(n)' ~ stringx_filter([condition]) ~ ', 0)') -}}{% endmacro %}


{% macro stringx_ratio(sum, by) %}{{- return('cast(' ~ sum ~ ' as double) / ' ~ by) -}}{% endmacro %}


{% macro stringx_rest_of_format(format, text) %}{{- return('else ' ~ context['stringx_format__' ~ format](text)) -}}{% endmacro %}


{#- Without upper() and lower(), which know more letters than those of ASCII. -#}
{% macro stringx_profile_shapes(text) %}
  {%- set has = {} -%}
  {%- for name, pattern in {'other': '[^ -~]', 'sign': '[^A-Za-z0-9]', 'digits': '^[0-9]+$', 'small': '[a-z]', 'large': '[A-Z]', 'start': '^[a-z]',
                            'odd': '[\\x00-\\x1F\\x7F\\x{FFFD}]|[\\x{C2}\\x{C3}][^A-Za-z ]|\\x{E2}\\x{20AC}'}.items() -%}
    {%- do has.update({name: stringx_has_match(text, pattern)}) -%}
  {%- endfor -%}
  {{- return({'shape ascii': 'not ' ~ has.other, 'shape alphanumeric': 'not ' ~ has.sign ~ ' and ' ~ text ~ " <> ''", 'shape digits': has.digits, 'shape upper': 'not ' ~ has.small,
              'shape lower': 'not ' ~ has.large, 'shape capital': 'not ' ~ has.start, 'shape clean': 'not ' ~ has.odd}) -}}
{% endmacro %}


{% macro stringx_profile_readings(text, server_version) %}{{- return({}) -}}{% endmacro %}


{#- Rows have no order. -#}
{% macro stringx_along(relation, catalog, most, rows, seed) %}{{- return(none) -}}{% endmacro %}
