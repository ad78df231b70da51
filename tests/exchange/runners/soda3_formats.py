"""Runs in an environment with soda-core-postgres 3: prints the regular expression of each format."""

import json

from soda.execution.data_source import DataSource

print(json.dumps(DataSource.DEFAULT_FORMATS))
