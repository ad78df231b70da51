{#- The scan of a profile: the aggregates of all columns, each isolated as far as it has to be. -#}

{#- {rows, columns: {number: {measures: {name: text}, error}}, reason: why not even the rows could be counted}. A scan has at most 1,200 parts: PostgreSQL shares no
    scan with more than 1,664 among processes. -#}
{% macro stringx_profile_scan(spec, table, source, columns, moments) %}
  {%- set items, groups, now = [{'number': none, 'parts': {'rows': 'count(*)'}}], [], namespace(group=[], parts=0) -%}
  {%- set results = {} -%}
  {%- for column in columns if column.readable -%}
    {%- do items.append({'number': column.number, 'parts': stringx_profile_parts(column, moments)}) -%}
  {%- endfor -%}
  {%- for item in items -%}
    {%- if now.parts + item.parts | length > 1200 -%}
      {%- do groups.append(now.group) -%}
      {%- set now.group, now.parts = [], 0 -%}
    {%- endif -%}
    {%- set now.group, now.parts = now.group + [item], now.parts + item.parts | length -%}
  {%- endfor -%}
  {%- set pending = namespace(groups=groups + [now.group]) -%}
  {%- for round in range(40) -%}
    {%- if not pending.groups -%}{%- break -%}{%- endif -%}
    {%- set slots, next = {}, [] -%}
    {%- for group in pending.groups -%}
      {%- set parts = [] -%}
      {%- for item in group -%}{%- do parts.extend(item.parts.values()) -%}{%- endfor -%}
      {%- do slots.update({loop.index0 | string: {'sql': 'select ' ~ stringx_list(parts) ~ ' from ' ~ source, 'timezone': table.timezone}}) -%}
    {%- endfor -%}
    {%- set read = stringx_profile_run(spec, slots) -%}
    {%- for group in pending.groups -%}
      {%- set answer = read[loop.index0 | string] -%}
      {%- if answer is not mapping -%}
        {%- set at = namespace(next=0) -%}
        {%- for item in group -%}
          {%- set measures = {} -%}
          {%- for name in item.parts -%}{%- do measures.update({name: answer[at.next + loop.index0]}) -%}{%- endfor -%}
          {%- set at.next = at.next + item.parts | length -%}
          {%- do results.update({item.number: {'measures': dict(results.get(item.number, {}).get('measures', {}), **measures), 'error': results.get(item.number, {}).get('error')}}) -%}
        {%- endfor -%}
      {%- elif group | length > 1 and answer.sqlstate != '57014' -%}
        {%- set half = group | length // 2 -%}
        {%- do next.extend([group[:half], group[half:]]) -%}
      {%- else -%}
        {%- set reason = stringx_reason(answer) -%}
        {%- for item in group -%}
          {%- do results.update({item.number: {'measures': results.get(item.number, {}).get('measures', {}), 'error': results.get(item.number, {}).get('error') or reason}}) -%}
          {%- if item.parts | length > 1 and answer.sqlstate != '57014' and results | length <= 2000 -%}
            {%- for name, part in item.parts.items() -%}{%- do next.append([{'number': item.number, 'parts': {name: part}}]) -%}{%- endfor -%}
          {%- endif -%}
        {%- endfor -%}
      {%- endif -%}
    {%- endfor -%}
    {%- set pending.groups = next -%}
  {%- endfor -%}
  {%- for column in columns if not column.readable -%}
    {%- do results.update({column.number: {'measures': {}, 'error': 'permission denied for this column'}}) -%}
  {%- endfor -%}
  {%- set base = results[none] -%}
  {{- return({'rows': base.measures.rows | int if base.error is none else none, 'columns': results, 'reason': base.error}) -}}
{% endmacro %}


{#- The results of slots, by their names; at most a hundred statements are sent at once. -#}
{% macro stringx_profile_run(spec, slots) %}
  {%- set results, names = {}, slots | list -%}
  {%- for batch in names | batch(100) -%}
    {%- set some = {} -%}
    {%- for name in batch -%}{%- do some.update({name: slots[name]}) -%}{%- endfor -%}
    {%- do results.update(stringx_run('', spec, some).results) -%}
  {%- endfor -%}
  {{- return(results) -}}
{% endmacro %}


{#- {name of a measure: aggregate} of a column, for the scan. Texts are measured by stringx_profile_groups. `moments`: as stringx_moments selects them. -#}
{% macro stringx_profile_parts(column, moments) %}
  {%- set fact = column.fact -%}
  {%- set family, name, value = fact.family, stringx_name(column.name), stringx_compared(column.name, fact) -%}
  {%- set parts = {'values': 'count(' ~ name ~ ')'} -%}
  {%- set odd, families = stringx_profile_odd(value, fact), stringx_profile_families() -%}
  {%- if family in ('integer', 'decimal', 'float', 'money') -%}
    {%- set zero = stringx_value('0', fact) -%}
    {%- do parts.update({'zeros': stringx_count([value ~ ' = ' ~ zero]), 'negatives': stringx_count([value ~ ' < ' ~ zero])}) -%}
    {%- set number = {'money': value ~ '::numeric', 'float': 'cast(' ~ value ~ ' as ' ~ stringx_type_names().double ~ ')'}.get(family, value) -%}
    {%- do parts.update({'mean': stringx_of_finite('avg', number, odd), 'stddev': stringx_of_finite('stddev_samp', number, odd)}) -%}
  {%- elif family == 'boolean' -%}
    {%- do parts.update({'zeros': stringx_count(['not ' ~ name])}) -%}
  {%- elif family in ('date', 'timestamp') -%}
    {%- set at = moments[2 if family == 'date' else 0 if fact.type == 'timestamp with time zone' else 1] -%}
    {%- do parts.update({'future': stringx_count([value ~ ' > ' ~ stringx_value(at[0], fact)])}) -%}
    {%- for span in ('1h', '1d', '7d', '30d') -%}
      {%- do parts.update({span: stringx_count([value ~ ' <= ' ~ stringx_value(at[0], fact), value ~ ' > ' ~ stringx_value(at[loop.index], fact)])}) -%}
    {%- endfor -%}
  {%- elif family in families.lengths -%}
    {%- set length = stringx_length(column.name, fact) -%}
    {%- do parts.update({'shortest': 'min(' ~ length ~ ')', 'longest': 'max(' ~ length ~ ')', 'length': 'avg(' ~ length ~ ')'}) -%}
  {%- endif -%}
  {%- for name in ('nan', 'infinities') if name in odd -%}{%- do parts.update({name: stringx_count([odd[name]])}) -%}{%- endfor -%}
  {%- if family in families.blanks -%}
    {%- do parts.update({'blanks_or_nulls': stringx_count([stringx_rule__not_blank({'columns': [column.name]}, {'types': {column.name: fact}}).violation])}) -%}
  {%- endif -%}
  {%- if column.shown and family in families.ordered -%}
    {%- do parts.update({'min': stringx_profile_bound('min', value, fact), 'max': stringx_profile_bound('max', value, fact)}) -%}
  {%- endif -%}
  {{- return(parts) -}}
{% endmacro %}
