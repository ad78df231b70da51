"""The internal database: pool, migrations, leases, notifications, keys; and an embedded PostgreSQL for a single machine."""
