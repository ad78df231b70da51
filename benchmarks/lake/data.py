"""The files: orders and customers of a shop, made of the row's number; a few rows in a hundred thousand are faulty."""

from pathlib import Path

import duckdb

from benchmarks.lake.rules import CUSTOMERS

FILES = 10
_ORDERS = """
select
  case when n % 100003 = 0 then null when n % 100019 = 0 then n - 1 else n end as order_id,
  case when n % 100043 = 0 then {customers} + 1 else hash(n) % {customers} end::integer as customer_id,
  case when n % 100049 = 0 then 'lost' else ['open', 'paid', 'sent', 'returned'][1 + n % 4] end as status,
  case when n % 100057 = 0 then -1 else hash(n + 1) % 1000 end::decimal(12, 2) as price,
  1 + n % 5 as quantity,
  price * quantity + case when n % 100069 = 0 then 1 else 0 end as total,
  case when n % 100103 = 0 then 'eur' else ['EUR', 'USD', 'GBP'][1 + n % 3] end as currency,
  case when n % 100109 = 0 then 'nobody' else 'c' || hash(n + 2) % 1000000 || '@example.org' end as email,
  timestamp '2026-01-01' + to_seconds(n % 20000000) + case when n % 100129 = 0 then interval 100 years else interval 0 day end
    as ordered_at,
  ordered_at + case when n % 100151 = 0 then -interval 1 hour else interval 2 days end as sent_at
from range({start}, {stop}) as r(n)"""


def make(folder: Path, rows: int) -> None:
    """`orders/*.parquet` in ten files, and `customers.parquet`."""
    (folder / "orders").mkdir(parents=True)
    each = rows // FILES
    with duckdb.connect() as connection:
        for number in range(FILES):
            query = _ORDERS.format(customers=CUSTOMERS, start=number * each + 1, stop=(number + 1) * each + 1)
            connection.execute(f"copy ({query}) to '{folder}/orders/{number}.parquet'")
        connection.execute(f"copy (select range::integer as customer_id from range({CUSTOMERS})) to '{folder}/customers.parquet'")
