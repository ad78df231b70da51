"""A table's effective document: its own with the defaults of its target and the rules of the sets that hold for it.

Pure functions of stored documents. The effective document has no `overrides`; rules of a set have ids with the set's name in
front.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stringx_dataops.contract.documents.defaults import OF_TABLES
from stringx_dataops.contract.documents.effective import same
from stringx_dataops.contract.documents.overrides import overridden
from stringx_dataops.contract.documents.rule_sets import holds_for
from stringx_dataops.contract.documents.tables import MOST_RULES, GateSettings, TableDocument
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import FieldError

_NAMES = ("apiVersion", "kind", "target", "table", "rules", "overrides")


@dataclass(frozen=True)
class Layers:
    """What a target adds to its tables: its defaults, if it has any, and its rule sets, as they are stored."""

    defaults: JsonObject | None = None
    rule_sets: Sequence[JsonObject] = ()

    def of_table(self, table: str) -> "Layers":
        """Without the sets that do not hold for the table; the others are sorted by name."""
        sets = [each for each in self.rule_sets if holds_for(each, table)]
        return Layers(self.defaults, sorted(sets, key=lambda each: str(each["name"])))


def merged(document: JsonObject, layers: Layers) -> JsonObject:
    """The effective document of a table. `layers` are those of its target."""
    layers = layers.of_table(document["table"])
    found = _defaults(layers, document) | {name: value for name, value in document.items() if name != "overrides"}
    if isinstance(document.get("gate"), dict):
        found["gate"] = _gate(layers) | document["gate"]
    rules = [rule for _, rule in _rules(document, layers)]
    return found | ({"rules": rules} if rules or "rules" in document else {})


def is_changed(document: JsonObject, effective: JsonObject) -> bool:
    """Whether the layers add anything to the document."""
    return not same(document, effective)


def faults_of_merging(document: JsonObject, layers: Layers, pointer: str = "") -> Iterator[FieldError]:
    """Why the document and the layers do not fit together."""
    layers = layers.of_table(document["table"])
    known = {rule["id"] for rule_set in layers.rule_sets for rule in _of_set(rule_set)}
    for index, override in enumerate(document.get("overrides") or ()):
        if override["id"] not in known:
            words = f"no rule set gives {document['table']} a rule {override['id']!r}; leave it out, or look at the set's tables"
            yield FieldError(f"{pointer}/overrides/{index}/id", words)
    rules = len(document.get("rules") or ()) + len(known)
    if rules > MOST_RULES:
        names = ", ".join(str(each["name"]) for each in layers.rule_sets)
        yield FieldError(
            f"{pointer}/rules", f"are {rules:,} with those of its rule sets ({names}); at most {MOST_RULES:,} are allowed"
        )


def origins(document: JsonObject, layers: Layers) -> JsonObject:
    """Where each field and rule of the effective document comes from.

    `fields`: by name (of the gate `gate.max_age` and so on), `table`, `defaults` or `built_in`. `rules`: by id, `{from: table}`,
    or `{from: rule_set, rule_set, overridden: [fields]}`.
    """
    layers = layers.of_table(document["table"])
    defaults, own_gate, gate = _defaults(layers, {}), document.get("gate") or {}, _gate(layers)
    fields: dict[str, str] = {}
    for name in TableDocument.model_fields:
        if name == "gate":
            for part in GateSettings.model_fields:
                fields[f"gate.{part}"] = "table" if part in own_gate else "defaults" if part in gate else "built_in"
        elif name not in _NAMES:
            fields[name] = "table" if name in document else "defaults" if name in defaults else "built_in"
    overrides = {override["id"]: override for override in document.get("overrides") or ()}
    rules: dict[str, Any] = {}
    for source, rule in _rules(document, layers):
        if source is None:
            rules[rule["id"]] = {"from": "table"}
        else:
            changed = [name for name in overrides.get(rule["id"], {}) if name != "id"]
            rules[rule["id"]] = {"from": "rule_set", "rule_set": source, "overridden": changed}
    return {"fields": fields, "rules": rules}


def as_said(document: JsonObject, as_written: bool) -> JsonObject:
    """A stored document with what somebody has said. Earlier releases wrote every default out (`as_written` is False): there, a
    value that equals the default counts as not said."""
    if as_written:
        return document
    defaults = TableDocument.model_construct(apiVersion="stringx/v1", target="", table="").model_dump(mode="json")
    said = {name: value for name, value in document.items() if name in _NAMES or not same(value, defaults.get(name))}
    if isinstance(said.get("gate"), dict):
        said["gate"] = {name: value for name, value in said["gate"].items() if not same(value, defaults["gate"].get(name))}
    return said


def _defaults(layers: Layers, document: Mapping[str, Any]) -> JsonObject:
    """The fields that the defaults give, except those of the gate where the document has some."""
    given = (
        {name: layers.defaults[name] for name in OF_TABLES if (layers.defaults or {}).get(name) is not None}
        if layers.defaults
        else {}
    )
    if gate := _gate(layers):
        given["gate"] = gate
    else:
        given.pop("gate", None)
    return {name: value for name, value in given.items() if name not in document}


def _gate(layers: Layers) -> JsonObject:
    gate = (layers.defaults or {}).get("gate") or {}
    return {name: value for name, value in gate.items() if value is not None}


def _rules(document: JsonObject, layers: Layers) -> Iterator[tuple[str | None, JsonObject]]:
    """Each effective rule with the name of its set, None for the table's own, which come first."""
    for rule in document.get("rules") or ():
        yield None, rule
    overrides = {override["id"]: override for override in document.get("overrides") or ()}
    for rule_set in layers.rule_sets:
        for rule in _of_set(rule_set):
            override = overrides.get(rule["id"])
            yield str(rule_set["name"]), rule if override is None else overridden(rule, override)


def _of_set(rule_set: JsonObject) -> list[JsonObject]:
    """The rules with their ids in a table."""
    return [rule | {"id": f"{rule_set['name']}.{rule['id']}"} for rule in rule_set.get("rules") or ()]
