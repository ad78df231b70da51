"""The JSON schema of OpenLineage's events, read from the classes of its client, which are generated from the standard's schemas."""

from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit
from uuid import UUID

import attr
from jsonschema import Draft202012Validator, FormatChecker
from openlineage.client.generated import (
    base,
    data_quality_assertions_dataset,
    data_quality_metrics_input_dataset,
    error_message_run,
    job_type_job,
    processing_engine_run,
    test_run,
)

Json = dict[str, Any]
FACETS: dict[type, dict[str, type]] = {
    base.RunFacet: {
        "errorMessage": error_message_run.ErrorMessageRunFacet,
        "processing_engine": processing_engine_run.ProcessingEngineRunFacet,
        "test": test_run.TestRunFacet,
    },
    base.JobFacet: {"jobType": job_type_job.JobTypeJobFacet},
    base.InputDatasetFacet: {
        "dataQualityAssertions": data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet,
        "dataQualityMetrics": data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet,
    },
    base.DatasetFacet: {},
    base.OutputDatasetFacet: {},
}
_REQUIRED = ("producer", "schemaURL", "_producer", "_schemaURL")  # the classes fill them in by themselves
_FORMATS = {"runId": "uuid", "eventTime": "date-time", **dict.fromkeys(_REQUIRED, "uri")}
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}
_formats = FormatChecker(formats=())


@_formats.checks("uuid", ValueError)
def _is_uuid(text: object) -> bool:
    return str(UUID(str(text))) == text


@_formats.checks("date-time", ValueError)
def _is_moment(text: object) -> bool:
    return "T" in str(text) and datetime.fromisoformat(str(text)).tzinfo is not None


@_formats.checks("uri", ValueError)
def _is_uri(text: object) -> bool:
    parts = urlsplit(str(text))
    return bool(parts.scheme and parts.netloc) and str(text).isascii() and " " not in str(text)


def faults(event: Json) -> list[str]:
    """Of a run event, and of the facets in it that OpenLineage defines; of others, whether they say where they come from."""
    validator = Draft202012Validator(_of(base.RunEvent), format_checker=_formats)
    return sorted(f"{error.json_path}: {error.message}" for error in validator.iter_errors(event))


def _of(hint: Any) -> Json:
    """The schema of a type. What may be None in a class is left out of an event, and not null."""
    kind, inner = get_origin(hint), get_args(hint)
    if kind in (Union, UnionType):
        [only] = [each for each in inner if each is not NoneType]
        return _of(only)
    if kind is list:
        return {"type": "array", "items": _of(inner[0])}
    if kind is dict:
        known = {name: _of(facet) for name, facet in FACETS.get(inner[1], {}).items()}
        return {"type": "object", "properties": known, "additionalProperties": _of(inner[1])}
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if hint is Any:
        return {}
    if issubclass(hint, Enum):
        return {"enum": [each.value for each in hint]}
    return _of_class(hint)


def _of_class(of: Any) -> Json:
    hints = get_type_hints(of)
    fields = attr.fields(of)
    properties = {field.name: _of(hints[field.name]) for field in fields}
    for name in properties:
        if name in _FORMATS:
            properties[name]["format"] = _FORMATS[name]
    if of not in FACETS:
        for name in ("schemaURL", "_schemaURL"):
            if name in properties:
                properties[name]["const"] = of._get_schema()
    required = [field.name for field in fields if field.default is attr.NOTHING or field.name in _REQUIRED]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": of in FACETS}
