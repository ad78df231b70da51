{#- The statements of a check and their answers, both sides beside each other.

    A rule is read in one of these shapes, by values in the table's scan (`parts`), a statement of its own (`own`), or both. All values are texts.

    | shape     | values in the scan                     | values of its own statement                  |
    | --------- | -------------------------------------- | -------------------------------------------- |
    | fault     | none: it is not run                    |                                              |
    | proved    | total                                  |                                              |
    | violation | total, failures                        | the same, if it is read apart from the scan  |
    | measure   | total, measured, fails, warns, found   | the same, if it is read apart from the scan  |
    | measured  | total, or none; not used               | total, measured, fails, warns, found         |
    | statement | total, or none                         | failures, measured, found, total, remember   |
    | dbt       | total, or none; not used               | failures, should_warn, should_error          |
    | groups    | none: it is read by groups.sql         |                                              |

    stringx_slots and stringx_reading write these values; stringx_answers reads them. A rule is read apart if its aggregate sorts, which
    would make the whole scan serial, or if the window does not narrow it.

    Values that come from a row or the catalog are cut here, so that neither the server's answer nor dbt holds more: measures after 201 characters,
    of which the outcome shows 200, and `found` after 16 KiB. -#}


{#- What is run in the snapshot: {slots: {name: {sql, timezone, path, in_halves}}, readings: [of each table [{shape, fault, proof, parts, own} of each rule]],
    proofs: those of `proofs` that are still wanted}. A slot is a SELECT of one JSON list; that of a table's scan is named by the table's
    number, that of a rule's own statement by table and rule.

    PostgreSQL keeps 32 compiled regular expressions per process, and compiles anew what it has dropped: one more in a scan, and it would compile all of them for each row. A table whose rules
    have more patterns than stringx_most_patterns has further scans, `N/scan/1` and so on. A reading says which `scan` reads its parts, and from which value on (`start`).

    Statements of rules that begin with the same table expression (`shares`) are one statement, `N/shared/M`; their readings say where it is (`shared`, `place`).

    Shadow rules come last, and a table's are in a scan of their own, `N/shadows`: they can neither break nor slow down what decides. -#}
{% macro stringx_slots(tables, state, proofs) %}
  {%- set slots, readings, wanted, late = {}, [], {}, {} -%}
  {%- set of_patterns, most_patterns = stringx_of_patterns(), stringx_most_patterns() -%}
  {%- for table in tables -%}
    {%- set scans = [{'name': table.number | string, 'parts': stringx_base(table), 'path': none, 'patterns': []}] -%}
    {%- set shadow_scans = [] -%}
    {%- set unreadable = state.relations[table.relation].reason -%}
    {%- set timezone = table.spec.timezone -%}
    {%- set own_slots, readings_of_table, sharing = {}, [], {} -%}
    {%- for rule in table.rules -%}
      {%- set sql, both, rule_key = rule.sql, rule.scope.both, table.number ~ '/' ~ rule.number -%}
      {%- set needs_more = rule.relations or sql.get('fault') or sql.get('needs') -%}
      {%- set total = 'count(*)' if both is none else 'count(*) filter (where ' ~ both ~ ')' -%}
      {%- set fault = stringx_fault(table, rule, state) if needs_more else unreadable -%}
      {%- if fault is not none -%}
        {%- set reading = {'shape': 'fault', 'fault': fault, 'parts': [], 'own': none} -%}
      {%- elif 'per' in rule.spec -%}
        {%- set reading = stringx_group_reading(rule, state) -%}
      {%- elif rule_key in proofs -%}
        {%- set reading = {'shape': 'proved', 'fault': none, 'proof': proofs[rule_key], 'parts': [total], 'own': none} -%}
        {%- do wanted.update({rule_key: proofs[rule_key]}) -%}
      {%- elif 'violation' in sql and not rule.whole_table and not sql.get('apart') and 'statement' not in sql and 'measured' not in sql -%}  {#- the usual case, inlined -#}
        {%- set reading = {'shape': 'violation', 'fault': none, 'own': none,
                           'parts': [total, 'count(*) filter (where ' ~ ('' if both is none else both ~ ' and ') ~ '(' ~ sql.violation ~ '))']} -%}
      {%- else -%}
        {%- set reading = stringx_reading(rule, total, state) -%}
      {%- endif -%}
      {%- do readings_of_table.append(reading) -%}
      {%- set is_shadow = rule.spec.get('shadow') -%}
      {%- if reading.parts -%}
        {%- set open = shadow_scans if is_shadow else scans -%}
        {%- set patterns = modules.re.findall(of_patterns, reading.parts | join(' ')) -%}
        {%- if not open or patterns and open[-1].patterns and (open[-1].patterns + patterns) | unique(true) | list | length > most_patterns -%}
          {%- do open.append({'name': table.number ~ ('/shadows' if is_shadow else '/scan') ~ ('/' ~ open | length if open else ''),
                              'parts': [], 'path': none, 'patterns': []}) -%}
        {%- endif -%}
        {%- set scan = open[-1] -%}
        {%- do reading.update({'scan': scan.name, 'start': scan.parts | length}) -%}
        {%- do scan.parts.extend(reading.parts) -%}
        {%- do scan.patterns.extend(patterns | unique(true) | reject('in', scan.patterns) | list) if patterns -%}
        {%- do scan.update({'path': state.path}) if rule.runs_custom -%}
      {%- endif -%}
      {%- if reading.shares is defined -%}
        {%- set key = tojson([reading.shares['with'], is_shadow or false, rule.runs_custom]) -%}
        {%- do sharing.update({key: sharing.get(key, []) + [rule]}) -%}
      {%- elif reading.own is not none -%}
        {%- do (late if is_shadow else own_slots).update({rule_key: {'sql': reading.own, 'timezone': timezone, 'in_halves': sql.get('in_halves', false),
                                            'path': state.path if rule.runs_custom else none, 'shadow': is_shadow}}) -%}
      {%- endif -%}
    {%- endfor -%}
    {%- for rules in sharing.values() -%}
      {%- for rule in rules if rules | length > 1 -%}
        {%- do readings_of_table[rule.number].update({'shared': table.number ~ '/shared/' ~ rules[0].number, 'place': loop.index0}) -%}
      {%- endfor -%}
      {%- do (late if rules[0].spec.get('shadow') else own_slots).update(stringx_shared_slot(table, rules, readings_of_table, state)) -%}
    {%- endfor -%}
    {%- for scan in shadow_scans -%}
      {%- do late.update({scan.name: {'sql': stringx_select(table, scan.parts), 'timezone': timezone, 'path': scan.path, 'shadow': true}}) -%}
    {%- endfor -%}
    {%- for scan in scans if unreadable is none -%}
      {%- do slots.update({scan.name: {'sql': stringx_select(table, scan.parts), 'timezone': timezone, 'path': scan.path}}) -%}
    {%- endfor -%}
    {%- do slots.update(own_slots) -%}
    {%- if 'groups' in readings_of_table | map(attribute='shape') -%}
      {%- for name, slot in stringx_group_slots(table, readings_of_table, state).items() -%}{%- do (late if slot.shadow else slots).update({name: slot}) -%}{%- endfor -%}
    {%- endif -%}
    {%- do readings.append(readings_of_table) -%}
  {%- endfor -%}
  {%- do slots.update(late) -%}
  {{- return({'slots': slots, 'readings': readings, 'proofs': wanted}) -}}
{% endmacro %}


{#- {name: slot} of rules whose statements read the same (`shares`): one statement, which gives a JSON list with that of each rule. A single rule has its own statement. -#}
{% macro stringx_shared_slot(table, rules, readings, state) %}
  {%- set lists, custom = [], [] -%}
  {%- for rule in rules -%}
    {%- do lists.append('(' ~ readings[rule.number].shares.own ~ ')') -%}
    {%- do custom.append(rule) if rule.runs_custom -%}
  {%- endfor -%}
  {%- set slot = {'timezone': table.spec.timezone, 'path': state.path if custom else none, 'shadow': rules[0].spec.get('shadow')} -%}
  {%- if rules | length == 1 -%}
    {{- return({table.number ~ '/' ~ rules[0].number: dict(slot, sql=readings[rules[0].number].own)}) -}}
  {%- endif -%}
  {{- return({readings[rules[0].number].shared: dict(slot, sql='with ' ~ readings[rules[0].number].shares['with'] ~ '\nselect ' ~ stringx_list(lists))}) -}}
{% endmacro %}


{#- How many regular expressions one scan may have: a few less than PostgreSQL keeps compiled. -#}
{% macro stringx_most_patterns() %}{{- return(28) -}}{% endmacro %}


{#- A regular expression that finds those of SQL, as literals behind an operator or in a function's call. It may find others, too, which does no harm. -#}
{% macro stringx_of_patterns() %}
  {{- return("(?i)(?:~[*]?[)]?|\\bfrom|\\bto|\\bregexp_[a-z_]+[(][^']*,)\\s*(E?'(?:[^']|'')*')") -}}
{% endmacro %}


{#- How a rule is read whose shape is not the usual one. A rule type says by `total` where a statement's total comes from. -#}
{% macro stringx_reading(rule, total, state) %}
  {%- set sql, both = rule.sql, rule.scope.both -%}
  {%- set parts = [total] if sql.get('total', 'scan') == 'scan' or rule.scope.where is not none else [] -%}
  {%- set ctes = stringx_ctes(rule, state) if state.renamed else '' -%}
  {%- if 'dbt' in sql -%}
    {%- set values = ['left(failures::text, 201)', 'left(should_warn::text, 20)', 'left(should_error::text, 20)'] -%}
    {%- set own = 'select ' ~ stringx_list(values) ~ ' from (' ~ sql.statement ~ '\n) as counted' -%}
    {{- return({'shape': 'dbt', 'fault': none, 'parts': parts, 'own': own}) -}}
  {%- elif 'statement' in sql -%}
    {%- set values = ['left(failures::text, 201)', 'left(measured::text, 201)', stringx_found('found') if sql.found else 'null',
                      'total' if sql.get('total') == 'own' else 'null'] -%}
    {%- if sql.remembers -%}{%- do values.append(stringx_remembered()) -%}{%- endif -%}
    {%- set own = ctes ~ 'select ' ~ stringx_list(values) ~ ' from (' ~ sql.statement ~ '\n) as counted' -%}
    {%- set reading = {'shape': 'statement', 'fault': none, 'parts': parts, 'own': own} -%}
    {%- if 'shares' in sql and not ctes -%}
      {%- do reading.update({'shares': {'with': sql.shares['with'], 'own': 'select ' ~ stringx_list(values) ~ ' from (' ~ sql.shares.statement ~ '\n) as counted'}}) -%}
    {%- endif -%}
    {{- return(reading) -}}
  {%- elif 'measured' in sql -%}
    {%- set values = ['total', 'left(measured::text, 201)', 'fails', 'warns', stringx_found('found') if sql.found else 'null'] -%}
    {%- if sql.remembers -%}{%- do values.append(stringx_remembered()) -%}{%- endif -%}
    {%- set own = 'select ' ~ stringx_list(values) ~ ' from (' ~ sql.measured ~ '\n) as measured' -%}
    {{- return({'shape': 'measured', 'fault': none, 'parts': parts, 'own': own}) -}}
  {%- elif 'violation' in sql -%}
    {%- set shape, values = 'violation', [total, 'count(*) filter (where ' ~ ('' if both is none else both ~ ' and ') ~ '(' ~ sql.violation ~ '))'] -%}
  {%- else -%}
    {%- set tells, measured = sql.get('tells'), '(' ~ sql.measure ~ ')' -%}
    {%- set shown = 'case when ' ~ measured ~ " is distinct from null then '' end" if tells == 'nothing'
                    else sql.shown if sql.shown else measured if tells == 'whole' else 'left(' ~ measured ~ '::text, 201)' -%}
    {%- set fails = stringx_outside(sql.measure, sql.get('bounds', rule.spec.arguments), sql.get('fact')) -%}
    {%- set warns = stringx_outside(sql.measure, sql.get('warn_bounds', rule.spec.arguments.get('warn', {})), sql.get('fact')) -%}
    {%- set shape, values = 'measure', [total, shown, fails, warns, stringx_found(sql.found) if sql.found else 'null'] -%}
  {%- endif -%}
  {%- if sql.get('apart') or rule.whole_table -%}
    {%- set own = ctes ~ 'select ' ~ stringx_list(values) ~ ' from ' ~ rule.scope.relation ~ stringx_where(both) -%}
    {{- return({'shape': shape, 'fault': none, 'parts': [], 'own': own}) -}}
  {%- endif -%}
  {{- return({'shape': shape, 'fault': none, 'parts': values, 'own': none}) -}}
{% endmacro %}


{#- What was read of a table: {row_count, window_nulls, rules: [answer]}, texts or none. An answer has the values of its rule's shape by their names;
    or the `error` of a statement, {sqlstate, message}; or is `silent`, without values, if its own statement gave no row. -#}
{% macro stringx_answers(table, readings, read) %}
  {%- set number, results = table.number | string, read.results -%}
  {%- set first = results.get(number) -%}
  {%- set base = first if first is sequence and first is not mapping else results.get(number ~ '/base', {}) -%}
  {%- set row_count, window_nulls = base[:2] if base is sequence and base is not mapping else (none, none) -%}
  {%- set of_groups = stringx_group_answers(table, read.slots, results) if 'groups' in readings | map(attribute='shape') else {} -%}
  {%- set answers = [] -%}
  {%- for reading in readings -%}
    {%- set shape, rule_key = reading.shape, number ~ '/' ~ loop.index0 -%}
    {%- set scan = results.get(reading.scan) if reading.parts else none -%}
    {%- set parts = scan[reading.start:reading.start + reading.parts | length] if scan is sequence and scan is not mapping else results.get(rule_key ~ '/parts', []) -%}
    {%- set own = results.get(rule_key) -%}
    {%- if own is none and reading.shared is defined -%}
      {%- set shared = results.get(reading.shared) -%}
      {%- set own = shared if shared is mapping else fromjson(shared[reading.place]) if shared and shared[reading.place] is not none else none -%}
    {%- endif -%}
    {%- if shape == 'groups' -%}
      {%- do answers.append(of_groups[loop.index0]) -%}
    {%- elif parts is mapping or own is mapping -%}
      {%- do answers.append({'error': parts if parts is mapping else own, 'silent': false}) -%}
    {%- elif shape == 'fault' or reading.own is not none and not own -%}
      {%- do answers.append({'error': none, 'silent': true}) -%}
    {%- elif shape == 'proved' -%}
      {%- do answers.append({'error': none, 'silent': false, 'total': parts[0], 'words': read.proofs[rule_key]}) -%}
    {%- elif shape == 'violation' -%}
      {%- set total, failures = parts if reading.own is none else own -%}
      {%- do answers.append({'error': none, 'silent': false, 'total': total, 'failures': failures}) -%}
    {%- elif shape in ('measure', 'measured') -%}
      {%- set values = parts if reading.own is none else own -%}
      {%- set total, measured, fails, warns, found = values[:5] -%}
      {%- do answers.append({'error': none, 'silent': false, 'total': total, 'measured': measured, 'fails': fails, 'warns': warns, 'found': found,
                             'remember': values[5] if values | length > 5 else none}) -%}
    {%- elif shape == 'statement' -%}
      {%- set failures, measured, found, own_total = own[:4] -%}
      {%- do answers.append({'error': none, 'silent': failures is none, 'total': parts[0] if parts else none, 'failures': failures, 'measured': measured,
                             'found': found, 'own_total': own_total, 'remember': own[4] if own | length > 4 else none}) -%}
    {%- else -%}
      {%- set failures, should_warn, should_error = own -%}
      {%- do answers.append({'error': none, 'silent': failures is none, 'failures': failures, 'should_warn': should_warn, 'should_error': should_error}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return({'row_count': row_count, 'window_nulls': window_nulls, 'rules': answers}) -}}
{% endmacro %}


{#- The slots after a scan or a shared statement has failed: the same rule by rule, so that only the faulty rule is an error. Those of a scan have `parts` and `from`, for engines on which
    scans cost so much that the faulty rule is found by halves. -#}
{% macro stringx_slots_again(tables, state, plan, results) %}
  {%- set again, late = {}, {} -%}
  {%- for table in tables -%}
    {%- if results.get(table.number | string) is mapping -%}
      {%- do again.update({table.number ~ '/base': {'sql': stringx_select(table, stringx_base(table)), 'timezone': table.spec.timezone, 'parts': stringx_base(table), 'from': stringx_from(table)}}) -%}
    {%- endif -%}
    {%- for rule in table.rules if plan.readings[table.number][rule.number].parts and results.get(plan.readings[table.number][rule.number].scan) is mapping -%}
      {%- set is_shadow = rule.spec.get('shadow') -%}
      {%- do (late if is_shadow else again).update({table.number ~ '/' ~ rule.number ~ '/parts': {
            'sql': stringx_select(table, plan.readings[table.number][rule.number].parts), 'timezone': table.spec.timezone,
            'parts': plan.readings[table.number][rule.number].parts, 'from': stringx_from(table),
            'path': state.path if rule.runs_custom else none, 'shadow': is_shadow}}) -%}
    {%- endfor -%}
    {%- for rule in table.rules if plan.readings[table.number][rule.number].shared is defined and results.get(plan.readings[table.number][rule.number].shared) is mapping -%}
      {%- do (late if rule.spec.get('shadow') else again).update({table.number ~ '/' ~ rule.number: {
            'sql': plan.readings[table.number][rule.number].own, 'timezone': table.spec.timezone,
            'path': state.path if rule.runs_custom else none, 'shadow': rule.spec.get('shadow')}}) -%}
    {%- endfor -%}
    {%- do again.update(stringx_group_slots_again(table, plan.readings[table.number], plan.slots, results, state)) -%}
  {%- endfor -%}
  {%- do again.update(late) -%}
  {{- return(again) -}}
{% endmacro %}


{% macro stringx_select(table, parts) %}
  {%- set window_or_null = none if table.window is none else '(' ~ table.window ~ ' or ' ~ stringx_name(table.spec.window.column) ~ ' is null)' -%}
  {{- return('select ' ~ stringx_list(parts) ~ ' from ' ~ table.relation ~ stringx_where(window_or_null)) -}}
{% endmacro %}


{#- What follows the values in a scan. -#}
{% macro stringx_from(table) %}
  {%- set window_or_null = none if table.window is none else '(' ~ table.window ~ ' or ' ~ stringx_name(table.spec.window.column) ~ ' is null)' -%}
  {{- return(' from ' ~ table.relation ~ stringx_where(window_or_null)) -}}
{% endmacro %}


{#- The first two values of a scan: rows in the window; rows whose window column is NULL. -#}
{% macro stringx_base(table) %}
  {%- set nulls = 'null' if table.window is none else 'count(*) filter (where ' ~ stringx_name(table.spec.window.column) ~ ' is null)' -%}
  {{- return(['count(*)' ~ stringx_filter([table.window]), nulls]) -}}
{% endmacro %}


{#- Why a rule cannot be run, as far as is known before anything is run, or none. -#}
{% macro stringx_fault(table, rule, state) %}
  {%- set unreadable = state.relations[table.relation].reason -%}
  {%- if rule.spec.get('fault') -%}{{- return(rule.spec.fault) -}}{%- endif -%}
  {%- if unreadable is not none -%}{{- return(unreadable) -}}{%- endif -%}  {#- so nothing is known of its columns -#}
  {%- for relation in rule.relations if state.relations[relation].reason is not none -%}
    {{- return(state.relations[relation].reason) -}}
  {%- endfor -%}
  {%- if rule.sql.get('fault') -%}{{- return(rule.sql.fault) -}}{%- endif -%}
  {%- if state.server_version < rule.sql.get('needs', 0) -%}
    {{- return('needs PostgreSQL ' ~ rule.sql.needs // 10000 ~ ' or newer; this server is ' ~ state.server_version // 10000) -}}
  {%- endif -%}
  {{- return(none) -}}
{% endmacro %}
