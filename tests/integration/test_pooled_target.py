"""A target behind PgBouncer in session mode is checked as without one, and the next client meets nothing of the check's session."""

import dataclasses

import psycopg2

from tests.support.databases import Target
from tests.support.engine import SHOP, Engine, gate, rule
from tests.support.pooler import pooler

RULES = (rule("known", "not_null", "price"), rule("once", "unique", "order_id"), rule("rows", "row_count", min=1))
SETTINGS = (
    "search_path application_name statement_timeout lock_timeout transaction_isolation default_transaction_read_only work_mem"
)


def settings(url: str) -> list[tuple[str | None, ...]]:
    asked = ", ".join(f"current_setting('{name}')" for name in SETTINGS.split())
    connection = psycopg2.connect(url)
    connection.autocommit = True  # a pooler ends a session that is left within a transaction
    with connection.cursor() as cursor:
        cursor.execute(f"select {asked}, current_setting('stringx.schemas', true), pg_backend_pid()")
        rows = cursor.fetchall()
    connection.close()
    return rows


def test_a_target_behind_a_pooler_of_sessions(target: Target, engine: Engine) -> None:
    target.execute(SHOP)
    direct = engine.rules(target, gate("orders", *RULES))
    reader = f"postgresql://{target.user}:{target.password}@{target.host}:{target.port}/{target.dbname}"
    with pooler(reader, "session", default_pool_size="1") as pooled:
        before = settings(pooled.url)
        behind = dataclasses.replace(target, port=pooled.port)
        for _ in range(2):
            assert engine.rules(behind, gate("orders", *RULES)) == direct
            after = settings(pooled.url)
            assert [row[:-2] for row in after] == [row[:-2] for row in before]
            assert after[0][-1] == before[0][-1], "it is the session in which the check was"
            assert after[0][-2] in (None, "")
    assert {name: found["status"] for name, found in direct.items()} == {"known": "fail", "once": "fail", "rows": "pass"}
