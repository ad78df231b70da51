{#- A target that is a standby shows what was committed on its primary some time ago. -#}

{#- Plpgsql, on a standby: leaves what stringx_standby_now says in a setting of the transaction, or {} if the server does not say it. On a primary
    the setting stays empty. -#}
{% macro stringx_look_at_standby() %}
  if pg_is_in_recovery() then
    begin
      perform set_config('stringx.standby', {{ stringx_standby_now('pg_last_wal_receive_lsn()') }}::text, true);
    exception when others then
      perform set_config('stringx.standby', '{}', true);
    end;
  end if;
{% endmacro %}


{#- What a standby says of itself, as JSON:

    - replayed_at: everything that was committed on the primary until then, by the primary's clock, is in each snapshot from now on. The time of a
      commit is taken before its record is written, and shown here after the record was replayed. A standby that has replayed no commit since it
      started has the time of its last restart point, which the primary took before the checkpoint began;
    - received: up to where it has received WAL;
    - caught_up: whether it has replayed WAL up to `position`;
    - receives: whether it is connected to its primary. Every role may see that, but not when the primary last sent something;
    - now: seconds, by the standby's clock. -#}
{% macro stringx_standby_now(position) %}
  json_build_object(
    'replayed_at', to_char(coalesce(pg_last_xact_replay_timestamp(), (select checkpoint_time from pg_control_checkpoint())) at time zone 'UTC',
                           'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'received', pg_last_wal_receive_lsn(), 'caught_up', coalesce(pg_last_wal_replay_lsn() >= {{ position }}, false),
    'receives', exists (select from pg_stat_wal_receiver), 'now', extract(epoch from clock_timestamp()))
{% endmacro %}


{#- Waits until a standby has replayed what it had received when the check began (`standby`, of the probe), for `replay_timeout_ms` at most. Returns
    {replayed_at, late: why the check cannot be decided there, or none}. Each look is a statement of its own: a snapshot that is kept could hold up
    the replay that is waited for. -#}
{% macro stringx_await_replay(spec, standby) %}
  {%- set last = namespace(seen=standby, late=none) -%}
  {%- set limit_ms = spec.get('replay_timeout_ms') -%}
  {%- if limit_ms is not none and standby -%}
    {%- for _ in range(100000) -%}
      {%- set last.late = 'is not connected to its primary' if not last.seen.receives else none if last.seen.caught_up
                          else 'has not replayed within replay_timeout what it had received' -%}
      {%- if last.late is none or (last.seen.now - standby.now) * 1000 >= limit_ms -%}{%- break -%}{%- endif -%}
      {%- set query = 'select ' ~ stringx_standby_now(stringx_literal(standby.received or '0/0') ~ '::pg_lsn') ~ '::text from pg_sleep(0.02)' -%}
      {%- set last.seen = fromjson(adapter.add_query(query, auto_begin=false)[1].fetchone()[0]) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- if last.late is not none -%}
    {%- set last.late = 'the target is a standby that ' ~ last.late ~ ': it shows what was committed until ' ~ last.seen.replayed_at -%}
  {%- endif -%}
  {{- return({'replayed_at': last.seen.get('replayed_at'), 'late': last.late}) -}}
{% endmacro %}
