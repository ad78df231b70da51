{#- What is run in the snapshot: {name: {sql, timezone, path}}, each a SELECT of one JSON list. A table's scan is named by its
    number, a rule's own statement by table and rule. Rules that cannot be run are left out; their outcome is an error.

    What comes from a row or the catalog is cut here, so that neither the server's answer nor dbt holds more: measures after 201 characters,
    of which the outcome shows 200, what else a rule found after 16 KiB.

    A rule takes `parts`, aggregates of the table's scan, or has a statement of its own, or both (its total from the scan); of one with a
    proof, only its total is read. A rule that cannot be run is taken out of `proofs`. -#}
{% macro stringx_slots(tables, state, proofs) %}
  {%- set slots = {} -%}
  {%- for table in tables -%}
    {%- set all_parts = [stringx_base(table)] -%}
    {%- set unreadable = state.relations[table.relation].reason -%}
    {%- for rule in table.rules -%}
      {%- set sql, both, place = rule.sql, rule.scope.both, table.number ~ '/' ~ rule.number -%}
      {%- set needs_more = rule.relations or sql.get('fault') or sql.get('needs') -%}
      {%- set total = 'count(*)' if both is none else 'count(*) filter (where ' ~ both ~ ')' -%}
      {%- set has_own = 'statement' in sql or 'measured' in sql -%}
      {%- set fault = stringx_fault(table, rule, state) if needs_more else unreadable -%}
      {%- set apart = not has_own and ('apart' in sql and sql.apart or rule.whole_table) -%}
      {%- set proof = proofs.get(place) -%}
      {%- do rule.update({'fault': fault, 'parts': [], 'own': none, 'total': total, 'apart': apart, 'proof': proof}) -%}
      {%- if fault is not none -%}
        {%- do proofs.pop(place, none) -%}
      {%- elif proof is not none -%}
        {%- do rule.update({'parts': [total]}) -%}
      {%- elif has_own or apart -%}
        {%- do rule.update({'parts': [] if apart else stringx_parts(rule), 'own': stringx_own(rule, state)}) -%}
      {%- elif 'violation' in sql -%}  {#- as most are: what stringx_parts gives -#}
        {%- do rule.update({'parts': [total, 'count(*) filter (where ' ~ ('' if both is none else both ~ ' and ') ~ '(' ~ sql.violation ~ '))']}) -%}
      {%- else -%}
        {%- do rule.update({'parts': stringx_parts(rule)}) -%}
      {%- endif -%}
      {%- do all_parts.append(rule.parts) -%}
    {%- endfor -%}
    {%- if unreadable is none -%}
      {%- set custom = table.rules | selectattr('runs_custom') | selectattr('parts') | list -%}
      {%- do slots.update({table.number | string: {'sql': stringx_select(table, all_parts | sum(start=[])), 'timezone': table.spec.timezone,
                                                   'path': state.path if custom else none}}) -%}
    {%- endif -%}
    {%- for rule in table.rules if rule.own is not none -%}
      {%- do slots.update({table.number ~ '/' ~ rule.number: {'sql': rule.own, 'timezone': table.spec.timezone, 'in_halves': rule.sql.get('in_halves', false),
                                                              'path': state.path if rule.runs_custom else none}}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(slots) -}}
{% endmacro %}


{#- Where a table's scan failed: the same parts rule by rule, so that the culprit alone is an error. -#}
{% macro stringx_slots_again(tables, state, slots, values) %}
  {%- set again = {} -%}
  {%- for table in tables if table.number | string in slots and values[table.number | string] is mapping -%}
    {%- do again.update({table.number ~ '/base': {'sql': stringx_select(table, stringx_base(table)), 'timezone': table.spec.timezone}}) -%}
    {%- for rule in table.rules if rule.parts -%}
      {%- do again.update({table.number ~ '/' ~ rule.number ~ '/parts': {'sql': stringx_select(table, rule.parts), 'timezone': table.spec.timezone,
                                                                   'path': state.path if rule.runs_custom else none}}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{- return(again) -}}
{% endmacro %}


{% macro stringx_select(table, parts) %}
  {%- set window_or_null = none if table.window is none else '(' ~ table.window ~ ' or ' ~ stringx_name(table.spec.window.column) ~ ' is null)' -%}
  {{- return('select ' ~ stringx_list(parts) ~ ' from ' ~ table.relation ~ stringx_where(window_or_null)) -}}
{% endmacro %}


{#- One JSON list of texts: an array, since a select list ends at 1,664 entries. -#}
{% macro stringx_list(parts) %}
  {{- return('to_json(array[' ~ parts | join('::text,\n') ~ '::text])::text') -}}
{% endmacro %}


{#- Rows in the window; rows whose window column is NULL. -#}
{% macro stringx_base(table) %}
  {%- set nulls = 'null' if table.window is none else 'count(*) filter (where ' ~ stringx_name(table.spec.window.column) ~ ' is null)' -%}
  {{- return(['count(*)' ~ stringx_filter([table.window]), nulls]) -}}
{% endmacro %}


{#- What a rule takes from the scan: its total, and by its shape failures, or a measure and whether it is out of bounds. An aggregate
    that sorts is read apart, as it would make the whole scan serial, and so is a rule that the window does not narrow. -#}
{% macro stringx_parts(rule) %}
  {%- set sql = rule.sql -%}
  {%- if 'violation' in sql -%}
    {%- set among = '' if rule.scope.both is none else rule.scope.both ~ ' and ' -%}
    {{- return([rule.total, 'count(*) filter (where ' ~ among ~ '(' ~ sql.violation ~ '))']) -}}
  {%- elif 'measure' in sql -%}
    {%- set fails = stringx_outside(sql.measure, sql.get('bounds', rule.spec.arguments), sql.get('fact')) -%}
    {%- set warns = stringx_outside(sql.measure, sql.get('warn_bounds', rule.spec.arguments.get('warn', {})), sql.get('fact')) -%}
    {%- set tells = sql.get('tells') -%}
    {%- set measured = '(' ~ sql.measure ~ ')' -%}
    {%- if tells == 'nothing' -%}{%- set measured = 'case when ' ~ measured ~ " is distinct from null then '' end" -%}  {#- it may not be shown -#}
    {%- elif tells != 'whole' -%}{%- set measured = 'left(' ~ measured ~ '::text, 201)' -%}{%- endif -%}
    {{- return([rule.total, measured, fails, warns] + ([stringx_found(sql.found)] if sql.found else [])) -}}
  {%- elif sql.get('total', 'scan') == 'scan' or rule.scope.where is not none -%}
    {{- return([rule.total]) -}}
  {%- endif -%}
  {{- return([]) -}}
{% endmacro %}


{#- The rule's own statement. `statement` gives failures, measured (and found and total, where it says so); `measured`
    gives total, measured, fails, warns (and found). -#}
{% macro stringx_own(rule, state) %}
  {%- if 'dbt' in rule.sql -%}{{- return(stringx_dbt_own(rule.sql.statement)) -}}{%- endif -%}
  {%- set ctes = stringx_ctes(rule, state) if state.renamed else '' -%}
  {%- if 'statement' in rule.sql -%}
    {%- set total = ', total::text' if rule.sql.get('total') == 'own' else '' -%}
    {%- set found = ', ' ~ stringx_found('found') if rule.sql.found else '' -%}
    {{- return(ctes ~ 'select to_json(array[left(failures::text, 201), left(measured::text, 201)' ~ found ~ total ~ '])::text from (' ~ rule.sql.statement ~ '\n) as counted') -}}
  {%- elif 'measured' in rule.sql -%}
    {%- set found = [stringx_found('found')] if rule.sql.found else [] -%}
    {{- return('select ' ~ stringx_list(['total', 'left(measured::text, 201)', 'fails', 'warns'] + found) ~ ' from (' ~ rule.sql.measured ~ '\n) as measured') -}}
  {%- endif -%}
  {{- return('select ' ~ stringx_list(stringx_parts(rule)) ~ ' from ' ~ rule.scope.relation ~ stringx_where(rule.scope.both)) -}}
{% endmacro %}


{#- The JSON text of what a rule found, NULL for one that is larger than any of ours. -#}
{% macro stringx_found(json) %}
  {{- return('case when octet_length((' ~ json ~ ')::text) <= 16384 then (' ~ json ~ ')::text end') -}}
{% endmacro %}


{#- Why a rule cannot be run, before anything is, or none. -#}
{% macro stringx_fault(table, rule, state) %}
  {%- if rule.sql.get('fault') -%}{{- return(rule.sql.fault) -}}{%- endif -%}
  {%- for relation in [table.relation] + rule.relations if state.relations[relation].reason is not none -%}
    {{- return(state.relations[relation].reason) -}}
  {%- endfor -%}
  {%- if state.server_version < rule.sql.get('needs', 0) -%}
    {{- return('needs PostgreSQL ' ~ rule.sql.needs // 10000 ~ ' or newer; this server is ' ~ state.server_version // 10000) -}}
  {%- endif -%}
  {{- return(none) -}}
{% endmacro %}
