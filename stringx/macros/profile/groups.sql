{#- The statements of a profile that group values. -#}

{#- {columns: {number: {measures: {name: text, top: [[value, count]], quantiles: [text]}, error}}}. Values that an engine cannot group (json, points) have no distinct count, and that is
    no error. What a constraint makes unique is not grouped; its texts are measured row by row, and those whose equality is not that of their characters, too. -#}
{% macro stringx_profile_groups(spec, table, source, columns, scanned, server_version) %}
  {%- set slots, kept = {}, {} -%}
  {%- set families = stringx_profile_families() -%}
  {%- for column in columns if column.readable and scanned[column.number].measures.get('values', '0') != '0' and column.fact.family not in families.ungrouped -%}
    {%- set family, number = column.fact.family, column.number | string -%}
    {%- set name = stringx_name(column.name) -%}
    {%- set there = ' where ' ~ stringx_is_not_null(column.name) -%}
    {%- set groups = '(select ' ~ name ~ ' as v, count(*) as n from ' ~ source ~ there ~ ' group by ' ~ name ~ ')' -%}
    {%- set rows = '(select ' ~ name ~ ' as v, cast(1 as bigint) as n from ' ~ source ~ there ~ ')' -%}
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
      {%- set top = [stringx_profile_top(column.fact)] if with_top else [] -%}
      {%- do kept.update({number ~ '/' ~ kind: parts.keys() | list + (['top'] if with_top else [])}) -%}
      {%- do slots.update({number ~ '/' ~ kind: {'timezone': table.timezone, 'sql': 'with g as ' ~ values ~ ' select ' ~ stringx_list(parts.values() | list + top) ~ ' from g'}}) -%}
    {%- endfor -%}
    {%- if column.shown and family in families.quantiles -%}
      {%- do slots.update({number ~ '/quantiles': {'timezone': table.timezone, 'sql': stringx_profile_quantiles(name, source, column.fact)}}) -%}
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
        {%- set ungrouped = kind == 'groups' and stringx_cannot_group(answer, column.fact) -%}
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
    {%- if (column.unique and values is not none or values == '0') and column.fact.family not in families.ungrouped -%}
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
  {%- set text, own = stringx_profile_characters('v', column.fact), stringx_text('v', column.fact) -%}
  {%- set length = 'length(' ~ own ~ ')' -%}
  {%- set parts = {
    'shortest': 'min(' ~ length ~ ')', 'longest': 'max(' ~ length ~ ')', 'length': '(' ~ stringx_ratio('sum(' ~ length ~ ' * n)', 'nullif(sum(n), 0)') ~ ')',
    'blanks': stringx_sum_of_n(stringx_rule__not_blank({'columns': ['v']}, {'types': of_v}).violation),
    'padded': stringx_sum_of_n(text ~ " like ' %' or " ~ text ~ " like '% '")} -%}
  {%- set cheap = {'email': '%@%', 'url': '%://%', 'uuid': '%-%-%-%-%', 'ipv4': '%.%.%.%', 'ipv6': '%:%:%', 'date': '____-__-__', 'timestamp': '____-__-___%:%', 'e164': '+%',
                   'country_alpha2': '__', 'currency': '___'} -%}
  {%- for format, like in cheap.items() -%}
    {%- do parts.update({'format ' ~ format: stringx_sum_of_n('not case when ' ~ text ~ " not like '" ~ like ~ "' then true " ~ stringx_rest_of_format(format, text) ~ ' end')}) -%}
  {%- endfor -%}
  {%- for name, holds in dict(stringx_profile_shapes(text), **stringx_profile_readings(own, server_version)).items() -%}
    {%- do parts.update({name: stringx_sum_of_n(holds)}) -%}
  {%- endfor -%}
  {%- if column.shown and column.plain -%}
    {%- do parts.update({'min': stringx_profile_bound('min', 'v', column.fact), 'max': stringx_profile_bound('max', 'v', column.fact)}) -%}
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
        'sql': 'select ' ~ stringx_list(['count(*)']) ~ ' from (select 1 from ' ~ sampling.source ~ ' as t group by ' ~ stringx_whole_row('t', columns) ~ ') as g'}}) -%}
  {%- endif -%}
  {%- set read = stringx_profile_run(spec, slots) if slots else {} -%}
  {%- set found = [] -%}
  {%- for pair in pairs -%}
    {%- set answer = read[loop.index0 | string] -%}
    {%- if answer is not mapping -%}{%- do found.append({'columns': pair, 'distinct': answer[0] | int}) -%}{%- endif -%}
  {%- endfor -%}
  {{- return(found) -}}
{% endmacro %}
