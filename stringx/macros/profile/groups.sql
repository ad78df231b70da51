{#- The statements of a profile that group values. -#}

{#- {columns: {number: {measures: {name: text, top: [[value, count]], quantiles: [text]}, error}}}. Values that PostgreSQL cannot group (json, points) have no distinct count, and that is
    no error. What a constraint makes unique is not grouped; its texts are measured row by row, and those whose equality is not that of their characters, too. -#}
{% macro stringx_profile_groups(spec, table, source, columns, scanned, server_version) %}
  {%- set slots, kept = {}, {} -%}
  {%- for column in columns if column.readable and scanned[column.number].measures.get('values', '0') != '0' -%}
    {%- set family, number = column.fact.family, column.number | string -%}
    {%- set name = stringx_name(column.name) -%}
    {%- set there = ' where ' ~ stringx_is_not_null(column.name) -%}
    {%- set groups = '(select ' ~ name ~ ' as v, count(*) as n from ' ~ source ~ there ~ ' group by ' ~ name ~ ')' -%}
    {%- set rows = '(select ' ~ name ~ ' as v, 1::bigint as n from ' ~ source ~ there ~ ')' -%}
    {%- set texts = stringx_profile_texts(column, server_version) if family == 'text' else {} -%}
    {%- set counts = {'distinct': 'count(*)', 'singles': 'count(*) filter (where n = 1)', 'most_common': 'max(n)'} -%}
    {%- set planned = {} -%}
    {%- if column.unique -%}
      {%- if texts -%}{%- do planned.update({'rows': (rows, texts)}) -%}{%- endif -%}
    {%- elif not column.plain and texts -%}
      {%- do planned.update({'groups': (groups, counts), 'rows': (rows, texts)}) -%}
    {%- else -%}
      {%- do planned.update({'groups': (groups, dict(counts, **texts))}) -%}
    {%- endif -%}
    {%- for kind, (values, parts) in planned.items() -%}
      {%- set with_top = kind == 'groups' and column.shown -%}
      {%- set top = ["(select json_agg(json_build_array(left(v::text, 201), n) order by n desc, v::text collate \"C\") from (select v, n from g order by n desc, v::text collate \"C\" limit 50) as t)"] if with_top else [] -%}
      {%- do kept.update({number ~ '/' ~ kind: parts.keys() | list + (['top'] if with_top else [])}) -%}
      {%- do slots.update({number ~ '/' ~ kind: {'timezone': table.timezone, 'sql': 'with g as ' ~ values ~ ' select ' ~ stringx_list(parts.values() | list + top) ~ ' from g'}}) -%}
    {%- endfor -%}
    {%- if column.shown and family in ('integer', 'decimal', 'float', 'money', 'date', 'timestamp', 'time', 'interval') -%}
      {%- set quantiles = "(percentile_disc('{0.01,0.05,0.25,0.5,0.75,0.95,0.99}'::double precision[]) within group (order by " ~ name ~ '))::text[]' -%}
      {%- do slots.update({number ~ '/quantiles': {'timezone': table.timezone, 'sql': 'select to_json(' ~ quantiles ~ ')::text from ' ~ source}}) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set read = stringx_profile_run(spec, slots) if slots else {} -%}
  {%- set found = {} -%}
  {%- for column in columns if column.readable -%}
    {%- set number = column.number | string -%}
    {%- set measures, of_column = {}, namespace(error=none) -%}
    {%- for kind in ('groups', 'rows', 'quantiles') if number ~ '/' ~ kind in read -%}
      {%- set answer = read[number ~ '/' ~ kind] -%}
      {%- if answer is mapping -%}
        {%- set ungrouped = answer.sqlstate == '42883' and kind == 'groups' and column.fact.family in ('json', 'other', 'composite', 'array', 'range') -%}
        {%- set of_column.error = of_column.error or (none if ungrouped else stringx_reason(answer)) -%}
      {%- elif kind == 'quantiles' -%}
        {%- do measures.update({'quantiles': answer}) -%}
      {%- else -%}
        {%- for name in kept[number ~ '/' ~ kind] -%}
          {%- do measures.update({name: fromjson(answer[loop.index0]) if name == 'top' and answer[loop.index0] else answer[loop.index0]}) -%}
        {%- endfor -%}
      {%- endif -%}
    {%- endfor -%}
    {%- set values = scanned[column.number].measures.get('values') -%}
    {%- if column.unique and values is not none or values == '0' -%}
      {%- do measures.update({'distinct': values, 'singles': values, 'most_common': '0' if values == '0' else '1'}) -%}
    {%- endif -%}
    {%- do found.update({column.number: {'measures': measures, 'error': of_column.error}}) -%}
  {%- endfor -%}
  {{- return({'columns': found}) -}}
{% endmacro %}


{#- {name of a measure: aggregate} of texts, over rows of `v`, a text, and `n`, how often it occurs. A format is that of the rule type, behind a cheap condition that each text of
    it meets. -#}
{% macro stringx_profile_texts(column, server_version) %}
  {%- set of_v = {'v': column.fact} -%}
  {%- set text, own = '(v::text collate "C")', stringx_text('v', column.fact) -%}
  {%- set sum = 'coalesce(sum(n) filter (where ' -%}
  {%- set parts = {
    'shortest': 'min(length(' ~ own ~ '))', 'longest': 'max(length(' ~ own ~ '))', 'length': '(sum(length(' ~ own ~ ') * n) / nullif(sum(n), 0))',
    'blanks': sum ~ stringx_rule__not_blank({'columns': ['v']}, {'types': of_v}).violation ~ '), 0)',
    'padded': sum ~ text ~ " like ' %' or " ~ text ~ " like '% '), 0)"} -%}
  {%- set cheap = {'email': '%@%', 'url': '%://%', 'uuid': '%-%-%-%-%', 'ipv4': '%.%.%.%', 'ipv6': '%:%:%', 'date': '____-__-__', 'timestamp': '____-__-___%:%', 'e164': '+%',
                   'country_alpha2': '__', 'currency': '___'} -%}
  {%- for format, like in cheap.items() -%}
    {%- do parts.update({'format ' ~ format: sum ~ 'not case when ' ~ text ~ " not like '" ~ like ~ "' then true " ~ context['stringx_format__' ~ format](text) ~ ' end), 0)'}) -%}
  {%- endfor -%}
  {%- set one_byte = 'octet_length(' ~ text ~ ') = length(' ~ text ~ ')' -%}
  {%- set shapes = {'ascii': text ~ " !~ '[^ -~]'", 'alphanumeric': text ~ " !~ '[^A-Za-z0-9]' and " ~ text ~ " <> ''", 'digits': text ~ " ~ '^[0-9]+$'",
                    'upper': text ~ ' = upper(' ~ text ~ ')', 'lower': text ~ ' = lower(' ~ text ~ ')', 'capital': text ~ " !~ '^[a-z]'",
                    'clean': 'case when ' ~ one_byte ~ " then " ~ text ~ " !~ '[\\x01-\\x1F\\x7F]' else " ~ text ~ " !~ '[\\x01-\\x1F\\x7F\\uFFFD]|[\\u00C2\\u00C3][^A-Za-z ]|\\u00E2\\u20AC' end"} -%}
  {%- for shape, holds in shapes.items() -%}{%- do parts.update({'shape ' ~ shape: sum ~ holds ~ '), 0)'}) -%}{%- endfor -%}
  {%- if server_version >= 160000 -%}
    {%- do parts.update({'format json': sum ~ 'pg_input_is_valid(' ~ own ~ ", 'json')), 0)"}) -%}
    {%- for type in ('bigint', 'numeric', 'boolean', 'date', 'timestamp') -%}
      {%- do parts.update({'castable ' ~ type: sum ~ 'pg_input_is_valid(' ~ own ~ ", '" ~ type ~ "')), 0)"}) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- if column.shown and column.plain -%}
    {%- do parts.update({'min': 'left(min(v)::text, 201)', 'max': 'left(max(v)::text, 201)'}) -%}
  {%- endif -%}
  {{- return(parts) -}}
{% endmacro %}


{#- [{columns, distinct}]: pairs of columns without NULL whose values together may tell rows apart, if no single column and no constraint does; at most six pairs, of
    tables up to two million rows. -#}
{% macro stringx_profile_pairs(spec, table, sampling, columns, scan, grouped) %}
  {%- set candidates, pairs, slots = [], [], {} -%}
  {%- set is_known = namespace(key=sampling.sample is not none or scan.rows is none or scan.rows < 2 or scan.rows > 2000000) -%}
  {%- for column in columns -%}
    {%- set distinct = grouped.get(column.number, {}).get('measures', {}).get('distinct') -%}
    {%- if distinct is not none and scan.columns[column.number].measures.get('values') == scan.rows | string -%}
      {%- if distinct | int == scan.rows -%}{%- set is_known.key = true -%}{%- endif -%}
      {%- if distinct | int > 1 -%}{%- do candidates.append({'name': column.name, 'distinct': distinct | int}) -%}{%- endif -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if is_known.key -%}{{- return([]) -}}{%- endif -%}
  {%- set best = (candidates | sort(attribute='distinct', reverse=true))[:4] -%}
  {%- for one in best -%}
    {%- set others = best[loop.index:] -%}
    {%- for other in others if one.distinct * other.distinct >= scan.rows -%}
      {%- set names = stringx_name(one.name) ~ ', ' ~ stringx_name(other.name) -%}
      {%- do pairs.append([one.name, other.name]) -%}
      {%- do slots.update({(pairs | length - 1) | string: {'timezone': table.timezone, 'sql': 'select ' ~ stringx_list(['count(*)']) ~ ' from (select 1 from ' ~ sampling.source ~ ' group by ' ~ names ~ ') as g'}}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- if spec.profile.columns is none and columns | length > 2 -%}
    {%- do pairs.append(columns | map(attribute='name') | list) -%}
    {%- do slots.update({(pairs | length - 1) | string: {'timezone': table.timezone,
        'sql': 'select ' ~ stringx_list(['count(*)']) ~ ' from (select 1 from ' ~ sampling.source ~ ' as t group by hash_record_extended(t, 0)) as g'}}) -%}
  {%- endif -%}
  {%- set read = stringx_profile_run(spec, slots) if slots else {} -%}
  {%- set found = [] -%}
  {%- for pair in pairs -%}
    {%- set answer = read[loop.index0 | string] -%}
    {%- if answer is not mapping -%}{%- do found.append({'columns': pair, 'distinct': answer[0] | int}) -%}{%- endif -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}
