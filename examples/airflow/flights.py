"""Write, audit, publish: a day's departures go to a staging table, are checked, and are published only if the gate is open.

WAREHOUSE_URL is the database with the demo's tables, for a role that may write: postgresql://USER:PASSWORD@HOST:PORT/nyc.
"""

import os
from datetime import date, timedelta
from typing import Any

import psycopg2
from airflow.sdk import dag, get_current_context, task
from dataops_gate import GateSensor

from stringx_dataops import Client

TARGET, STAGING, PUBLISHED = "nyc", "public.flights_staging", "public.flights_published"


def run_sql(*statements: str) -> None:
    """In one transaction."""
    connection = psycopg2.connect(os.environ["WAREHOUSE_URL"])
    try:
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


@dag(schedule=None, catchup=False, max_active_runs=1, params={"day": "2013-01-15", "spoil": False})
def flights() -> None:
    """One run at a time, because the next one loads into the same staging table."""

    @task
    def load(params: dict[str, Any]) -> str:
        """Load the day, and ask for its check. A load that is run again has another id, so the check of the one before says
        nothing about it."""
        day = date.fromisoformat(params["day"])  # it becomes a part of a statement
        run_sql(
            f"create table if not exists {STAGING} (like public.flights)",
            f"create table if not exists {PUBLISHED} (like public.flights)",
            f"truncate {STAGING}",
            f"insert into {STAGING} select * from public.flights where make_date(year, month, day) = date '{day}'",
            *([f"update {STAGING} set distance = -1 where carrier = 'UA'"] if params["spoil"] else []),
        )
        instance = get_current_context()["ti"]
        load_id = f"{instance.dag_id}/{instance.run_id}/{instance.try_number}"
        return Client().check(TARGET, STAGING, request_id=load_id, wait=False).request_id

    @task
    def publish(load_id: str) -> None:
        """Asks once more: this task may be run again alone, when another load is in the staging table."""
        Client().require_open(TARGET, STAGING, request_id=load_id)
        run_sql(
            f"delete from {PUBLISHED} where (year, month, day) in (select year, month, day from {STAGING})",
            f"insert into {PUBLISHED} select * from {STAGING}",
        )

    loaded = load()
    audited = GateSensor(
        task_id="gate",
        target=TARGET,
        table=STAGING,
        request_id=loaded,
        wait=timedelta(seconds=int(os.environ.get("GATE_WAIT_S", "3600"))),
        poll_s=1,
    )
    audited >> publish(loaded)


flights()
