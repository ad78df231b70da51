"""The fields of dbt's YAML files. A field that is named nowhere here may hold a test, and is a loss."""

from stringx_dataops.exchange.shapes import ANYTHING, NAME, TEXT, Fields, Many, Shape

_TESTS: dict[str, Shape] = {"tests": ANYTHING, "data_tests": ANYTHING}  # a list, or one test; the reader judges each
_SETTINGS = Fields({}, frozenset(), "a mapping", open=True)
_SAID = frozenset(("description", "meta", "tags", "docs", "constraints", "group", "access", "deprecation_date"))
_COLUMN = Fields(
    {"name": ANYTHING, "quote": ANYTHING, "include": ANYTHING, "exclude": ANYTHING, **_TESTS},
    frozenset(("data_type", "config", "policy_tags", "granularity", "dimension", "entity", *_SAID)),
    "a mapping with the name of a column",
)
_COLUMNS: dict[str, Shape] = {"columns": Many(_COLUMN), "config": _SETTINGS, **_TESTS}
_VERSION = Fields({"v": ANYTHING, **_COLUMNS}, frozenset(("defined_in", "name", *_SAID)))
_MODEL = Fields(
    {"name": ANYTHING, "latest_version": ANYTHING, "versions": Many(_VERSION), **_COLUMNS},
    frozenset(("time_spine", "primary_key", "relation", "freshness", "semantic_model", "derived_semantics", "agg_time_dimension"))
    | frozenset(("metrics", *_SAID)),
)
_TABLE = Fields(
    {"name": ANYTHING, "identifier": NAME, "freshness": ANYTHING, "quoting": _SETTINGS, **_COLUMNS},
    frozenset(("loader", "loaded_at_field", "loaded_at_query", "external", *_SAID)),
)
_SOURCE = Fields(
    {"name": ANYTHING, "schema": TEXT, "freshness": ANYTHING, "quoting": _SETTINGS, "config": _SETTINGS, "tables": Many(_TABLE)},
    frozenset(("database", "catalog", "loader", "loaded_at_field", "loaded_at_query", "overrides", *_SAID)),
)
SCHEMA_FILE = Fields(
    {**dict.fromkeys(("models", "seeds", "snapshots"), Many(_MODEL)), "sources": Many(_SOURCE)},
    frozenset(("version", "exposures", "metrics", "macros", "analyses", "semantic_models", "saved_queries", "unit_tests"))
    | frozenset(("groups", "functions", "catalogs", "anchors")),
)
