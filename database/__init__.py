"""The internal database: pool, migrations, leases, sending, notifications, loops and their reports, a probe, batches, keys, and
the lookup of the configuration; and an embedded PostgreSQL for a single machine."""
