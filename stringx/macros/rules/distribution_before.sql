{#- The distribution of the check before as what is expected. Each check leaves how often each cell occurs: a bin by its number, a value as a hash, so that no value of a row is
    kept. The first check has nothing to compare with: it passes, unless there is no value. Pearson's test asks whether both checks may have the same distribution, so that chance in the earlier one
    counts, too; the divergence takes the earlier shares as they are. -#}
{% macro stringx_distribution_before(rule, scope, fact) %}
  {%- set arguments = rule.arguments -%}
  {%- set counts = stringx_counts_by_key(rule, scope, fact) -%}
  {%- if counts.fault_words -%}{{- return({'fault': counts.fault_words}) -}}{%- endif -%}
  {%- set before = rule.get('before') or {} -%}
  {%- set earlier = ((before.get('state') or {}).get('cells') or {}).items() | list -%}
  {%- set held_out = (arguments.get('tail_weight_holdout') or 0) | float -%}
  {%- set remember = "(select jsonb_build_object('cells', jsonb_object_agg(stringx_key, stringx_times)) from stringx_keyed where " ~ counts.fault ~ ' is null having count(*) > 0)' -%}
  {%- if not earlier -%}
    {%- set first -%}
      with {{ counts.sql }}
      select (select coalesce(sum(stringx_times), 0)::bigint from stringx_counted) as total, null as measured, not exists (select from stringx_keyed) as fails, false as warns,
             json_build_object('fault', {{ counts.fault }}, 'learning', '0 of 1', 'n', (select sum(stringx_times)::bigint from stringx_keyed)) as found, {{ remember }} as remember
    {%- endset -%}
    {{- return({'measured': first | string, 'total': 'own', 'found': true, 'row_value': false, 'bounds': stringx_bounds_of_test(arguments), 'remembers': true, 'learns': true}) -}}
  {%- endif -%}
  {%- set rows = [] -%}
  {%- for key, times in earlier -%}{%- do rows.append('(' ~ stringx_literal(key) ~ '::text, ' ~ times | int ~ '::bigint)') -%}{%- endfor -%}
  {%- set statement -%}
    with {{ counts.sql }},
    stringx_earlier as materialized (select * from (values {{ rows | join(', ') }}) as stringx_given(stringx_key, stringx_e)),
    stringx_others as materialized (select stringx_times from stringx_keyed where not exists (select from stringx_earlier where stringx_earlier.stringx_key = stringx_keyed.stringx_key)),
    stringx_cells as materialized (
      select coalesce(stringx_times, 0) as stringx_times, stringx_e,
             stringx_e / (select sum(stringx_e) from stringx_earlier)::double precision * (select case when count(*) > 0 then {{ stringx_double(1 - held_out) }} else 1 end from stringx_others) as stringx_w
      from stringx_earlier left join stringx_keyed using (stringx_key)
      union all
      select stringx_times, 0, {{ stringx_double(held_out) }} / (select count(*) from stringx_others) from stringx_others),
    {% if arguments.test == 'kl' -%}
    {{ stringx_tests_of_cells('kl') }}
    {%- else -%}
    stringx_sums as (select nullif(sum(stringx_times), 0)::double precision as stringx_now, sum(stringx_e)::double precision as stringx_then, count(*) - 1 as stringx_freedom from stringx_cells),
    stringx_statistic as (
      select max(stringx_now)::bigint as stringx_n, max(stringx_freedom) as stringx_freedom,
             case when max(stringx_now) is not null then
               sum((sqrt(stringx_then / stringx_now) * stringx_times - sqrt(stringx_now / stringx_then) * stringx_e)
                   * ((sqrt(stringx_then / stringx_now) * stringx_times - sqrt(stringx_now / stringx_then) * stringx_e) / (stringx_times + stringx_e))) end as stringx_value
      from stringx_cells, stringx_sums),
    stringx_tested as (select stringx_n, stringx_value, {{ stringx_chi_square_p('stringx_value', 'stringx_freedom') }} as stringx_p, stringx_freedom from stringx_statistic)
    {%- endif %}
    {{ stringx_decided_test(arguments, counts.fault, before.at, remember) }}
  {%- endset -%}
  {{- return({'measured': statement | string, 'total': 'own', 'found': true, 'row_value': false, 'bounds': stringx_bounds_of_test(arguments), 'remembers': true}) -}}
{% endmacro %}


{#- {sql: of stringx_counted and stringx_keyed(stringx_key, stringx_times), fault}: how often each bin, or the hash of each value, occurs. A type whose equal values have several texts
    needs bins, or one text for all of them. -#}
{% macro stringx_counts_by_key(rule, scope, fact) %}
  {%- set column, most = rule.columns[0], 1500 -%}
  {%- if 'bins' in rule.arguments -%}
    {%- set binned = stringx_counted_bins(rule, scope, fact) -%}
    {{- return({'sql': binned.sql ~ ',\n    stringx_keyed as materialized (select stringx_cell::text as stringx_key, stringx_times from stringx_counted where stringx_cell is not null)',
                'fault': binned.fault}) -}}
  {%- endif -%}
  {%- set family = fact.family if fact is not none else 'text' -%}
  {%- set value = stringx_compared(column, fact) -%}
  {%- if family == 'decimal' -%}{%- set text = 'trim_scale(stringx_v)::text' -%}
  {%- elif family == 'text' and fact is not none and fact.schema is not none -%}{%- set text = 'lower(stringx_v::text)' -%}
  {%- elif family in ('text', 'integer', 'boolean', 'date', 'enum', 'uuid') -%}{%- set text = 'stringx_v::text' -%}
  {%- else -%}{{- return({'fault_words': 'against: previous needs bins for a column of type ' ~ fact.type ~ ': ' ~ column}) -}}
  {%- endif -%}
  {%- set sql -%}
    stringx_counted as materialized (
      select {{ value }} as stringx_v, count(*) as stringx_times from {{ scope.relation }}{{ stringx_where(scope.both) }} group by {{ value }} limit {{ most + 2 }}),
    stringx_keyed as materialized (
      select left(md5({{ stringx_literal(scope.relation ~ '.' ~ column ~ ': ') }} || {{ text }}), 16) as stringx_key, sum(stringx_times)::bigint as stringx_times
      from stringx_counted where stringx_v is distinct from null group by 1)
  {%- endset -%}
  {{- return({'sql': sql | string, 'fault': '(select case when count(*) > ' ~ most ~ " then 'the column has more than 1,500 different values; give bins, or look at fewer rows by `where`' end from stringx_counted where stringx_v is distinct from null)"}) -}}
{% endmacro %}
