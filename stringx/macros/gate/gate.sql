{#- Runs a specification and leaves the outcome in dbt's result. Two round trips, if every rule passes:

    1. probe: try each relation, so that a missing one makes only its own rules `error`;
    2. main: one snapshot, one scan per table, and one statement for each rule that needs its own. Each of them is isolated.

    More round trips follow, all in the same snapshot, only if a constraint does not prove what it should (its rules are then scanned), if a table's
    scan failed (its rules are then read one by one), if a rule has an error about data (which of its arguments is it?), and if rules found failures (samples).

    Some relations cannot be locked. If one of them changed while it was read, or the types of columns are not those of the probe, everything is
    read again. After three times the rules of these relations are errors. -#}
{% macro stringx_gate(spec) %}
  {%- if spec is none -%}
    {{ exceptions.raise_compiler_error("the gate test needs its specification: --vars '{\"gate\": {...}}'") }}
  {%- endif -%}
  {%- if spec.get('profile') and not spec.get('plan_only') -%}{{- return(stringx_profile(spec)) -}}{%- endif -%}
  {#- a dbt test, or a rule type of the project's own, may query the database when it is planned -#}
  {%- set early = not spec.get('plan_only') and spec.tables | map(attribute='rules') | sum(start=[]) | rejectattr('typed') | list | length > 0 -%}
  {%- do stringx_open_session() if early -%}
  {%- do stringx_project() if spec.get('looks_up_project') -%}
  {%- set planned = stringx_plan(spec) -%}
  {%- if spec.get('plan_only') -%}
    {%- do stringx_leave({'format': 'stringx-plan/1', 'verdict': 'pass', 'counts': {'fail': 0, 'error': 0}}) -%}
    {{- return(none) -}}
  {%- endif -%}
  {%- set wanted = stringx_wanted(planned) -%}
  {%- set last = namespace(tables=none, state=none, read=none, given_up=[]) -%}
  {%- for attempt in range(1000) -%}
    {%- set state = stringx_probe(spec, wanted, attempt == 0 and not early) -%}
    {%- set last.tables = stringx_with_types(stringx_with_operators(planned, state) if state.odd else planned, state) -%}
    {%- set last.state = stringx_without(state, last.given_up) if last.given_up else state -%}
    {%- set last.read = stringx_read(spec, last.tables, last.state) -%}
    {%- if not last.read.changed -%}{%- break -%}{%- endif -%}
    {%- set last.given_up = last.given_up + (last.read.changed if attempt >= 2 else []) -%}
  {%- endfor -%}
  {%- set outcome = stringx_outcome(last.tables, last.state, last.read) -%}
  {%- set statuses = outcome.tables | map(attribute='rules') | sum(start=[]) | map(attribute='status') | list -%}
  {%- if 'fail' in statuses or 'warn' in statuses -%}
    {%- set samples = stringx_samples(spec, last.tables, last.state, outcome) -%}
    {%- set outcome = stringx_with_details(outcome, samples.details, samples.notes) -%}
  {%- endif -%}
  {%- if 'error' in statuses -%}
    {%- set outcome = stringx_with_details(outcome, stringx_reasons_of_arguments(spec, last.tables, last.state, outcome), {}) -%}
  {%- endif -%}
  {%- do stringx_leave(outcome, last.read.nothing) -%}
{% endmacro %}


{#- The state of a probe, in which rules on these relations are errors. -#}
{% macro stringx_without(state, given_up) %}
  {%- set relations = dict(state.relations) -%}
  {%- for relation in given_up -%}
    {%- do relations.update({relation: dict(relations[relation], reason='it was refreshed, altered or replaced each of three times that it was read')}) -%}
  {%- endfor -%}
  {{- return(dict(state, relations=relations)) -}}
{% endmacro %}


{#- Reads all rules in one snapshot: what stringx_run returns, and `readings` (scan.sql). -#}
{% macro stringx_read(spec, tables, state) %}
  {%- set plan = stringx_slots(tables, state, stringx_wanted_proofs(tables)) -%}
  {%- set read = stringx_run(stringx_begin(spec, state, plan.proofs), spec, plan.slots, state, plan.proofs) -%}
  {%- if not read.proved -%}
    {%- set proofs = read.proofs -%}
    {%- set proved = {} -%}
    {%- for rule_key, proof in plan.proofs.items() if rule_key in proofs -%}{%- do proved.update({rule_key: proof}) -%}{%- endfor -%}
    {%- set plan = stringx_slots(tables, state, proved) -%}
    {%- set read = dict(stringx_run('', spec, plan.slots, state), proofs=proofs) -%}
  {%- endif -%}
  {%- set again = stringx_slots_again(tables, state, plan, read.results) -%}
  {%- if again -%}
    {%- set second = stringx_run('', spec, again, state) -%}
    {%- set read = dict(read, results=dict(read.results, **second.results), changed=second.changed) -%}
  {%- endif -%}
  {{- return(dict(read, readings=plan.readings, slots=plan.slots)) -}}
{% endmacro %}


{#- Stores the dbt result: failures is the number of rules that fail or could not be decided, without shadow rules. `nothing` is a dbt result without failures that came
    with the rules' values. If it is true, dbt closes the connection at once, which ends the snapshot and its locks; otherwise
    one more round trip ends them. -#}
{% macro stringx_leave(outcome, nothing=none) %}
  {%- set failures = outcome.counts.fail + outcome.counts.error -%}
  {%- if nothing is none or outcome.verdict != 'pass' or failures > 0 -%}
    {%- set nothing = stringx_end(failures, outcome.verdict == 'warn', outcome.verdict in ('fail', 'error')) -%}
  {%- endif -%}
  {%- do store_raw_result('main', message=tojson(outcome), code=none, rows_affected=none, agate_table=nothing) -%}
{% endmacro %}
