"""Eight tables of a shop, made by SQL of the row's number: the same in every run, a few rows in a thousand faulty."""

from collections.abc import Callable

ROWS = {
    "orders": 2_000_000,
    "customers": 400_000,
    "products": 200_000,
    "events": 1_500_000,
    "payments": 1_000_000,
    "shipments": 500_000,
    "readings": 1_000_000,
    "inventory": 300_000,
}


def number(salt: int, below: int) -> str:
    """SQL of a number from 0, the same for a row in every run, in no order."""
    return f"((hashint4(n + {salt}) & 2147483647) % {below})"


def one_of(salt: int, *values: str) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"(array[{listed}])[1 + {number(salt, len(values))}]"


def unless(every: int, faulty: str, right: str) -> str:
    """The faulty value in one row of so many."""
    return f"case when n % {every} = 0 then {faulty} else {right} end"


def _orders(rows: Callable[[str], int]) -> dict[str, str]:
    at = f"now() - interval '400 days' + n * (interval '400 days' / {rows('orders')})"
    return {
        "order_id": "n",
        "customer_id": unless(977, "null", f"1 + {number(1, rows('customers'))}"),
        "status": unless(
            1009, "'lost'", f"case when {number(2, 10)} < 4 then 'paid' else {one_of(3, 'new', 'packed', 'shipped')} end"
        ),
        "amount": unless(100_003, "9999.99", f"(100 + {number(4, 20_000)})::numeric(12, 2) / 100"),
        "currency": one_of(5, "EUR", "USD", "GBP", "JPY", "CHF"),
        "ordered_at": at,
        "shipped_at": unless(733, f"({at}) - interval '1 day'", f"({at}) + {number(6, 90)} * interval '1 hour'"),
        "channel": one_of(7, "web", "app", "shop", "phone"),
        "note": f"case when {number(8, 5)} = 0 then 'gift ' || n end",
    }


def _customers(rows: Callable[[str], int]) -> dict[str, str]:
    return {
        "customer_id": "n",
        "email": unless(
            499, "'nobody ' || n", f"'user' || n || '@' || {one_of(11, 'example.org', 'mail.example.com', 'my-shop.co.uk')}"
        ),
        "name": unless(1_999, "'  '", "'Name ' || md5(n::text)"),
        "phone": unless(997, "'0' || n", "'+' || 4915100000000 + n"),
        "country": unless(1_499, "'XX'", one_of(12, "DE", "US", "FR", "JP", "GB", "IT")),
        "postcode": unless(2_003, "'?' || n", f"lpad({number(13, 100_000)}::text, 5, '0')"),
        "segment": one_of(14, "private", "business", "public"),
        "born_on": unless(3_001, "date '1850-01-01'", f"date '1930-01-01' + {number(15, 27_000)}"),
        "created_at": f"now() - {number(16, 1_000)} * interval '1 day'",
    }


def _products(_: Callable[[str], int]) -> dict[str, str]:
    price = f"(1 + {number(21, 5_000)})"
    return {
        "product_id": "n",
        "sku": unless(601, "'sku' || n", "'SKU-' || lpad(n::text, 7, '0')"),
        "name": unless(701, "''", "'Product ' || left(md5(n::text), 12)"),
        "category": unless(5_003, "'test'", one_of(22, "books", "toys", "garden", "food", "tools")),
        "price": f"{price}::numeric(10, 2) / 10",
        "weight": f"{price} * 0.25::double precision + {number(23, 100)}",
        "url": unless(1_201, "'shop.example.com/' || n", "'https://shop.example.com/items/' || n || '?ref=' || n % 7"),
    }


