"""dbt imports every module of the path whose name begins with `dbt_`, and so this one, before it connects: what Jinja and the
profile cannot do for Trino is done in Python."""

import api.engine.trino_connection
import api.engine.trino_statements  # noqa: F401
