{#- From counts to statuses and verdicts: the one place where thresholds are decided. -#}
{% macro stringx_outcome(tables, state, read) %}
  {%- set found = [] -%}
  {%- for table in tables -%}{%- do found.append(stringx_table_outcome(table, state, read.slots)) -%}{%- endfor -%}
  {%- set statuses = found | map(attribute='rules') | sum(start=[]) | map(attribute='status') | list -%}
  {%- set counts = {} -%}
  {%- for status in ('pass', 'warn', 'fail', 'error') -%}{%- do counts.update({status: statuses | select('equalto', status) | list | length}) -%}{%- endfor -%}
  {{- return({'format': 'stringx-gate/1', 'snapshot_at': read.snapshot_at, 'server_version': state.server_version, 'tables': found,
              'verdict': stringx_worst(found | map(attribute='verdict') | list), 'counts': counts}) -}}
{% endmacro %}


{% macro stringx_table_outcome(table, state, values) %}
  {%- set unreadable = state.relations[table.relation].reason -%}
  {%- set scan = values.get(table.number | string) -%}
  {%- set whole = scan is sequence and scan is not mapping -%}
  {%- set base = scan[:2] if whole else values.get(table.number ~ '/base', {}) -%}
  {%- set based = base is sequence and base is not mapping -%}
  {%- set place = namespace(at=2) -%}
  {%- set rules = [] -%}
  {%- for rule in table.rules -%}
    {%- set key = table.number ~ '/' ~ rule.number -%}
    {%- set parts = scan[place.at:place.at + rule.parts | length] if whole else values.get(key ~ '/parts', []) -%}
    {%- set place.at = place.at + rule.parts | length -%}
    {%- do rules.append(stringx_rule_outcome(rule, parts, values.get(key))) -%}
  {%- endfor -%}
  {%- set row_count = base[0] | int if based else none -%}
  {%- set verdict = stringx_verdict(table, rules, row_count) -%}
  {{- return({'schema': table.spec.schema, 'name': table.spec.name, 'row_count': row_count,
              'window_nulls': base[1] | int if based and base[1] is not none else none,
              'verdict': verdict.verdict, 'reason': unreadable or verdict.reason,
              'notes': stringx_notes(table, state.relations) + (table.rules | map(attribute='sql') | selectattr('note', 'defined') | map(attribute='note') | unique(true) | list),
              'rules': rules}) -}}
{% endmacro %}


{#- `parts` are the rule's values from the scan, `own` those of its own statement; a mapping is an error. -#}
{% macro stringx_rule_outcome(rule, parts, own) %}
  {%- set outcome = {'id': rule.spec.id, 'status': 'error', 'failures': none, 'total': none, 'measured': none,
                     'verified_by': 'scan', 'reason': none, 'sample': none} -%}
  {%- set broken = parts if parts is mapping else own if own is mapping else none -%}
  {%- if rule.fault is not none or broken is not none -%}
    {%- do outcome.update({'reason': modules.re.sub('\\s+', ' ', rule.fault or stringx_reason(broken))[:300], 'sqlstate': broken.sqlstate if broken else none}) -%}
    {{- return(outcome) -}}
  {%- endif -%}
  {%- if rule.proof is not none -%}
    {%- do outcome.update({'status': 'pass', 'failures': 0, 'total': parts[0] | int, 'measured': rule.proof.get('measured'),
                           'verified_by': 'constraint', 'proof': rule.proof.words}) -%}
    {{- return(outcome) -}}
  {%- endif -%}
  {%- set values = own if 'measured' in rule.sql or rule.apart else parts -%}
  {%- set told = own if 'statement' in rule.sql else values -%}
  {%- if rule.sql.found and told -%}
    {%- set found = fromjson(told[2 if 'statement' in rule.sql else 4] or '{}') -%}
    {%- do outcome.update({'found': found, 'reason': found.fault[:300] if found.fault else none}) -%}
    {%- if found.fault -%}{{- return(outcome) -}}{%- endif -%}
  {%- endif -%}
  {%- set silent = rule.own is not none and (not own or ('statement' in rule.sql and own[0] is none)) -%}
  {%- if silent -%}
    {%- do outcome.update({'reason': 'its statement gave no row, or no count of failures'}) -%}
    {{- return(outcome) -}}
  {%- endif -%}
  {%- if 'dbt' in rule.sql -%}{{- return(stringx_dbt_outcome(outcome, rule, own)) -}}{%- endif -%}
  {%- set total = values[0] | int if values and values[0] is not none else none -%}
  {%- set nothing_there = rule.scope.where is not none and total == 0 -%}
  {%- if nothing_there and not rule.sql.get('counts_rows') -%}{%- do outcome.update({'nothing_there': true}) -%}{%- endif -%}
  {%- if 'measure' in rule.sql or 'measured' in rule.sql -%}
    {%- set passes = nothing_there and not rule.sql.get('counts_rows') -%}
    {%- set no_value = values[1] is none and not nothing_there -%}
    {%- set status = 'pass' if passes else 'fail' if values[2] == 'true' else 'warn' if values[3] == 'true' else 'pass' -%}
    {%- set status = ('fail' if stringx_may_fail(rule) else 'warn') if no_value else status -%}
    {%- do rule.update({'valueless': no_value and values[2] != 'true' and values[3] != 'true'}) -%}
    {%- do outcome.update({'total': total, 'measured': stringx_number(values[1]), 'status': status}) -%}
    {%- if outcome.measured is string or rule.sql.row_value or outcome.found and outcome.found.value_type -%}{%- do stringx_show_measured(outcome, rule, values[1]) -%}{%- endif -%}
    {{- return(outcome) -}}
  {%- endif -%}
  {%- if 'violation' in rule.sql -%}
    {%- do outcome.update({'total': total, 'failures': values[1] | int}) -%}
  {%- else -%}
    {%- set total = {'scan': total, 'own': own[-1] | int if own[-1] is not none else none, 'none': none}[rule.sql.get('total', 'scan')] -%}
    {%- do outcome.update({'total': total, 'failures': 0 if nothing_there else own[0] | int,
                           'measured': none if own[1] is none else stringx_number(own[1])}) -%}
    {%- if outcome.measured is string or rule.sql.row_value or outcome.found and outcome.found.value_type -%}{%- do stringx_show_measured(outcome, rule, own[1]) -%}{%- endif -%}
  {%- endif -%}
  {%- set status = 'pass' if outcome.failures == 0 else 'fail' if stringx_above(outcome, rule.spec.fail_above)
                    else 'warn' if stringx_above(outcome, rule.spec.warn_above) else 'pass' -%}
  {%- do outcome.update({'status': status}) -%}
  {%- if rule.sql.get('holds') -%}{%- do outcome.update({'failures': none}) -%}{%- endif -%}
  {{- return(outcome) -}}
{% endmacro %}


{#- Of what was measured and may be a row's value: shown, cut as samples are, only where the rule's columns may be; hidden
    (`measured_hidden`) elsewhere. `row_value`: no message tells it. A rule's macro says what it is by `row_value`, or its statement by the type
    that it found; else it is by its shape that it is a number. -#}
{% macro stringx_show_measured(outcome, rule, text) %}
  {%- if text is none -%}{{- return('') -}}{%- endif -%}
  {%- set type = outcome.found.value_type if outcome.found else none -%}
  {%- set number = not rule.sql.row_value if 'row_value' in rule.sql else type in stringx_number_types() if type
                   else modules.re.fullmatch('-?([0-9.]+([eE][+-]?[0-9]+)?|Infinity)|NaN', text) is not none -%}
  {%- set hidden = not number and (not rule.spec.columns or rule.spec.columns | reject('in', rule.scope.shown) | list | length > 0) -%}
  {%- set cut = text[:200] ~ '...' if text | length > 200 else text -%}
  {%- do outcome.update({'measured': none if hidden else outcome.measured if number and cut == text else cut, 'row_value': not number, 'measured_hidden': hidden}) -%}
{% endmacro %}


{#- A share is the text of a decimal, such as 0.29, and compared in whole numbers: failures * 10^digits > share without its point * total. -#}
{% macro stringx_above(outcome, threshold) %}
  {%- if threshold is none -%}{{- return(false) -}}{%- endif -%}
  {%- if threshold.count is defined -%}{{- return(outcome.failures > threshold.count) -}}{%- endif -%}
  {%- set share = (threshold.share | string).partition('.') -%}
  {{- return(outcome.failures * 10 ** (share[2] | length) > (share[0] ~ share[2]) | int * outcome.total) -}}
{% endmacro %}


{#- A number where it can be told in JSON without being rounded; else its text. -#}
{% macro stringx_number(text) %}
  {%- if text is none or not modules.re.fullmatch('-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?', text) -%}{{- return(text) -}}{%- endif -%}
  {%- set digits = modules.re.sub('[eE].*|[^0-9]', '', text).lstrip('0') -%}
  {%- if '.' not in text and 'e' not in text | lower -%}{{- return(text | int if digits | length <= 15 else text) -}}{%- endif -%}
  {{- return(text | float if digits | length <= 15 or text | float | string == text else text) -}}
{% endmacro %}


{#- fail before error before warn before pass; an undecided rule that could only have warned counts as a warning. Where there is no row to look
    at, what rules about rows say is replaced: by row_count rules, or else by on_empty. What was decided without the table's rows
    (`about_rows` false), or on other rows than the window's, still counts. -#}
{% macro stringx_verdict(table, rules, row_count) %}
  {%- set empty = row_count == 0 -%}
  {%- set marks = [] -%}
  {%- set deciding = [] -%}
  {%- for rule in rules -%}
    {%- set planned = table.rules[loop.index0] -%}
    {%- if rule.status == 'error' -%}
      {%- do marks.append('error' if stringx_may_fail(planned) else 'warn') -%}
    {%- elif planned.sql.decides_empty -%}
      {%- do deciding.append(rule.status) -%}
    {%- elif not empty or not (planned.spec.get('about_rows', true) or planned.valueless) or planned.whole_table and rule.total -%}
      {%- do marks.append(rule.status) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if not rules -%}{{- return({'verdict': 'error', 'reason': 'no rule was run'}) -}}{%- endif -%}
  {%- if not empty -%}{{- return({'verdict': stringx_worst(marks + deciding), 'reason': none}) -}}{%- endif -%}
  {%- set decided = stringx_worst(deciding) if deciding else table.spec.get('on_empty', 'fail') -%}
  {{- return({'verdict': stringx_worst(marks + [decided]), 'reason': 'there is no row to look at' ~ ('' if deciding else ' (on_empty: ' ~ decided ~ ')')}) -}}
{% endmacro %}


{#- Whether the rule may do more than warn: it has a threshold, or bounds of its own beside those under `warn`. -#}
{% macro stringx_may_fail(rule) %}
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