def _events(rows: Callable[[str], int]) -> dict[str, str]:
    return {
        "event_id": "n",
        "session_id": unless(1_999, "md5(n::text)", f"md5({number(31, rows('events') // 8)}::text)::uuid::text"),
        "customer_id": f"case when {number(32, 3)} > 0 then 1 + {number(33, rows('customers'))} end",
        "kind": one_of(34, "view", "click", "cart", "buy", "search", "login"),
        "ip": unless(2_999, "'10.0.' || n", f"10 || '.' || {number(35, 256)} || '.' || n % 256 || '.' || {number(36, 256)}"),
        "path": unless(3_499, "'broken ' || n", f"'/' || {one_of(37, 'items', 'cart', 'search', 'account')} || '/' || n"),
        "at": unless(
            250_007, "now() - interval '500 days'", f"now() - interval '90 days' + n * (interval '90 days' / {rows('events')})"
        ),
        "took_ms": f"{number(38, 900)} + 5",
    }


def _payments(rows: Callable[[str], int]) -> dict[str, str]:
    paid = f"now() - interval '300 days' + n * (interval '300 days' / {rows('payments')})"
    return {
        "payment_id": "n",
        "order_id": unless(1_501, f"{rows('orders')} + n", f"1 + {number(41, rows('orders'))}"),
        "method": one_of(42, "card", "invoice", "paypal", "cash"),
        "amount": f"(100 + {number(43, 20_000)})::numeric(12, 2) / 100",
        "fee": f"(100 + {number(43, 20_000)})::numeric(12, 2) / 5000",
        "iban": unless(2_503, "'iban ' || n", "'DE' || lpad(n::text, 20, '7')"),
        "paid_at": paid,
        "booked_at": unless(1_301, f"({paid}) + interval '9 days'", f"({paid}) + {number(44, 48)} * interval '1 hour'"),
    }


def _shipments(rows: Callable[[str], int]) -> dict[str, str]:
    sent = f"now() - {number(51, 5_000)} * interval '1 hour'"
    return {
        "shipment_id": "n",
        "order_id": f"1 + {number(52, rows('orders'))}",
        "carrier": unless(4_001, "'pigeon'", one_of(53, "dhl", "ups", "fedex")),
        "tracking": unless(1_801, "'none'", "upper(left(md5(n::text), 12))"),
        "sent_at": sent,
        "delivered_at": unless(1_401, "null", f"({sent}) + {number(54, 100)} * interval '1 hour'"),
        "weight": f"{number(55, 30_000)} / 1000.0::double precision",
    }


def _readings(rows: Callable[[str], int]) -> dict[str, str]:
    return {
        "reading_id": "n",
        "sensor": f"1 + {number(61, 50)}",
        "at": f"(now() - interval '60 days')::timestamp + n * (interval '60 days' / {rows('readings')})",
        "value": unless(200_003, "900.0", f"({number(62, 1_000)} + {number(63, 1_000)}) / 100.0::double precision"),
        "total": unless(90_001, "n - 1000000000", "n * 10::bigint"),
        "quality": one_of(64, "good", "good", "good", "poor"),
    }


def _inventory(rows: Callable[[str], int]) -> dict[str, str]:
    return {
        "product_id": f"1 + n % {rows('products')}",
        "warehouse": f"'W' || n / {rows('products')}",
        "quantity": unless(2_203, "-1", number(71, 500)),
        "counted_on": f"current_date - {number(72, 365)}",
        "updated_at": f"now() - {number(73, 100)} * interval '1 hour'",
        "bin": unless(1_603, "'bin'", f"chr(65 + {number(74, 26)}) || '-' || {number(75, 900)} + 100"),
    }


_MADE = (_orders, _customers, _products, _events, _payments, _shipments, _readings, _inventory)


def statements(scale: float) -> list[str]:
    """SQL that makes the tables, of so much of their rows, and vacuums them."""

    def rows(table: str) -> int:
        return max(1_000, int(ROWS[table] * scale))

    made = []
    for make in _MADE:
        table = make.__name__.removeprefix("_")
        columns = ",\n".join(f"{sql} as {name}" for name, sql in make(rows).items())
        made += [
            f"create table {table} as select {columns} from generate_series(1, {rows(table)}) n",
            f"vacuum (analyze) {table}",
        ]
    return made
