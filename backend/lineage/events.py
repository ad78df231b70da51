"""A result as OpenLineage run events: pure functions.

A run is a check, so its `runId` is the check's id; its job is the check of a table or dataset. Each checked table is an input
dataset, named as OpenLineage's specification names tables, with the facets `dataQualityAssertions` and `dataQualityMetrics`. No
sample is in an event, and no measured value that the document hides.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from stringx_dataops import __version__
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.engines.base import TargetDocument
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.checks import CheckResult, RuleResult, rfc3339

_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_ASSERTIONS = f"{_SPEC}/facets/1-1-0/DataQualityAssertionsDatasetFacet.json#/$defs/DataQualityAssertionsDatasetFacet"
_METRICS = f"{_SPEC}/facets/1-0-3/DataQualityMetricsInputDatasetFacet.json#/$defs/DataQualityMetricsInputDatasetFacet"
_TESTS = f"{_SPEC}/facets/1-0-1/TestRunFacet.json#/$defs/TestRunFacet"
_ERROR = f"{_SPEC}/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet"
_JOB_TYPE = f"{_SPEC}/facets/2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet"
_ENGINE = f"{_SPEC}/facets/1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet"
_OTHER_TABLES = ("to_table", "other_table")  # arguments of rules over two tables
_LONGEST = 200  # characters of a value
EventType = Literal["START", "COMPLETE", "FAIL", "ABORT"]


@dataclass(frozen=True)
class Teller:
    """What an event says besides its result. `base`: the Backend's address; `namespace`: that of jobs; `over_two`: types of rules
    that read two tables."""

    base: str
    namespace: str
    over_two: frozenset[str]

    @property
    def producer(self) -> str:
        """Names this installation and its release."""
        return f"{self.base}/docs#stringx-dataops-{__version__}"

    def facet(self, schema: str, **fields: Any) -> JsonObject:
        return {"_producer": self.producer, "_schemaURL": schema} | fields


def over_two_tables(catalogue: Catalogue) -> frozenset[str]:
    """The types of rules that have another table among their arguments."""
    return frozenset(
        each.name for each in catalogue if any(argument in each.arguments.get("properties", {}) for argument in _OTHER_TABLES)
    )


def events(teller: Teller, result: CheckResult, target: TargetDocument | None, gate: str | None) -> list[JsonObject]:
    """The event of the start, and that of the end: COMPLETE if the check was decided, however; FAIL if it could not be; ABORT if
    it was canceled. `target` is None if it was deleted since. `gate`: what the check has made of it."""
    began = result.started_at or result.queued_at
    ended = result.finished_at or began
    tables = list(_tables(result))
    datasets = [_dataset(target, result.target, table) for table, _, _ in tables]
    started = _event(teller, result, "START", rfc3339(began), datasets, {})
    with_facets = [
        dataset | {"inputFacets": _input_facets(teller, rules, row_count)}
        for dataset, (_, rules, row_count) in zip(datasets, tables, strict=True)
    ]
    return [
        started,
        _event(teller, result, _end_of(result), rfc3339(ended), with_facets, _run_facets(teller, result, gate, tables)),
    ]


def _event(
    teller: Teller, result: CheckResult, kind: EventType, at: str, inputs: list[JsonObject], run_facets: JsonObject
) -> JsonObject:
    subject = result.table or f"dataset.{result.dataset}"
    engine = teller.facet(_ENGINE, name="stringx-dataops", version=__version__)
    job_type = teller.facet(_JOB_TYPE, processingType="BATCH", integration="STRINGX", jobType="CHECK")
    return {
        "eventType": kind,
        "eventTime": at,
        "producer": teller.producer,
        "schemaURL": _EVENT,
        "run": {"runId": result.check_id, "facets": {"processing_engine": engine, **run_facets}},
        "job": {"namespace": teller.namespace, "name": f"{result.target}.{subject}", "facets": {"jobType": job_type}},
        "inputs": inputs,
        "outputs": [],
    }


def _end_of(result: CheckResult) -> EventType:
    if result.status == "canceled":
        return "ABORT"
    return "COMPLETE" if result.status == "succeeded" else "FAIL"


def _tables(result: CheckResult) -> Iterator[tuple[str, list[RuleResult], int | None]]:
    """Each checked table with its rules and its number of rows."""
    if result.table is not None:
        yield result.table, result.rules, result.row_count
    for each in result.tables:
        yield each.table, each.rules, each.row_count


def _dataset(target: TargetDocument | None, named: str, table: str) -> JsonObject:
    """By OpenLineage's naming; by the target's name if its document is gone."""
    if target is None:
        return {"namespace": f"stringx://{named}", "name": table}
    parsed = TableName.parse(table)
    return {"namespace": target.lineage_namespace, "name": f"{target.dbt_database}.{parsed.schema}.{parsed.name}"}


def _input_facets(teller: Teller, rules: Collection[RuleResult], row_count: int | None) -> JsonObject:
    found: JsonObject = {}
    if decided := [rule for rule in rules if rule.status in ("pass", "warn", "fail")]:
        of_table = [_assertion(rule) for rule in decided if rule.type not in teller.over_two]
        found["dataQualityAssertions"] = teller.facet(_ASSERTIONS, assertions=of_table)
    if row_count is not None:
        found["dataQualityMetrics"] = teller.facet(_METRICS, rowCount=row_count, columnMetrics={})
    return found


def _assertion(rule: RuleResult) -> JsonObject:
    columns = {"column": rule.columns[0]} if len(rule.columns) == 1 else {}
    return {"assertion": rule.type, "success": rule.status == "pass"} | columns | _of_rule(rule)


def _of_rule(rule: RuleResult) -> JsonObject:
    """What an assertion and a test say alike. The severity of a rule that passes is not known from its result."""
    severity = None
    if rule.status != "pass":
        severity = "error" if rule.status == "fail" and not rule.shadow else "warn"
    params: JsonObject = {"id": rule.id, "kind": rule.kind, "dimension": rule.dimension}
    params |= {name: value for name, value in (("failures", rule.failures), ("total", rule.total)) if value is not None}
    if len(rule.columns) > 1:
        params["columns"] = rule.columns
    if rule.shadow:
        params["shadow"] = True
    said = {"name": rule.id, "severity": severity, "description": rule.description or None, "actual": _actual(rule)}
    return {name: value for name, value in said.items() if value is not None} | {"params": params}


def _actual(rule: RuleResult) -> str | None:
    if rule.measured is not None and not rule.measured_hidden:
        return str(rule.measured)[:_LONGEST]
    if rule.failures is None or rule.measured_hidden:
        return None
    return f"{rule.failures} of {rule.total} fail" if rule.total is not None else f"{rule.failures} fail"


def _run_facets(
    teller: Teller, result: CheckResult, gate: str | None, tables: Collection[tuple[str, list[RuleResult], int | None]]
) -> JsonObject:
    rules = [(table, rule) for table, of_table, _ in tables for rule in of_table]
    facets: JsonObject = {"stringx_gate": _gate_facet(teller, result, gate, rules)}
    if tests := [_test(rule) for _, rule in rules if rule.type in teller.over_two and rule.status in ("pass", "warn", "fail")]:
        facets["test"] = teller.facet(_TESTS, tests=tests)
    if result.status not in ("succeeded", "canceled"):
        words = f"the check ended as {result.status}; GET /api/v1/requests/{result.request_id} has the reason"
        facets["errorMessage"] = teller.facet(_ERROR, message=words, programmingLanguage="SQL")
    return facets


def _test(rule: RuleResult) -> JsonObject:
    return {"status": "pass" if rule.status == "pass" else "fail", "type": rule.type} | _of_rule(rule)


def _gate_facet(teller: Teller, result: CheckResult, gate: str | None, rules: list[tuple[str, RuleResult]]) -> JsonObject:
    """What OpenLineage has no place for: the verdict, the gate, rules that could not be decided, waivers."""
    fields: Mapping[str, Any] = {
        "verdict": result.verdict,
        "status": result.status,
        "gate": gate,
        "requestId": result.request_id,
        "target": result.target,
        "table": result.table,
        "dataset": result.dataset,
        "full": result.full,
        "configVersion": result.config_version,
        "rulesHash": result.rules_hash,
        "snapshotAt": rfc3339(result.snapshot_at) if result.snapshot_at else None,
        "traceparent": result.traceparent,
        "undecided": [{"table": table, "rule": rule.id} for table, rule in rules if rule.status == "error"] or None,
        "waived": [{"table": table, "rule": rule.id, "waiver": rule.waived.id} for table, rule in rules if rule.waived] or None,
    }
    schema = f"{teller.base}/docs#StringxGateRunFacet"
    return teller.facet(schema, **{name: value for name, value in fields.items() if value is not None})
