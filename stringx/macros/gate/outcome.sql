{#- From counts to statuses and verdicts: the one place where thresholds are decided. -#}
{% macro stringx_outcome(tables, state, read) %}
  {%- set outcomes = [] -%}
  {%- for table in tables -%}{%- do outcomes.append(stringx_table_outcome(table, state, read)) -%}{%- endfor -%}
  {%- set statuses = [] -%}
  {%- for outcome in outcomes -%}
    {%- set planned = tables[loop.index0].rules -%}
    {%- for rule in outcome.rules -%}
      {%- if not planned[loop.index0].spec.get('shadow') -%}{%- do statuses.append(rule.status) -%}{%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- set counts = {} -%}
  {%- for status in ('pass', 'warn', 'fail', 'error') -%}{%- do counts.update({status: statuses | select('equalto', status) | list | length}) -%}{%- endfor -%}
  {%- set outcome = {'format': 'stringx-gate/1', 'snapshot_at': read.snapshot_at, 'server_version': state.server_version, 'tables': outcomes,
                     'verdict': stringx_worst(outcomes | map(attribute='verdict') | list), 'counts': counts,
                     'searches_schemas': state.path is not none} -%}
  {%- if state.standby -%}{%- do outcome.update({'standby': {'replayed_at': state.standby.replayed_at}}) -%}{%- endif -%}
  {{- return(outcome) -}}
{% endmacro %}


{% macro stringx_table_outcome(table, state, read) %}
  {%- set readings = read.readings[table.number] -%}
  {%- set answers = stringx_answers(table, readings, read) -%}
  {%- set rules = [] -%}
  {%- for rule in table.rules -%}
    {%- do rules.append(stringx_rule_outcome(rule, readings[loop.index0], answers.rules[loop.index0])) -%}
  {%- endfor -%}
  {%- set row_count = answers.row_count | int if answers.row_count is not none else none -%}
  {%- set verdict = stringx_verdict(table, rules, answers.rules, row_count) -%}
  {{- return({'schema': table.spec.schema, 'name': table.spec.name, 'row_count': row_count,
              'window_nulls': answers.window_nulls | int if answers.window_nulls is not none else none,
              'verdict': verdict.verdict, 'marks': verdict.marks, 'empty': verdict.empty,
              'reason': state.relations[table.relation].reason or verdict.reason,
              'notes': stringx_notes(table, state.relations) + (table.rules | map(attribute='sql') | selectattr('note', 'defined') | map(attribute='note') | unique(true) | list),
              'rules': rules}) -}}
{% endmacro %}


{#- The outcome of a rule, from how it was read and its answer (scan.sql). -#}
{% macro stringx_rule_outcome(rule, reading, answer) %}
  {%- set sql, shape = rule.sql, reading.shape -%}
  {%- set outcome = {'id': rule.spec.id, 'status': 'error', 'failures': none, 'total': none, 'measured': none,
                     'verified_by': 'scan', 'reason': none, 'sample': none} -%}
  {%- if 'column_globs' in rule.spec and not rule.get('unmatched') -%}{%- do outcome.update({'columns': rule.spec.columns}) -%}{%- endif -%}
  {%- if reading.fault is not none or answer.error is not none -%}
    {%- do outcome.update({'reason': modules.re.sub('\\s+', ' ', reading.fault or stringx_reason(answer.error))[:300],
                           'sqlstate': answer.error.sqlstate if answer.error else none}) -%}
    {{- return(outcome) -}}
  {%- elif shape == 'proved' -%}
    {%- do outcome.update({'status': 'pass', 'failures': 0, 'total': answer.total | int, 'measured': reading.proof.get('measured'),
                           'verified_by': 'constraint', 'proof': answer.words}) -%}
    {{- return(outcome) -}}
  {%- endif -%}
  {%- if answer.remember == 'too large' -%}
    {%- do outcome.update({'reason': 'what its next check would have to know is larger than 64 KiB'}) -%}
    {{- return(outcome) -}}
  {%- elif answer.remember -%}
    {#- also where it cannot be decided yet: what the next check needs -#}
    {%- do outcome.update({'remember': fromjson(answer.remember)}) -%}
  {%- endif -%}
  {%- if sql.found and 'found' in answer -%}
    {%- set found = fromjson(answer.found or '{}') -%}
    {%- do outcome.update({'found': found, 'reason': found.fault[:300] if found.fault else none}) -%}
    {%- if found.fault -%}{{- return(outcome) -}}{%- endif -%}
  {%- endif -%}
  {%- if answer.silent -%}
    {%- do outcome.update({'reason': 'its statement gave no row, or no count of failures'}) -%}
    {{- return(outcome) -}}
  {%- elif shape == 'groups' -%}
    {%- do outcome.update(stringx_outcome_of_groups(rule, outcome, answer.groups)) -%}
    {{- return(outcome) -}}
  {%- elif shape == 'dbt' -%}
    {%- do outcome.update(stringx_dbt_outcome(rule, answer)) -%}
    {{- return(outcome) -}}
  {%- endif -%}
  {%- set total = answer.total | int if answer.total is not none else none -%}
  {%- set nothing_there = rule.scope.where is not none and total == 0 -%}
  {%- set passes = nothing_there and not sql.get('counts_rows') -%}
  {%- if passes -%}{%- do outcome.update({'nothing_there': true}) -%}{%- endif -%}
  {%- if shape in ('measure', 'measured') -%}
    {%- set status = stringx_status_of_measure(rule, answer, nothing_there, passes) -%}
    {%- do outcome.update({'total': total, 'measured': stringx_number(answer.measured), 'status': status}) -%}
  {%- else -%}
    {%- if shape == 'violation' -%}
      {%- do outcome.update({'total': total, 'failures': answer.failures | int}) -%}
    {%- else -%}
      {%- do outcome.update(stringx_counts_of_statement(sql.get('total', 'scan'), total, answer, passes)) -%}
    {%- endif -%}
    {%- set status = 'pass' if outcome.failures == 0 else 'fail' if stringx_above(outcome, rule.spec.fail_above)
                      else 'warn' if stringx_above(outcome, rule.spec.warn_above) else 'pass' -%}
    {%- do outcome.update({'status': status, 'failures': none if sql.get('holds') else outcome.failures}) -%}
  {%- endif -%}
  {%- if shape != 'violation' and answer.measured is not none and (outcome.measured is string or sql.row_value or outcome.found and outcome.found.value_type) -%}
    {%- do outcome.update(stringx_shown_measure(rule, outcome, answer.measured)) -%}
  {%- endif -%}
  {{- return(outcome) -}}
{% endmacro %}


{#- A measure without a value is outside of its bounds, unless there is no row to measure, or nothing yet to measure it against (`learns`). -#}
{% macro stringx_status_of_measure(rule, answer, nothing_there, passes) %}
  {%- if answer.measured is none and not nothing_there and not rule.sql.learns -%}{{- return('fail' if stringx_may_fail(rule) else 'warn') -}}{%- endif -%}
  {{- return('pass' if passes else 'fail' if answer.fails == 'true' else 'warn' if answer.warns == 'true' else 'pass') -}}
{% endmacro %}


{#- {total, failures, measured} of a rule with a statement of its own. `source` says where its total comes from: `scan`, `own` or `none`. `passes`: no row
    matches its `where`, and that decides. -#}
{% macro stringx_counts_of_statement(source, total_of_scan, answer, passes) %}
  {%- set own_total = answer.own_total | int if answer.own_total is not none else none -%}
  {{- return({'total': {'scan': total_of_scan, 'own': own_total, 'none': none}[source],
              'failures': 0 if passes else answer.failures | int,
              'measured': none if answer.measured is none else stringx_number(answer.measured)}) -}}
{% endmacro %}


{#- {measured, row_value, measured_hidden} of a measure that may be a row's value, from its text. It is cut as samples are, and shown only if
    the rule's columns may be shown. `row_value`: no message shows it. A rule's macro says by `row_value` what a measure is, or its statement
    by the type in `found`; otherwise its form decides whether it is a number. -#}
{% macro stringx_shown_measure(rule, outcome, text) %}
  {%- set type = outcome.found.value_type if outcome.found else none -%}
  {%- set number = not rule.sql.row_value if 'row_value' in rule.sql else type in stringx_number_types() if type
                   else modules.re.fullmatch('-?([0-9.]+([eE][+-]?[0-9]+)?|Infinity)|NaN', text) is not none -%}
  {%- set hidden = not number and (not rule.spec.columns or rule.spec.columns | reject('in', rule.scope.shown) | list | length > 0) -%}
  {%- set cut = text[:200] ~ '...' if text | length > 200 else text -%}
  {{- return({'measured': none if hidden else outcome.measured if number and cut == text else cut, 'row_value': not number, 'measured_hidden': hidden}) -}}
{% endmacro %}


{#- Whether the failures are above a threshold, or none. A share is the text of a decimal, such as 0.29, and compared in whole
    numbers: failures * 10^digits > share without its point * total. -#}
{% macro stringx_above(outcome, threshold) %}
  {%- if threshold is none -%}{{- return(false) -}}{%- endif -%}
  {%- if threshold.count is defined -%}{{- return(outcome.failures > threshold.count) -}}{%- endif -%}
  {%- set share = (threshold.share | string).partition('.') -%}
  {{- return(outcome.failures * 10 ** (share[2] | length) > (share[0] ~ share[2]) | int * outcome.total) -}}
{% endmacro %}


{#- A number, if JSON can hold it without rounding; otherwise its text. -#}
{% macro stringx_number(text) %}
  {%- if text is none or not modules.re.fullmatch('-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?', text) -%}{{- return(text) -}}{%- endif -%}
  {%- set digits = modules.re.sub('[eE].*|[^0-9]', '', text).lstrip('0') -%}
  {%- if '.' not in text and 'e' not in text | lower -%}{{- return(text | int if digits | length <= 15 else text) -}}{%- endif -%}
  {{- return(text | float if digits | length <= 15 or text | float | string == text else text) -}}
{% endmacro %}


{#- {verdict, reason, marks, empty} of a table: fail before error before warn before pass. `marks` is what each rule adds to the verdict, none if nothing;
    `empty` is what on_empty adds. An undecided rule that could only have warned counts as a warning. A shadow rule adds nothing.

    In an empty table the statuses of rules about rows are replaced: by those of row_count rules, or else by on_empty. Rules that were decided without the
    table's rows (`about_rows` is false), or on other rows than the window's, still count, and so do those that compare the number of rows (`about_empty`):
    they add to what on_empty says. -#}
{% macro stringx_verdict(table, rules, answers, row_count) %}
  {%- set empty = row_count == 0 -%}
  {%- set marks = [] -%}
  {%- set found = namespace(active=false, decides_empty=false) -%}
  {%- for rule in rules -%}
    {%- set planned = table.rules[loop.index0] -%}
    {%- if planned.spec.get('shadow') -%}
      {%- do marks.append(none) -%}
    {%- else -%}
      {%- set found.active = true -%}
      {%- if rule.status == 'error' -%}
        {%- do marks.append('error' if stringx_may_fail(planned) else 'warn') -%}
      {%- elif planned.sql.decides_empty and 'per' not in planned.spec -%}
        {%- set found.decides_empty = true -%}
        {%- do marks.append(rule.status) -%}
      {%- elif not empty or planned.sql.get('about_empty') or planned.whole_table and rule.total or rule.groups and rule.groups.missing
               or not planned.spec.get('about_rows', true) and not stringx_has_no_value(planned, rule, answers[loop.index0]) -%}
        {%- do marks.append(rule.status) -%}
      {%- else -%}
        {%- do marks.append(none) -%}
      {%- endif -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set on_empty = table.spec.get('on_empty', 'fail') if empty and not found.decides_empty else none -%}
  {%- if not found.active -%}
    {{- return({'verdict': 'error', 'reason': 'no rule was run' ~ (' that is not a shadow' if rules else ''), 'marks': marks, 'empty': none}) -}}
  {%- endif -%}
  {%- set verdict = stringx_worst(marks | reject('none') | list + ([on_empty] if on_empty else [])) -%}
  {%- set reason = none if not empty else 'there is no row to look at' ~ (' (on_empty: ' ~ on_empty ~ ')' if on_empty else '') -%}
  {{- return({'verdict': verdict, 'reason': reason, 'marks': marks, 'empty': on_empty}) -}}
{% endmacro %}


{#- Whether a rule is a measure without a value, though rows are under its `where`, and is within its bounds. -#}
{% macro stringx_has_no_value(rule, outcome, answer) %}
  {%- set nothing_there = rule.scope.where is not none and outcome.total == 0 -%}
  {{- return('fails' in answer and answer.measured is none and answer.fails != 'true' and answer.warns != 'true' and not nothing_there) -}}
{% endmacro %}


{#- Whether the rule may do more than warn: it has a threshold, or bounds of its own beside those under `warn`. -#}
{% macro stringx_may_fail(rule) %}
  {%- if 'may_fail' in rule.sql -%}{{- return(rule.sql.may_fail) -}}{%- endif -%}
  {%- if rule.sql.get('severity') and not rule.spec.get('own_thresholds') -%}{{- return(rule.sql.severity == 'ERROR') -}}{%- endif -%}
  {%- if 'measure' in rule.sql or 'measured' in rule.sql -%}
    {%- set bounds = rule.sql.get('bounds', rule.spec.arguments) -%}
    {{- return(bounds.get('min') is not none or bounds.get('max') is not none) -}}
  {%- endif -%}
  {{- return(rule.spec.fail_above is not none or rule.spec.warn_above is none) -}}
{% endmacro %}


{% macro stringx_worst(verdicts) %}
  {%- for verdict in ('fail', 'error', 'warn') if verdict in verdicts -%}{{- return(verdict) -}}{%- endfor -%}
  {{- return('pass' if verdicts else 'error') -}}
{% endmacro %}


{#- What a reader of the result must know about the relations of a table's rules. -#}
{% macro stringx_notes(table, relations) %}
  {%- set notes = [] -%}
  {%- for relation in [table.relation] + (table.rules | map(attribute='relations') | sum(start=[])) -%}
    {%- for name in relations[relation].foreign -%}
      {%- do notes.append('the foreign table ' ~ name ~ ' is neither locked nor part of the snapshot') -%}
    {%- endfor -%}
    {%- if relations[relation].note -%}{%- do notes.append(relations[relation].note) -%}{%- endif -%}
    {%- if relations[relation].hidden -%}
      {%- do notes.append('row-level security decides which rows of ' ~ relation.replace('"', '') ~ ' the check sees') -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return(notes | unique(true) | list) -}}
{% endmacro %}


{#- The outcome with more keys for some rules, {rule_key: {key: value}}, and more notes for some tables, {number: [note]}. -#}
{% macro stringx_with_details(outcome, details, notes) %}
  {%- if not details and not notes -%}{{- return(outcome) -}}{%- endif -%}
  {%- set tables = [] -%}
  {%- for table in outcome.tables -%}
    {%- set number = loop.index0 -%}
    {%- set rules = [] -%}
    {%- for rule in table.rules -%}
      {%- do rules.append(dict(rule, **details.get(number ~ '/' ~ loop.index0, {}))) -%}
    {%- endfor -%}
    {%- do tables.append(dict(table, rules=rules, notes=table.notes + notes.get(number, []))) -%}
  {%- endfor -%}
  {{- return(dict(outcome, tables=tables)) -}}
{% endmacro %}
