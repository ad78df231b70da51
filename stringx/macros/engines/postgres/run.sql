{#- Statements of a check: sent in one round trip, each isolated from the others. -#}

{#- Runs a header and slots (scan.sql). Returns {results: {name: a JSON list, or the error {sqlstate, message}}, changed: relations that are not as they were
    when `state` was made, proofs: {rule_key: what proves the rule, in words}, proved: whether each rule of `proofs`, which the header looks up, is proved
    (if not, no slot was run), snapshot_at, nothing: the dbt result of a test without failures}. now() is that of the snapshot's transaction. -#}
{% macro stringx_run(header, spec, slots, state=none, proofs={}) %}
  {%- set watched = stringx_watched(state.relations) if state else {} -%}
  {%- set shaped = state and state.shape is not none -%}
  {%- call statement('stringx_run', fetch_result=true, auto_begin=false) -%}
    {{ header }}
    {% for name, slot in slots.items() -%}
      {{ stringx_isolated(loop.index0, slot, spec.statement_timeout_ms | int * 3 // 4 if slot.shadow else spec.statement_timeout_ms | int, proofs) }}
    {% endfor -%}
    select json_build_object(
      'snapshot_at', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
      'behind', {{ stringx_behind_now(watched) }},
      'shape', {{ stringx_shape_now(state.relations) if shaped else 'null' }},
      'proofs', {{ "current_setting('stringx.proofs')::json" if proofs else 'null' }},
      'slots', to_json(array[{% for name in slots %}{{ ', ' if not loop.first }}current_setting('stringx.r{{ loop.index0 }}', true){% endfor %}]::text[])
    )::text as answer,
    0 as failures, false as should_warn, false as should_error
  {%- endcall -%}
  {%- set result = load_result('stringx_run') -%}
  {%- set answer = fromjson(result['data'][0][0]) -%}
  {%- set changed = state.relations | list if shaped and answer.shape != state.shape else stringx_changed(watched, answer.behind) -%}
  {%- set proved = not (proofs and proofs | reject('in', answer.proofs) | list) -%}
  {%- set results = {} -%}
  {%- if proved -%}
    {%- for name in slots -%}{%- do results.update({name: fromjson(answer.slots[loop.index0])}) -%}{%- endfor -%}
  {%- endif -%}
  {{- return({'results': results, 'changed': changed, 'proofs': answer.proofs, 'proved': proved, 'snapshot_at': answer.snapshot_at,
              'nothing': result['table'].exclude(['answer'])}) -}}
{% endmacro %}


{#- One isolated statement. It may use half of the time that is left (a shadow rule's of three quarters of it), and leaves a JSON list of its values, or an object with sqlstate and
    message. A cancel that is no timeout is passed on. `in_halves`: each half of the statement may have its own process, which PostgreSQL does
    only if it does not share out the scans of the halves. -#}
{% macro stringx_isolated(number, slot, budget_ms, proofs) %}
select set_config('stringx.due', (extract(epoch from clock_timestamp()) + limit_ms::integer * 0.00095)::text, true), set_config('statement_timeout', limit_ms, true)
from (select greatest(50, extract(epoch from now() + interval '{{ budget_ms }} milliseconds' - clock_timestamp()) * 500)::bigint::text as limit_ms) as share;
{% if slot.in_halves -%}
set local min_parallel_table_scan_size = '1TB'; set local min_parallel_index_scan_size = '1TB';
{% endif -%}
do {{ stringx_literal(stringx_isolated_body(number, slot, proofs)) }};
{% if slot.in_halves -%}
set local min_parallel_table_scan_size to default; set local min_parallel_index_scan_size to default;
{% endif -%}
{% endmacro %}


{#- Sets the time zone of a statement; the statement alone fails if the server does not know the zone. -#}
{% macro stringx_zone(zone) %}
  {%- if zone in (none, 'UTC') -%}perform pg_catalog.set_config('timezone', 'UTC', true);
  {%- else -%}
  begin
    perform pg_catalog.set_config('timezone', {{ stringx_literal(zone) }}, true);
  exception when others then
    raise exception using errcode = 'SX001', message = {{ stringx_literal('the target does not know the time zone ' ~ zone) }};
  end;
  {%- endif -%}
{% endmacro %}


{#- The statement runs in a subtransaction that is always undone: only its answer is kept, in a variable. A view, a policy or a type may call functions of
    anybody, and a setting that they leave (an answer of another table, the search path, a role) must not outlive the statement. -#}
{% macro stringx_isolated_body(number, slot, proofs) %}
declare
  r text; m text; s text; done boolean := false;
begin
  {% if proofs %}if current_setting('stringx.unproved') <> '0' then return; end if;{% endif %}
  begin
    {{ stringx_zone(slot.timezone) }}
    {% if slot.path %}perform set_config('search_path', {{ stringx_literal(slot.path) }}, true);{% endif %}
    execute {{ stringx_literal(slot.sql) }} into r;
    perform pg_catalog.convert_to(r, 'UTF8');  -- a text that the client cannot read must fail here, and not in the answer for all
    done := true;
    raise sqlstate 'SX000';
  exception when query_canceled or others then
    get stacked diagnostics m = message_text, s = returned_sqlstate;
  end;
  if not done or s <> 'SX000' then
    if s = '57014' and extract(epoch from clock_timestamp()) < current_setting('stringx.due')::numeric then raise exception using errcode = s, message = m; end if;
    if s ~ '^(42|3)' then  -- an error about names: of the rule's own names if planning fails too, otherwise a row's value was read as a name
      begin
        {% if slot.path %}perform set_config('search_path', {{ stringx_literal(slot.path) }}, true);{% endif %}
        execute 'explain ' || {{ stringx_literal(slot.sql) }};
        raise sqlstate 'SX000';
      exception when sqlstate 'SX000' then m := null;
      when others then null;
      end;
    end if;
    r := json_build_object('sqlstate', s, 'message', left(m, 1000))::text;
  end if;
  perform set_config('stringx.r{{ number }}', r, true);
end
{% endmacro %}


{#- The select list of one JSON list of texts: an array, because a select list ends at 1,664 entries. -#}
{% macro stringx_list(parts) %}
  {{- return('to_json(array[' ~ parts | join('::text,\n') ~ '::text])::text') -}}
{% endmacro %}


{#- The JSON text of a rule's `found`. If it is too large, of its fault alone: without one the rule would be decided. -#}
{% macro stringx_found(json) %}
  {%- set text = '(' ~ json ~ ')::text' -%}
  {{- return('case when octet_length(' ~ text ~ ') <= 16384 then ' ~ text ~ " else json_build_object('fault', " ~ text ~ "::json ->> 'fault')::text end") -}}
{% endmacro %}


{#- What a rule's next check gets, as a text; of at most 64 KiB. -#}
{% macro stringx_remembered() %}
  {{- return("case when octet_length(remember::text) > 65536 then 'too large' else remember::text end") -}}
{% endmacro %}
