{#- Measures the columns of a table instead of deciding rules (`profile` in the specification), in one snapshot:

    1. probe, as for a check: whether the table can be read, and the types of its columns;
    2. the snapshot with what the catalog knows, and the server's estimate of the rows: are they sampled?
    3. one scan with the aggregates of all columns (a wide table's in several: _PARTS). If it fails it is read in halves, down to the column
       that cannot be read, and of that its measures one by one: a broken column hides no other;
    4. a statement for each column that groups its values, and one for the quantiles of a column that may be shown;
    5. if no column tells rows apart, pairs of columns that might, and all columns together;
    6. over some rows, how steady columns are along the table, and which are never above others (tenths.sql).

    Values of rows are read of columns that may be shown (stringx_shown), and of no other. -#}
{% macro stringx_profile(spec) %}
  {%- set table = spec.tables[0] -%}
  {%- set relation = stringx_name(table.schema) ~ '.' ~ stringx_name(table.name) -%}
  {%- set wanted = {'relations': [relation], 'names': [], 'all_columns': true, 'sql': false, 'code': false, 'casts': [], 'patterns': [], 'qualified': []} -%}
  {%- set last = namespace(state=none, found={'reason': none, 'changed': true}) -%}
  {%- for attempt in range(3) -%}
    {%- set last.state = stringx_probe(spec, wanted, attempt == 0) -%}
    {%- set reason = last.state.relations[relation].reason -%}
    {%- set last.found = stringx_profiled(spec, table, relation, last.state) if reason is none else {'reason': reason, 'changed': false, 'nothing': none} -%}
    {%- if not last.found.changed -%}{%- break -%}{%- endif -%}
  {%- endfor -%}
  {%- if last.found.changed -%}
    {%- set last.found = dict(last.found, reason='it was refreshed, altered or replaced each of three times that it was read') -%}
  {%- endif -%}
  {%- do stringx_leave(stringx_profile_outcome(table, relation, last.state, last.found), last.found.nothing) -%}
{% endmacro %}


{#- {reason: why there is no profile, or none; changed: whether it has to be read again; snapshot_at; nothing: as stringx_run returns it; measured: what
    stringx_profile_outcome passes on}. -#}
{% macro stringx_profiled(spec, table, relation, state) %}
  {%- set zone = table.timezone -%}
  {%- set looked_up = {'catalog': {'sql': stringx_catalog(relation), 'timezone': zone}, 'estimate': {'sql': stringx_estimate(relation), 'timezone': zone},
                       'moments': {'sql': stringx_moments(), 'timezone': zone}} -%}
  {%- set read = stringx_run(stringx_begin(spec, state, {}), spec, looked_up, state) -%}
  {%- set catalog, moments = read.results.catalog, read.results.moments -%}
  {%- set found = {'reason': none, 'changed': read.changed, 'snapshot_at': read.snapshot_at, 'nothing': read.nothing, 'measured': none} -%}
  {%- if read.changed -%}{{- return(found) -}}{%- endif -%}
  {%- if catalog is mapping or moments is mapping -%}
    {{- return(dict(found, reason=stringx_reason(catalog if catalog is mapping else moments))) -}}
  {%- elif not catalog -%}
    {{- return(dict(found, reason='the table does not exist any more')) -}}
  {%- endif -%}
  {%- set catalog = catalog[0] -%}
  {%- set asked = spec.profile.columns -%}
  {%- set missing = (asked or []) | reject('in', catalog.columns | map(attribute='name') | list) | list -%}
  {%- if missing -%}
    {{- return(dict(found, reason=modules.re.sub('\\s+', ' ', 'column "' ~ missing[0] ~ '" does not exist')[:300])) -}}
  {%- endif -%}
  {%- set sampling = stringx_sampling(spec.profile, catalog, stringx_estimated(read.results.estimate), relation, state.facts[relation]) -%}
  {%- set facts, shown, unique = state.facts[relation], stringx_shown({'spec': table}), stringx_unique_columns(catalog) -%}
  {%- set columns = [] -%}
  {%- for column in catalog.columns if asked is none or column.name in asked -%}
    {%- do columns.append(dict(column, number=loop.index0, fact=facts.get(column.name) or {'type': column.type, 'family': 'other', 'cast': '', 'schema': none, 'operators': []},
                               shown=column.name in shown, unique=column.name in unique)) -%}
  {%- endfor -%}
  {%- set scan = stringx_profile_scan(spec, table, sampling.source, columns, moments) -%}
  {%- if scan.reason is not none -%}
    {{- return(dict(found, reason=scan.reason)) -}}
  {%- endif -%}
  {%- set grouped = stringx_profile_groups(spec, table, sampling.source, columns, scan.columns, state.server_version) -%}
  {%- set pairs = stringx_profile_pairs(spec, table, sampling, columns, scan, grouped.columns) -%}
  {%- set along = stringx_profile_tenths(spec, table, relation, catalog, sampling, columns, scan) -%}
  {%- set of_columns = [] -%}
  {%- for column in columns -%}
    {%- set of_scan, of_groups = scan.columns[column.number], grouped.columns.get(column.number, {}) -%}
    {%- do of_columns.append({
          'name': column.name, 'type': column.type, 'family': column.fact.family, 'comment': column.comment, 'not_null': column.not_null,
          'is_generated': column.is_generated, 'is_identity': column.is_identity, 'enum': column.enum, 'shown': column.shown,
          'error': of_scan.error or of_groups.get('error'), 'measures': dict(dict(of_scan.measures, **of_groups.get('measures', {})), **along.tenths.get(column.number, {}))}) -%}
  {%- endfor -%}
  {%- set again = stringx_run('', spec, {}, state) -%}
  {%- set measured = {'relation': catalog.relation, 'comment': catalog.comment, 'rows': scan.rows, 'estimate': sampling.estimate, 'sample': sampling.sample,
                      'columns': of_columns, 'constraints': catalog.constraints, 'foreign_keys': catalog.foreign_keys, 'pairs': pairs, 'comparisons': along.comparisons,
                      'notes': sampling.notes + stringx_profile_notes(table, catalog, columns, state.server_version)} -%}
  {{- return(dict(found, changed=again.changed, nothing=again.nothing, measured=measured)) -}}
{% endmacro %}


{#- What is read, and how: {source: SQL after FROM, sample: {method, share, seed} or none, estimate, notes}. A table is sampled above `sampled_above` rows, or if
    `sample_rows` asks for it. -#}
{% macro stringx_sampling(profile, catalog, estimate, relation, facts) %}
  {%- set asked = profile.sample_rows -%}
  {%- set wanted = asked if asked is not none else profile.default_rows if estimate is not none and estimate > profile.sampled_above else none -%}
  {%- set whole = {'source': relation, 'sample': none, 'estimate': estimate, 'notes': []} -%}
  {%- if wanted is none -%}
    {{- return(whole) -}}
  {%- elif not catalog.may_be_sampled -%}
    {{- return(dict(whole, notes=['a ' ~ catalog.relation ~ ' cannot be sampled: all of its rows were read'])) -}}
  {%- elif estimate is none or wanted >= estimate -%}
    {{- return(dict(whole, notes=['it has no more than about ' ~ wanted ~ ' rows: all were read'])) -}}
  {%- endif -%}
  {%- set method = 'system' if estimate > profile.sampled_above else 'bernoulli' -%}
  {%- set source = stringx_sampled(relation, catalog, facts, method, wanted / estimate, estimate, profile.seed) -%}
  {%- if source is none -%}
    {{- return(dict(whole, notes=['it cannot be sampled, because no column tells its rows apart: all of them were read'])) -}}
  {%- endif -%}
  {{- return({'source': source, 'estimate': estimate, 'notes': [],
              'sample': {'method': method, 'share': wanted / estimate, 'seed': profile.seed}}) -}}
{% endmacro %}


{% macro stringx_profile_notes(table, catalog, columns, server_version) %}
  {%- set names, notes = catalog.columns | map(attribute='name') | list, [] -%}
  {%- set absent = stringx_shown({'spec': table}) | reject('in', names) | list -%}
  {%- if absent -%}
    {%- do notes.append(modules.re.sub('\\s+', ' ', 'key or sample_columns name what is no column of the table: ' ~ absent[:5] | join(', '))) -%}
  {%- endif -%}
  {{- return(notes + stringx_profile_lacks(columns | map(attribute='fact.family') | list, server_version)) -}}
{% endmacro %}


{#- The columns that a constraint or an index makes unique by themselves, for all rows that are read. -#}
{% macro stringx_unique_columns(catalog) %}
  {%- set names = [] -%}
  {%- for one in catalog.constraints if one.kind in ('primary_key', 'unique') and one.is_valid and one.is_whole and one.columns | length == 1 -%}
    {%- do names.append(one.columns[0]) -%}
  {%- endfor -%}
  {{- return(names) -}}
{% endmacro %}


{#- The outcome of a gate test with a profile in place of rules: it passes if the table could be read. -#}
{% macro stringx_profile_outcome(table, relation, state, found) %}
  {%- set verdict = 'pass' if found.reason is none else 'error' -%}
  {%- set of_table = {'schema': table.schema, 'name': table.name, 'row_count': found.measured.rows if found.measured else none, 'window_nulls': none,
                      'verdict': verdict, 'reason': found.reason, 'rules': [],
                      'notes': stringx_notes({'relation': relation, 'rules': []}, state.relations) if found.reason is none else []} -%}
  {%- set outcome = {'format': 'stringx-gate/1', 'snapshot_at': found.get('snapshot_at') or modules.datetime.datetime.now(modules.pytz.utc).isoformat(), 'server_version': state.server_version,
                     'tables': [of_table], 'verdict': verdict, 'counts': {'pass': 0, 'warn': 0, 'fail': 0, 'error': 0 if found.reason is none else 1},
                     'profile': found.measured if found.reason is none else none} -%}
  {%- if state.standby -%}{%- do outcome.update({'standby': {'replayed_at': state.standby.replayed_at}}) -%}{%- endif -%}
  {{- return(outcome) -}}
{% endmacro %}
