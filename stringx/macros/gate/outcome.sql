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
              'verdict': verdict.verdict, 'reason': unreadable or verdict.reason, 'notes': stringx_notes(table, state.relations), 'rules': rules}) -}}
{% endmacro %}


{#- `parts` are the rule's values from the scan, `own` those of its own statement; a mapping is an error. -#}
{% macro stringx_rule_outcome(rule, parts, own) %}
  {%- set outcome = {'id': rule.spec.id, 'status': 'error', 'failures': none, 'total': none, 'measured': none,
                     'verified_by': 'scan', 'reason': none, 'sample': none} -%}
  {%- set broken = parts if parts is mapping else own if own is mapping else none -%}
  {%- if rule.fault is not none or broken is not none -%}
    {%- do outcome.update({'reason': modules.re.sub('\\s+', ' ', rule.fault or stringx_reason(broken))[:300]}) -%}
    {{- return(outcome) -}}
  {%- endif -%}
  {%- if rule.proof is not none -%}
    {%- do outcome.update({'status': 'pass', 'failures': 0, 'total': parts[0] | int, 'measured': rule.proof.get('measured'),
                           'verified_by': 'constraint', 'proof': rule.proof.words}) -%}
    {{- return(outcome) -}}
  {%- endif -%}
  {%- set silent = rule.own is not none and (not own or ('statement' in rule.sql and own[0] is none)) -%}
  {%- if silent -%}
    {%- do outcome.update({'reason': 'its statement gave no row, or no count of failures'}) -%}
    {{- return(outcome) -}}
  {%- endif -%}
  {%- if 'dbt' in rule.sql -%}{{- return(stringx_dbt_outcome(outcome, rule, own)) -}}{%- endif -%}
  {%- set values = own if 'measured' in rule.sql or rule.apart else parts -%}
  {%- set total = values[0] | int if values and values[0] is not none else none -%}
  {%- set nothing_there = rule.scope.where is not none and total == 0 -%}
  {%- if 'measure' in rule.sql or 'measured' in rule.sql -%}
    {%- set passes = nothing_there and not rule.sql.get('counts_rows') -%}
    {%- set no_value = values[1] is none and not nothing_there -%}
    {%- set status = 'pass' if passes else 'fail' if values[2] == 'true' else 'warn' if values[3] == 'true' else 'pass' -%}
    {%- set status = ('fail' if stringx_may_fail(rule) else 'warn') if no_value else status -%}
    {%- do outcome.update({'total': total, 'measured': stringx_number(values[1]), 'status': status}) -%}
    {{- return(outcome) -}}
  {%- endif -%}
  {%- if 'violation' in rule.sql -%}
    {%- do outcome.update({'total': total, 'failures': values[1] | int}) -%}
  {%- else -%}
    {%- set total = {'scan': total, 'own': own[-1] | int if own[-1] is not none else none, 'none': none}[rule.sql.get('total', 'scan')] -%}
    {%- do outcome.update({'total': total, 'failures': 0 if nothing_there else own[0] | int,
                           'measured': none if own[1] is none else stringx_number(own[1])}) -%}
  {%- endif -%}
  {%- set status = 'pass' if outcome.failures == 0 else 'fail' if stringx_above(outcome, rule.spec.fail_above)
                    else 'warn' if stringx_above(outcome, rule.spec.warn_above) else 'pass' -%}
  {%- do outcome.update({'status': status}) -%}
  {%- if rule.sql.get('holds') -%}{%- do outcome.update({'failures': none}) -%}{%- endif -%}
  {{- return(outcome) -}}
{% endmacro %}


{#- Rounded to nine digits, so that 29% of 100 rows are 29 and not 28.999999999999996. -#}
{% macro stringx_above(outcome, threshold) %}
  {%- if threshold is none -%}{{- return(false) -}}{%- endif -%}
  {%- if threshold.count is defined -%}{{- return(outcome.failures > threshold.count) -}}{%- endif -%}
  {{- return(outcome.failures > (threshold.share * outcome.total) | round(9)) -}}
{% endmacro %}


{% macro stringx_number(text) %}
  {%- if text is none -%}{{- return(none) -}}{%- endif -%}
  {{- return(text | int if modules.re.fullmatch('-?[0-9]{1,15}', text) else text) -}}
{% endmacro %}


{#- fail before error before warn before pass; an undecided rule that could only have warned counts as a warning. -#}
{% macro stringx_verdict(table, rules, row_count) %}
  {%- set marks = [] -%}
  {%- for rule in rules -%}
    {%- set only_warns = rule.status == 'error' and not stringx_may_fail(table.rules[loop.index0]) -%}
    {%- do marks.append('warn' if only_warns else rule.status) -%}
  {%- endfor -%}
  {%- set combined = stringx_worst(marks) if marks else 'error' -%}
  {%- set undecided = rules | selectattr('status', 'equalto', 'error') | list | length > 0 -%}
  {%- if not marks -%}{{- return({'verdict': 'error', 'reason': 'no rule was run'}) -}}{%- endif -%}
  {%- if row_count != 0 -%}{{- return({'verdict': combined, 'reason': none}) -}}{%- endif -%}
  {%- set deciding = [] -%}
  {%- for rule in rules -%}
    {%- if table.rules[loop.index0].sql.decides_empty and rule.status != 'error' -%}{%- do deciding.append(rule.status) -%}{%- endif -%}
  {%- endfor -%}
  {%- set decided = stringx_worst(deciding) if deciding else table.spec.get('on_empty', 'fail') -%}
  {%- set verdict = combined if undecided and decided != 'fail' else decided -%}
  {{- return({'verdict': verdict, 'reason': 'there is no row to look at' ~ ('' if deciding else ' (on_empty: ' ~ decided ~ ')')}) -}}
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
