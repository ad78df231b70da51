"""Write, audit, publish with Dagster: the check of an asset is the gate's, and it blocks what is downstream.

WAREHOUSE_URL is the database with the demo's tables, for a role that may write: postgresql://USER:PASSWORD@HOST:PORT/nyc. The
Backend's address is in STRINGX_BACKEND_URL, the key in STRINGX_API_KEY_FILE.
"""

import os
from datetime import date

import psycopg2
from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetExecutionContext,
    Config,
    Definitions,
    MetadataValue,
    asset,
    asset_check,
)

from stringx_dataops import Client

TARGET, STAGING, PUBLISHED = "nyc", "public.flights_staging", "public.flights_published"
WAIT_S = float(os.environ.get("GATE_WAIT_S", "600"))


class Load(Config):
    """What is loaded."""

    day: str = "2013-01-15"
    spoil: bool = False


def run_sql(*statements: str) -> None:
    """In one transaction."""
    connection = psycopg2.connect(os.environ["WAREHOUSE_URL"])
    try:
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


@asset
def flights_staging(context: AssetExecutionContext, config: Load) -> None:
    """The day's departures."""
    day = date.fromisoformat(config.day)  # it becomes a part of a statement
    run_sql(
        f"create table if not exists {STAGING} (like public.flights)",
        f"create table if not exists {PUBLISHED} (like public.flights)",
        f"truncate {STAGING}",
        f"insert into {STAGING} select * from public.flights where make_date(year, month, day) = date '{day}'",
        *([f"update {STAGING} set distance = -1 where carrier = 'UA'"] if config.spoil else []),
    )


@asset_check(asset=flights_staging, blocking=True)
def gate(context: AssetCheckExecutionContext) -> AssetCheckResult:
    """Checks the load of this run, and fails if its gate is closed. An exception, such as Undecided, blocks what is downstream,
    too."""
    with Client() as client:
        load_id = f"dagster/{context.run.run_id}/{context.retry_number}"
        checked = client.check(TARGET, STAGING, request_id=load_id, wait=WAIT_S)
        found = client.gate(TARGET, STAGING, request_id=load_id)
    return AssetCheckResult(
        passed=found.is_open,
        description="; ".join(found.reasons) or f"gate {found.gate}",
        metadata={
            "request": MetadataValue.text(checked.request_id),
            "verdict": MetadataValue.text(str(checked.verdict)),
            "rules": MetadataValue.json([{"id": r.id, "status": r.status, "message": r.message} for r in checked.rules]),
        },
    )


@asset(deps=[flights_staging])
def flights_published() -> None:
    """The audited rows in place of what was published of the day. A check blocks only within its run, and this asset may be made
    alone, so it asks once more."""
    Client().require_open(TARGET, STAGING)
    run_sql(
        f"delete from {PUBLISHED} where (year, month, day) in (select year, month, day from {STAGING})",
        f"insert into {PUBLISHED} select * from {STAGING}",
    )


definitions = Definitions(assets=[flights_staging, flights_published], asset_checks=[gate])
