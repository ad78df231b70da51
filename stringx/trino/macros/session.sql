{#- The session and its statements, which run by methods of the adapter (api/engine/trino_statements.py), because Jinja catches no error. There is no transaction: tables of Iceberg are read at
    a snapshot, which the probe looks up. -#}


{#- The connections are opened by the probe. -#}
{% macro stringx_open_session() %}{% endmacro %}
{% macro stringx_begin(spec, state, proofs) %}{{- return('') -}}{% endmacro %}


{#- Runs slots (gate/scan.sql). Returns {results: {name: a JSON list, or the error {sqlstate, message}}, changed: relations that were to be at one state and are at another,
    proofs, proved, snapshot_at, nothing}. No constraint proves anything: every rule is scanned. -#}
{% macro stringx_run(header, spec, slots, state=none, proofs={}) %}
  {%- if proofs -%}{{- return({'results': {}, 'changed': [], 'proofs': {}, 'proved': false, 'snapshot_at': stringx_snapshot_at(), 'nothing': none}) -}}{%- endif -%}
  {%- set results, alone, together = {}, {}, {} -%}
  {%- for name, slot in slots.items() -%}
    {%- if slot.parts is defined -%}
      {%- do together.setdefault(tojson([slot.from, slot.timezone, slot.get('shadow') or false]), {}).update({name: slot}) -%}
    {%- else -%}
      {%- do alone.update({name: slot}) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- for some in together.values() -%}{%- do results.update(stringx_halves(some, true)) -%}{%- endfor -%}
  {%- set answers = adapter.stringx_answers(alone.values() | list) -%}
  {%- for name in alone -%}
    {%- set answer = answers[loop.index0] -%}
    {%- do results.update({name: answer if answer is mapping else fromjson(answer) if answer is not none else none}) -%}
  {%- endfor -%}
  {{- return({'results': results, 'changed': adapter.stringx_changed() if state else [], 'proofs': {}, 'proved': true, 'snapshot_at': stringx_snapshot_at(), 'nothing': none}) -}}
{% endmacro %}


{#- {name: a JSON list or the error} of slots that read the same rows, all of which failed together if `failed`: each half by one query, and again that half which fails. So a faulty rule among n costs
    about 2 log2(n) scans, and n of them less than 2n. -#}
{% macro stringx_halves(slots, failed) %}
  {%- set names, results = slots | list, {} -%}
  {%- if not (failed and names | length > 1) -%}
    {%- set lists = [] -%}
    {%- for slot in slots.values() -%}{%- do lists.append(stringx_list(slot.parts)) -%}{%- endfor -%}
    {%- set first = slots[names[0]] -%}
    {%- set answer = adapter.stringx_answers([{'sql': 'select ' ~ stringx_list(lists) ~ first.from, 'timezone': first.timezone, 'shadow': first.get('shadow')}])[0] -%}
    {%- if answer is string -%}
      {%- for text in fromjson(answer) -%}{%- do results.update({names[loop.index0]: fromjson(text)}) -%}{%- endfor -%}
      {{- return(results) -}}
    {%- elif names | length == 1 -%}
      {{- return({names[0]: answer}) -}}
    {%- endif -%}
  {%- endif -%}
  {%- set middle = names | length // 2 -%}
  {%- for half in (names[:middle], names[middle:]) -%}
    {%- set of_half = {} -%}
    {%- for name in half -%}{%- do of_half.update({name: slots[name]}) -%}{%- endfor -%}
    {%- do results.update(stringx_halves(of_half, false)) -%}
  {%- endfor -%}
  {{- return(results) -}}
{% endmacro %}


{% macro stringx_snapshot_at() %}{{- return(adapter.stringx_now().replace(' ', 'T') ~ 'Z') -}}{% endmacro %}


{#- Whether all statements of a check read one snapshot: some tables have none. -#}
{% macro stringx_is_one_snapshot() %}{{- return(false) -}}{% endmacro %}


{#- A dbt result; no query is needed for it. -#}
{% macro stringx_end(failures, should_warn, should_error) %}{{- return(adapter.stringx_result(failures, should_warn, should_error)) -}}{% endmacro %}


{#- The select list of one JSON list of texts. -#}
{% macro stringx_list(parts) %}{{- return('json_format(cast(' ~ stringx_texts(parts) ~ ' as json))') -}}{% endmacro %}


{#- The JSON text of a rule's `found`. If it is too large, of its fault alone: without one the rule would be decided. -#}
{% macro stringx_found(json) %}
  {%- set text = 'json_format(' ~ json ~ ')' -%}
  {{- return('case when length(to_utf8(' ~ text ~ ')) <= 16384 then ' ~ text ~ ' else json_format(' ~ stringx_object({'fault': stringx_text_of_member(text, 'fault')}) ~ ') end') -}}
{% endmacro %}


{#- What a rule's next check gets, as a text; of at most 64 KiB. -#}
{% macro stringx_remembered() %}
  {{- return("case when length(to_utf8(json_format(remember))) > 65536 then 'too large' else json_format(remember) end") -}}
{% endmacro %}


{#- One line for an error {sqlstate, message}, without a value of a row: Trino's text is there only if it names what the SQL says, not data; otherwise the error's name. -#}
{% macro stringx_reason(error) %}
  {%- if error.sqlstate == '57014' -%}{{- return('it took longer than its share of the timeout') -}}{%- endif -%}
  {%- if error.sqlstate == 'SX001' -%}{{- return(error.message) -}}{%- endif -%}
  {%- if error.message and error.sqlstate[:2] in ('0A', '3D', '3F', '42', '53', '54', '58', 'XX') -%}
    {{- return(modules.re.sub('\\s+', ' ', error.message)[:300]) -}}
  {%- endif -%}
  {{- return({'22P02': 'invalid text representation', '22018': 'invalid character value for cast', '22025': 'invalid escape sequence', '22003': 'numeric value out of range', '22012': 'division by zero',
              '22023': 'invalid parameter value', '22000': 'data exception'}.get(error.sqlstate, 'database error') ~ ' (SQLSTATE ' ~ error.sqlstate ~ ')') -}}
{% endmacro %}


{#- Names of a project, for dbt tests as rules: there are none here. -#}
{% macro stringx_project() %}{% endmacro %}


{#- Types of columns whose operators must be named, and names that are looked up in more than one schema: there are none here. -#}
{% macro stringx_with_operators(tables, state) %}{{- return(tables) -}}{% endmacro %}
{% macro stringx_ctes(rule, state) %}{{- return('') -}}{% endmacro %}
{% macro stringx_qualified(table, rule, relations) %}{{- return([]) -}}{% endmacro %}
{% macro stringx_broken(rule, state) %}{{- return(none) -}}{% endmacro %}


{#- Why a rule is not run, which the probe has found (refusals.sql). -#}
{% macro stringx_called(words) %}{{- return(words) -}}{% endmacro %}
