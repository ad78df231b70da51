"""The fields of a data contract of ODCS 3. A field that is named nowhere here may hold a check, and is a loss."""

from stringx_dataops.exchange.odcs.operators import NAMES
from stringx_dataops.exchange.shapes import ANYTHING, FLAG, NAME, TEXT, WHOLE, Fields, Many

_SAID = frozenset(("id", "description", "businessName", "authoritativeDefinitions", "tags"))
_CUSTOM = Many(Fields({"property": NAME, "value": ANYTHING}, frozenset(("id", "description", "vendor"))))
CHECK = Fields(
    {"type": TEXT, "engine": TEXT, "customProperties": ANYTHING}
    | dict.fromkeys(("metric", "rule", "query", "arguments", "unit", "severity", "dimension", *NAMES), ANYTHING),
    frozenset(("name", "businessImpact", "method", "scheduler", "schedule", "implementation", *_SAID)),
)
_RELATIONSHIP = Fields({"to": ANYTHING, "from": ANYTHING, "type": TEXT}, frozenset(("customProperties", *_SAID)))
_PROPERTY = Fields(
    {
        "name": NAME,
        "physicalName": NAME,
        "physicalType": TEXT,
        "logicalType": TEXT,
        "logicalTypeOptions": Fields(
            dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"), ANYTHING)
            | dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum", "pattern", "multipleOf", "format"), ANYTHING)
            | dict.fromkeys(("uniqueItems", "required", "minProperties", "maxProperties"), ANYTHING),
            frozenset(("timezone", "defaultTimezone")),
        ),
        "required": FLAG,
        "unique": FLAG,
        "primaryKey": FLAG,
        "primaryKeyPosition": WHOLE,
        "enum": Many(Fields({"value": ANYTHING}, frozenset(("name", *_SAID)))),
        "quality": Many(CHECK),
        "relationships": Many(_RELATIONSHIP),
        "properties": ANYTHING,  # lost as a whole by the reader
        "items": ANYTHING,
    },
    frozenset(("partitioned", "partitionKeyPosition", "classification", "encryptedName", "criticalDataElement", "examples"))
    | frozenset(("transformSourceObjects", "transformLogic", "transformDescription", "customProperties", *_SAID)),
)
_OBJECT = Fields(
    {
        "name": NAME,
        "physicalName": NAME,
        "description": TEXT,
        "customProperties": _CUSTOM,
        "properties": Many(_PROPERTY),
        "quality": Many(CHECK),
        "relationships": Many(_RELATIONSHIP),
    },
    frozenset(("physicalType", "logicalType", "dataGranularityDescription", *_SAID)),
)
CONTRACT = Fields(
    {
        "schema": Many(_OBJECT),
        "servers": Many(ANYTHING),
        "slaProperties": Many(
            Fields(
                dict.fromkeys(("property", "value", "unit", "element"), ANYTHING),
                frozenset(("valueExt", "driver", "scheduler", "schedule", "customProperties", *_SAID)),
            )
        ),
    },
    frozenset(("apiVersion", "kind", "version", "name", "tenant", "status", "dataProduct", "domain", "support", "price"))
    | frozenset(("team", "roles", "slaDefaultElement", "customProperties", "contractCreatedTs", *_SAID)),
)
