{#- Failing rows of the rules that have some: the key and the allowed columns, as many rows as the table's document says, in the order of the
    key. A table without a key has no samples.

    All together may take 8 MiB, one of them 256 KiB: rows beyond that are left out (`cut`). A sample that would bring the number of
    columns that are read above 20,000 is left out (`sample_dropped`). -#}

{#- Reads the samples: {details: {rule_key: {sample or sample_dropped}}, notes: {number of a table: [note]}}. A sample that cannot be read is left out; the
    counts stand without it. Columns that do not exist are noted. Where a check is no one snapshot, there are none of what has changed since the counts. -#}
{% macro stringx_samples(spec, tables, state, outcome) %}
  {%- set plan = stringx_planned_samples(tables, state, outcome) -%}
  {%- set details, notes = dict(plan.details), dict(plan.notes) -%}
  {%- set read = stringx_run('', spec, plan.slots, none if stringx_is_one_snapshot() else state) if plan.slots else {'results': {}, 'changed': []} -%}
  {%- for slot in plan.slots if read.changed and slot.endswith('/shown') -%}
    {%- set table = slot.split('/')[0] | int -%}
    {%- do notes.update({table: notes.get(table, []) + ['there are no samples: what they are taken from has changed since the rules were decided']}) -%}
  {%- endfor -%}
  {%- for slot, result in read.results.items() if not read.changed and result is sequence and result is not mapping -%}
    {%- set table = slot.split('/')[0] | int -%}
    {%- if slot.endswith('/shown') -%}
      {%- if result -%}
        {%- set note = 'there are no samples: key or sample_columns name what is no column of the table: ' ~ modules.re.sub('\\s+', ' ', result | join(', ')) -%}
        {%- do notes.update({table: notes.get(table, []) + [note]}) -%}
      {%- endif -%}
    {%- else -%}
      {%- set rows, cut = result -%}
      {%- set columns = plan.slots[slot].columns -%}
      {%- set lists = [] -%}
      {%- for row in rows -%}{%- do lists.append(row if columns is not none else row.values() | list) -%}{%- endfor -%}
      {%- set sample = {'columns': columns or (rows[0] | list if rows else []), 'rows': lists} -%}
      {%- do sample.update({'cut': true}) if cut -%}
      {%- do details.update({slot: {'sample': sample}}) if rows or cut -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return({'details': details, 'notes': notes}) -}}
{% endmacro %}


{#- {slots: {name: {sql, timezone, path, columns}}, details, notes}: which samples are read, `columns` none if the rows themselves name theirs; and what is
    known without reading. -#}
{% macro stringx_planned_samples(tables, state, outcome) %}
  {%- set slots, details, notes = {}, {}, {} -%}
  {%- set wanted = [] -%}
  {%- set left = namespace(columns=20000) -%}
  {%- for table in tables if table.spec.key and table.spec.sample_rows -%}
    {%- set width = (table.spec.key + table.spec.sample_columns) | length -%}
    {%- set outcomes = outcome.tables[table.number].rules -%}
    {%- for rule in table.rules if outcomes[rule.number].status in ('warn', 'fail') and outcomes[rule.number].failures and ('violation' in rule.sql or rule.sql.sample) -%}
      {%- set left.columns = left.columns - width -%}
      {%- if left.columns >= 0 -%}
        {%- do wanted.append((table, rule)) -%}
      {%- else -%}
        {%- do details.update({table.number ~ '/' ~ rule.number: {'sample_dropped': true}}) -%}
        {%- do notes.update({table.number: ['samples are left out (sample_dropped): those of all rules would show more than 20,000 columns']}) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- set room = [262144, 8388608 // (wanted | length or 1)] | min -%}
  {%- for table, rule in wanted -%}
    {%- set shown = stringx_shown(table) -%}
    {%- do slots.update({table.number ~ '/shown': {'sql': stringx_absent(table.relation, shown), 'timezone': table.spec.timezone}}) -%}
    {%- set sample = stringx_sample(table, rule, shown, state, room) -%}
    {%- if sample is not none -%}
      {%- do slots.update({table.number ~ '/' ~ rule.number: dict(sample, timezone=table.spec.timezone, path=state.path if rule.runs_custom else none)}) -%}
    {%- endif -%}
  {%- endfor -%}
  {{- return({'slots': slots, 'details': details, 'notes': notes}) -}}
{% endmacro %}


{#- The key, then the sample columns, each once. -#}
{% macro stringx_shown(table) %}
  {%- set shown = [] -%}
  {%- for column in table.spec.key + table.spec.sample_columns if column not in shown -%}{%- do shown.append(column) -%}{%- endfor -%}
  {{- return(shown) -}}
{% endmacro %}
