{#- Rules that are decided for each group of rows (`per`): which statements read them, and what their outcome says.

    All rules of a table with the same `per` are read by one grouped scan, apart from those whose aggregate sorts, or that need a statement of their own.
    The server decides each group (engines/postgres/groups.sql), so that nothing here loops over groups. If a scan fails, its rules are read one by one. -#}


{#- How many groups a rule may have, and how many values one scan reads of each. -#}
{% macro stringx_most_groups() %}{{- return({'groups': 1000, 'values': 300}) -}}{% endmacro %}


{#- How a rule with `per` is read: {shape: groups, values: aggregates of a group, or none, of a `statement` that gives them, apart: whether it has a scan of its own}, or a
    fault if its type is not made for groups. -#}
{% macro stringx_group_reading(rule, state) %}
  {%- set sql, both = rule.sql, rule.scope.both -%}
  {%- set reading = {'shape': 'groups', 'fault': none, 'parts': [], 'own': none, 'statement': none} -%}
  {%- set total = 'count(*)' ~ stringx_filter([both]) -%}
  {%- if 'measured' in sql or 'dbt' in sql or 'statement' in sql and 'of_groups' not in sql -%}
    {{- return(dict(reading, shape='fault', fault='rules of the type ' ~ rule.spec.type ~ ' cannot be decided for each group')) -}}
  {%- elif 'of_groups' in sql -%}
    {{- return(dict(reading, statement=stringx_totals_and_failures(rule, sql.of_groups), values=none, apart=true)) -}}
  {%- elif 'violation' in sql -%}
    {{- return(dict(reading, values=[total, 'count(*)' ~ stringx_filter([both, '(' ~ sql.violation ~ ')'])], apart=sql.get('apart', false))) -}}
  {%- endif -%}
  {%- set read = stringx_reading(dict(rule, whole_table=false, sql=dict(sql, apart=false)), total, state) -%}
  {{- return(dict(reading, values=read.parts, apart=sql.get('apart', false))) -}}
{% endmacro %}


{#- The slots of a table's rules with `per`, {name: slot}, with the numbers of their `rules`. A reading is in one with those of the same columns, the same window,
    and shadows among themselves. -#}
{% macro stringx_group_slots(table, readings, state) %}
  {%- set slots, open = {}, {} -%}
  {%- set of_patterns, most_patterns = stringx_of_patterns(), stringx_most_patterns() -%}
  {%- for rule in table.rules if readings[rule.number].shape == 'groups' -%}
    {%- set reading, shadow = readings[rule.number], rule.spec.get('shadow', false) -%}
    {%- set alike = tojson([rule.spec.per, rule.whole_table, shadow]) -%}
    {%- set patterns = modules.re.findall(of_patterns, reading['values'] | join(' ')) if not reading.apart else [] -%}
    {%- if reading.apart or alike not in open or open[alike].width + reading['values'] | length > stringx_most_groups()['values']
           or patterns and open[alike].patterns and (open[alike].patterns + patterns) | unique(true) | list | length > most_patterns -%}
      {%- set slot = {'rules': [], 'width': 0, 'patterns': [], 'shadow': shadow} -%}
      {%- do slots.update({table.number ~ '/groups/' ~ rule.number: slot}) -%}
      {%- do open.update({alike: slot}) if not reading.apart -%}
    {%- else -%}
      {%- set slot = open[alike] -%}
    {%- endif -%}
    {%- do slot.rules.append(rule.number) -%}
    {%- do slot.update({'width': slot.width + reading['values'] | length, 'patterns': slot.patterns + patterns}) if not reading.apart -%}
  {%- endfor -%}
  {%- set written = {} -%}
  {%- for name, slot in slots.items() -%}{%- do written.update({name: stringx_group_slot(table, slot.rules, readings, state)}) -%}{%- endfor -%}
  {{- return(written) -}}
{% endmacro %}


{% macro stringx_group_slot(table, numbers, readings, state) %}
  {%- set members, custom = [], [] -%}
  {%- for number in numbers -%}
    {%- do members.append({'rule': table.rules[number], 'reading': readings[number]}) -%}
    {%- do custom.append(number) if table.rules[number].runs_custom -%}
  {%- endfor -%}
  {{- return({'sql': stringx_grouped(table, members, state), 'timezone': table.spec.timezone, 'path': state.path if custom else none, 'rules': numbers,
              'shadow': table.rules[numbers[0]].spec.get('shadow', false)}) -}}
{% endmacro %}


{#- The slots after a grouped scan of several rules has failed: each rule in one of its own. -#}
{% macro stringx_group_slots_again(table, readings, slots, results, state) %}
  {%- set again = {} -%}
  {%- for name, slot in slots.items() if name.startswith(table.number ~ '/groups/') and slot.rules | length > 1 and results.get(name) is mapping -%}
    {%- for number in slot.rules -%}
      {%- do again.update({table.number ~ '/group/' ~ number: stringx_group_slot(table, [number], readings, state)}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(again) -}}
{% endmacro %}


{#- The answers of a table's rules with `per`, {number of the rule: {error, silent, groups}}. -#}
{% macro stringx_group_answers(table, slots, results) %}
  {%- set answers = {} -%}
  {%- for name, slot in slots.items() if name.startswith(table.number ~ '/groups/') -%}
    {%- for number in slot.rules -%}
      {%- set alone = results.get(table.number ~ '/group/' ~ number) -%}
      {%- set result = alone if alone is not none else results.get(name) -%}
      {%- if result is mapping -%}
        {%- do answers.update({number: {'error': result, 'silent': false}}) -%}
      {%- else -%}
        {%- set text = (result[0] if alone is not none else result[loop.index0]) if result else none -%}
        {%- do answers.update({number: {'error': none, 'silent': text is none, 'groups': fromjson(text) if text is not none else none}}) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(answers) -}}
{% endmacro %}


{#- The outcome of a rule with `per`, from what the server has decided: sums over all groups, the worst status, the worst groups, and what the next check
    is to remember. -#}
{% macro stringx_outcome_of_groups(rule, outcome, found) %}
  {%- set most = stringx_most_groups().groups -%}
  {%- if found.fault or found.count > most -%}
    {%- set many = 'has ' ~ '{:,}'.format(found.count) ~ ' groups, and `per` takes at most ' ~ '{:,}'.format(most) -%}
    {{- return({'reason': found.fault[:300] if found.fault else many}) -}}
  {%- endif -%}
  {%- set before = rule.spec.get('before') -%}
  {%- set compares = rule.spec.get('new_groups') is not none or rule.spec.get('missing_groups') is not none -%}
  {%- set names = (before.state.get('keys') or {}) if before and stringx_shows_groups(rule) else {} -%}
  {%- set worst = [] -%}
  {%- set on_missing = rule.spec.get('missing_groups') -%}
  {%- for hash in (found.gone or [])[:20] -%}
    {%- do worst.append({'key': names.get(hash | string), 'status': on_missing, 'failures': none, 'total': 0, 'measured': none, 'change': 'missing'}) -%}
  {%- endfor -%}
  {%- set measures = 'violation' not in rule.sql and 'of_groups' not in rule.sql -%}
  {%- for status, failures, total, measured, key, new in found.worst -%}
    {%- set shown = stringx_measure_of_group(rule, outcome, measured) if measures else {} -%}
    {%- set group = {'key': key, 'status': ['pass', 'warn', 'fail'][status], 'failures': failures, 'total': total, 'measured': shown.get('measured')} -%}
    {%- do group.update({'change': 'new'}) if new -%}
    {%- do worst.append(group) -%}
  {%- endfor -%}
  {%- set worst = worst | selectattr('status', 'equalto', 'fail') | list + worst | selectattr('status', 'equalto', 'warn') | list
                  + worst | selectattr('status', 'equalto', 'pass') | list -%}
  {%- set failing = found.failing + (found.missing if on_missing == 'fail' else 0) -%}
  {%- set warning = found.warning + (found.missing if on_missing == 'warn' else 0) -%}
  {%- set decided = stringx_measure_of_group(rule, outcome, found.measured) if measures and found.count else {} -%}
  {%- do decided.update({
    'status': 'fail' if failing else 'warn' if warning else 'pass', 'failures': none if measures else found.failures, 'total': found.total,
    'groups': {'count': found.count, 'failing': failing, 'warning': warning, 'new': found.new, 'missing': found.missing if on_missing is not none else 0,
               'compared': before is not none and compares, 'of_rows': ['pass', 'warn', 'fail'][found.of_rows or 0], 'worst': worst[:20]},
  }) -%}
  {#- a waiver of so many failures does not cover a group that nobody has seen before, or that is gone -#}
  {%- do decided.update({'uncounted': true}) if decided.groups.new or decided.groups.missing -%}
  {%- do decided.update({'nothing_there': true}) if rule.scope.where is not none and not found.count and not failing and not warning -%}
  {%- do decided.update({'remember': {'groups': found.hashes, 'keys': found['keys']}}) if compares -%}
  {{- return(decided) -}}
{% endmacro %}


{#- {measured, …} of one group, as that of a rule without groups (outcome.sql). -#}
{% macro stringx_measure_of_group(rule, outcome, text) %}
  {%- set measured = stringx_number(text) -%}
  {%- if measured is not none and (measured is string or rule.sql.row_value) -%}
    {{- return(stringx_shown_measure(rule, dict(outcome, measured=measured, found=none), text)) -}}
  {%- endif -%}
  {{- return({'measured': measured}) -}}
{% endmacro %}


{#- Whether the keys of the rule's groups may be shown: all of their columns are in key or sample_columns. -#}
{% macro stringx_shows_groups(rule) %}
  {{- return(rule.spec.per | reject('in', rule.scope.shown) | list | length == 0) -}}
{% endmacro %}
