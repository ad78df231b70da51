"""Documents that add something to the tables of their target: defaults and rule sets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.documents.defaults import DefaultsDocument, parse_defaults
from stringx_dataops.contract.documents.effective import as_json
from stringx_dataops.contract.documents.rule_sets import RuleSetDocument, parse_rule_set
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import FieldError, Invalid

Kind = Literal["Defaults", "RuleSet"]
KINDS: tuple[Kind, ...] = ("Defaults", "RuleSet")
FIELD_OF_NAME: dict[Kind, str] = {"Defaults": "target", "RuleSet": "name"}


@dataclass(frozen=True)
class Layer:
    """A document of defaults or a rule set as it is stored. Defaults have the name of their target."""

    kind: Kind
    name: str
    target: str
    document: JsonObject

    @property
    def words(self) -> str:
        """It in a message."""
        return f"rule set {self.name}" if self.kind == "RuleSet" else f"defaults of target {self.name}"


def parse_layer(kind: Kind, value: Any, catalogue: Catalogue, judges: Callable[[str], Judge], pointer: str = "") -> Layer:
    """The document of a value. Raises Invalid with every fault."""
    read: DefaultsDocument | RuleSetDocument
    if kind == "Defaults":
        read = parse_defaults(value, pointer)
        return Layer(kind, read.target, read.target, as_json(read))
    read = parse_rule_set(value, catalogue, judges, pointer)
    return Layer(kind, read.name, read.target, as_json(read))


def parse_layers(
    values: Sequence[Any], catalogue: Catalogue, judges: Callable[[str], Judge]
) -> tuple[dict[str, Layer], list[FieldError]]:
    """Those of a stream by their pointers, and their faults."""
    found: dict[str, Layer] = {}
    errors: list[FieldError] = []
    seen: set[tuple[str, str]] = set()
    for index, value in enumerate(values):
        kind = value.get("kind") if isinstance(value, dict) else None
        if kind not in KINDS:
            continue
        try:
            layer = parse_layer(kind, value, catalogue, judges, f"/{index}")
        except Invalid as fault:
            errors += fault.errors
            continue
        if (layer.kind, layer.name) in seen:
            errors.append(FieldError(f"/{index}/{FIELD_OF_NAME[layer.kind]}", f"{layer.words} stands twice in the stream"))
        seen.add((layer.kind, layer.name))
        found[f"/{index}"] = layer
    return found, errors
