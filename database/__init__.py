"""The internal database: pool, migrations, leases, notifications, keys; and the embedded PostgreSQL of one-machine use."""
