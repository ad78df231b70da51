{#- What the statements of a profile (macros/profile) ask of the engine. What DuckDB decides otherwise than PostgreSQL is not measured: it is null in the profile. -#}

{#- A SELECT of one JSON list of one object, with the keys that PostgreSQL's has (stringx/macros/engines/postgres/catalog.sql). Files are a table without constraints. Constraints of
    DuckDB hold for all rows. -#}
{% macro stringx_catalog(relation) %}
  {%- set names = stringx_parts_of(relation) -%}
  {%- set is_files = stringx_location(relation) is not none -%}
  {%- set schema_is = 'database_name = current_database() and ' ~ stringx_has_name('schema_name', names.schema) -%}
  {%- set here = schema_is ~ ' and ' ~ stringx_has_name('table_name', names.name) -%}
  {%- set labels = "list_transform(regexp_extract_all(data_type, '''((?:[^'']|'''')*)''', 1), lambda label: replace(label, '''''', ''''))[:1001]" -%}
  select to_json([json_object(
    'relation', {{ "'table'" if is_files else "case when made.is_table then 'table' else 'view' end" }},
    'may_be_sampled', {{ 'true' if is_files else 'made.is_table' }},
    'comment', left(made.comment, 1001),
    'columns', (select coalesce(list(json_object(
        'name', column_name, 'type', left(data_type, 201), 'comment', left(comment, 1001), 'not_null', not is_nullable, 'is_generated', is_generated, 'is_identity', false, 'readable', true,
        'plain', true, 'enum', case when data_type like 'ENUM(%)' then {{ labels }} end) order by column_index), []) from system.main.duckdb_columns() where {{ here }}),
    'constraints', (select coalesce(list(json_object('name', left(name, 1001), 'kind', kind, 'columns', columns, 'definition', left(definition, 1001), 'is_valid', true, 'is_whole', true)
                                         order by kind <> 'primary_key', kind <> 'unique', name, definition), []) from (
      select constraint_name as name, case constraint_type when 'PRIMARY KEY' then 'primary_key' when 'UNIQUE' then 'unique' else 'check' end as kind, constraint_column_names as columns,
             case when constraint_type = 'CHECK' then 'CHECK ' || expression else constraint_text end as definition
      from system.main.duckdb_constraints() where {{ here }} and constraint_type in ('PRIMARY KEY', 'UNIQUE', 'CHECK') limit 1000) as known),
    'foreign_keys', (select coalesce(list(json_object('name', constraint_name, 'columns', constraint_column_names, 'other_schema', schema_name, 'other_name', referenced_table,
                                                      'other_columns', referenced_column_names, 'is_valid', true) order by constraint_name), [])
                     from (from system.main.duckdb_constraints() where {{ here }} and constraint_type = 'FOREIGN KEY' limit 1000) as keys)
  )])::varchar
  from (select true as is_table, comment from system.main.duckdb_tables() where {{ here }}
        union all select false, comment from system.main.duckdb_views() where {{ schema_is }} and {{ stringx_has_name('view_name', names.name) }}) as made
{% endmacro %}


{#- The number of rows, as DuckDB knows it: of a table from the catalog, of files of Parquet from their ends. That of a view, or of CSV, would have to be counted. -#}
{% macro stringx_estimate(relation) %}
  {%- set names = stringx_parts_of(relation) -%}
  {%- for name, each in stringx_locations().items() if stringx_folded(stringx_own_table(name)) == stringx_folded(relation) and each.get('format') == 'parquet' -%}
    {{- return('select to_json([count(*)])::varchar from ' ~ relation) -}}
  {%- endfor -%}
  {{- return('select to_json([estimated_size])::varchar from system.main.duckdb_tables() where database_name = current_database() and ' ~ stringx_has_name('schema_name', names.schema)
             ~ ' and ' ~ stringx_has_name('table_name', names.name)) -}}
{% endmacro %}

{% macro stringx_estimated(plan) %}
  {{- return(none if plan is mapping or not plan else plan[0]) -}}
{% endmacro %}


{#- The snapshot's moment, and those 1 h, 1 d, 7 d and 30 d before it: a JSON list of three lists, each for moments with a zone, without one, and days. -#}
{% macro stringx_moments() %}
  {%- set at = stringx_now_in_sql() ~ ' - to_hours(hours)' -%}
  select to_json([list(({{ at }})::varchar order by hours), list(({{ at }})::timestamp::varchar order by hours), list(({{ at }})::timestamp::date::varchar order by hours)])::varchar
  from (values (0), (1), (24), (168), (720)) as spans(hours)
{% endmacro %}


{#- JSON is compared by its text, and intervals by a month of 30 days: neither is grouped. DuckDB has no ranges, no money, and no empty bits. -#}
{% macro stringx_profile_families() %}
  {{- return({
    'lengths': ['bytes', 'array', 'bit'], 'blanks': ['bytes', 'array'], 'ordered': ['integer', 'decimal', 'float', 'date', 'timestamp', 'time'],
    'quantiles': ['integer', 'decimal', 'float', 'date', 'timestamp', 'time'], 'ungrouped': ['json', 'interval']
  }) -}}
{% endmacro %}


{% macro stringx_profile_lacks(families, server_version) %}
  {{- return(['castable, and the format json, are not measured on DuckDB, which reads texts in another way than PostgreSQL'] if 'text' in families else []) -}}
{% endmacro %}


{% macro stringx_sampled(relation, catalog, facts, method, share, estimate, seed) %}
  {{- return(relation ~ ' tablesample ' ~ method ~ ' (' ~ '%.9f' | format(100.0 * share) ~ '%) repeatable (' ~ seed ~ ')') -}}
{% endmacro %}


{% macro stringx_profile_odd(value, fact) %}
  {%- if fact.family == 'float' -%}{{- return({'nan': 'isnan(' ~ value ~ ')', 'infinities': 'isinf(' ~ value ~ ')', 'finite': 'isfinite(' ~ value ~ ')'}) -}}{%- endif -%}
  {{- return({'infinities': 'isinf(' ~ value ~ ')'} if fact.family in ('date', 'timestamp') else {'nan': 'false', 'infinities': 'false'} if fact.family == 'decimal' else {}) -}}
{% endmacro %}


{#- Without FILTER, whose time grows with the square of their number. -#}
{% macro stringx_of_finite(function, number, odd) %}
  {{- return(function ~ '(' ~ (stringx_when(number, [odd.finite]) if 'finite' in odd else number) ~ ')') -}}
{% endmacro %}


{% macro stringx_profile_bound(function, value, fact) %}{{- return('left(' ~ function ~ '(' ~ value ~ ')::varchar, 201)') -}}{% endmacro %}


{% macro stringx_profile_top(fact) %}
  {%- set order = 'n desc, v::varchar collate "binary"' -%}
  {{- return('(select to_json(list(json_array(left(v::varchar, 201), n) order by ' ~ order ~ ')) from (select v, n from g order by ' ~ order ~ ' limit 50) as t)') -}}
{% endmacro %}


{% macro stringx_profile_quantiles(name, source, fact) %}
  {{- return('select to_json(list_transform(quantile_disc(' ~ name ~ ', [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]), lambda one: one::varchar))::varchar from ' ~ source) -}}
{% endmacro %}


{#- DuckDB groups values of all types. -#}
{% macro stringx_cannot_group(error, fact) %}{{- return(false) -}}{% endmacro %}


{% macro stringx_whole_row(row, columns) %}{{- return('hash(' ~ row ~ ')') -}}{% endmacro %}


{% macro stringx_profile_characters(column, fact) %}{{- return('(' ~ column ~ '::varchar collate "binary")') -}}{% endmacro %}


{% macro stringx_sum_of_n(condition) %}{{- return('coalesce(sum(case when ' ~ condition ~ ' then n end), 0)') -}}{% endmacro %}


{% macro stringx_ratio(sum, by) %}{{- return(sum ~ ' / ' ~ by) -}}{% endmacro %}


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


{#- The rows of a table lie in the order of `rowid`; views and files have none. Of a large table, blocks of 2,048 rows are looked at. The memory of groups grows with
    the square of the number of aggregates. -#}
{% macro stringx_along(relation, catalog, most, rows, seed) %}
  {%- if not catalog.may_be_sampled or stringx_location(relation) is not none -%}{{- return(none) -}}{%- endif -%}
  {%- if rows <= 2 * most -%}
    {{- return({'source': '(select t.*, ntile(10) over (order by t.rowid) as "stringx tenth" from ' ~ relation ~ ' as t) as t', 'tenth': '"stringx tenth"', 'columns_at_once': 10}) -}}
  {%- endif -%}
  {%- set last = '(select max(rowid) + 1 from ' ~ relation ~ ')' -%}
  {%- set sampled = relation ~ ' as t where hash(t.rowid // 2048 + ' ~ seed ~ ') % 1000000 < ' ~ (1000000 * most / rows) | round | int -%}
  {{- return({'source': '(select t.*, least(t.rowid * 10 // ' ~ last ~ ', 9) as "stringx tenth" from ' ~ sampled ~ ') as t', 'tenth': '"stringx tenth"', 'columns_at_once': 10}) -}}
{% endmacro %}


{#- {database: under `attach`, or none for the target's own, schema, name} of a relation. -#}
{% macro stringx_parts_of(relation) %}
  {%- set names = [] -%}
  {%- for quoted in modules.re.findall('"(?:[^"]|"")+"', relation) -%}{%- do names.append(quoted[1:-1].replace('""', '"')) -%}{%- endfor -%}
  {{- return({'database': names[-3] if names | length > 2 else none, 'schema': names[-2] if names | length > 1 else 'main', 'name': names[-1]}) -}}
{% endmacro %}
