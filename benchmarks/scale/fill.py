"""Many configured tables with a past, written in bulk: copies of one table that was really configured and really checked."""

from concurrent.futures import ThreadPoolExecutor

from tests.support.installation import Installation

HISTORY = 20  # finished requests a table
DELIVERED = 7  # of them whose message is not forgotten yet
STEP = 250  # tables a statement

# The copies' rows are written past the triggers that keep the queue's books: they have ended.
_PAST = "set session_replication_role = replica; "
_NAMES = "(select 'public.t_' || lpad(n::text, 5, '0') as name, n from generate_series({first}, {last}) n) as named"
_TABLES = """
insert into stringx.tables (target, table_name, document, rules_hash, version, updated_at, as_written)
select m.target, name, m.document || jsonb_build_object('table', name), m.rules_hash, 1, now() - interval '1 day', m.as_written
from stringx.tables m, {names} where m.table_name = '{model}' and m.target = 'shop';
insert into stringx.table_versions (target, table_name, version, document, changed_by, changed_at)
select m.target, name, 1, m.document || jsonb_build_object('table', name), 'benchmark', now() - interval '1 day'
from stringx.tables m, {names} where m.table_name = '{model}' and m.target = 'shop';
"""
# One past in `hours` a table: the last one of each ended within the hour, in no order of the tables.
_HISTORY = """
create temp table past as
select name, 'past ' || name || ' ' || h as request_id, gen_random_uuid() as check_id, h,
       clock_timestamp() - make_interval(hours => h, secs => (hashtext(name) & 65535) * 3600 / 65536.0) as ended
from {names}, generate_series(1, {history}) h;
insert into stringx.requests (request_id, source, target, table_name, mode, body, body_hash, is_full, status, verdict, check_id,
                              created_at, finished_at, sent_at)
select p.request_id, 'http', m.target, p.name, m.mode, m.body || jsonb_build_object('table', p.name, 'request_id', p.request_id),
       m.body_hash, true, m.status, case p.h % 4 when 0 then 'fail' when 1 then 'warn' else m.verdict end,
       p.check_id, p.ended, p.ended, p.ended
from stringx.requests m, past p where m.request_id = 'model';
insert into stringx.results (check_id, request_id, target, table_name, is_full, status, verdict, rules_hash, snapshot_at,
                             finished_at, result)
select p.check_id, p.request_id, m.target, p.name, true, m.status, m.verdict, m.rules_hash, p.ended, p.ended,
       replace(replace(replace(m.result::text, '{model}', p.name), m.check_id::text, p.check_id::text),
               '"model"', '"' || p.request_id || '"')::json
from stringx.results m, past p where m.request_id = 'model';
insert into dataops.checks (check_id, request_id, body, body_hash, target, table_name, mode, status, timeout_s, queued_at,
                            started_at, finished_at, is_full, verdict, tables, due_at, attempt, result)
select p.check_id, p.request_id, m.body || jsonb_build_object('table', p.name), m.body_hash, m.target, p.name, m.mode, m.status,
       m.timeout_s, p.ended, p.ended, p.ended, true, m.verdict, array[p.name], p.ended, 1, r.result
from dataops.checks m, past p join stringx.results r on r.check_id = p.check_id where m.request_id = 'model';
insert into dataops.outbox (message_id, check_id, url, origin, body, created_at, delivered_at, attempts)
select gen_random_uuid(), p.check_id, m.url, m.origin, r.result::text, p.ended, p.ended, 1
from dataops.outbox m, past p join stringx.results r on r.check_id = p.check_id
where p.h <= {delivered} and m.check_id = (select check_id from dataops.checks where request_id = 'model');
drop table past;
"""


def fill(installation: Installation, model: str, tables: int) -> None:
    """`tables` copies of the configured table `model`, whose check `model` has been delivered."""

    def step(first: int) -> None:
        names = _NAMES.format(first=first, last=min(first + STEP, tables) - 1)
        words = {"names": names, "model": model, "history": HISTORY, "delivered": DELIVERED}
        installation.rows(_PAST + _TABLES.format(**words) + _HISTORY.format(**words))

    with ThreadPoolExecutor(2) as executor:
        list(executor.map(step, range(0, tables, STEP)))
    installation.rows("vacuum (analyze)")


def name(number: int) -> str:
    return f"public.t_{number:05}"
