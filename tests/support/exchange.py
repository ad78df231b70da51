"""Imported documents, checked as the service checks them."""

import json
from collections.abc import Sequence
from typing import Any

from api.checks.lookup import Configured, InScope
from api.checks.specification import build
from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.documents.yaml_reading import read_yaml
from stringx_dataops.contract.documents.yaml_writing import table_as_yaml
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.trials import CheckOrder
from tests.support.databases import Target
from tests.support.documents import plain_judge
from tests.support.engine import CATALOGUE, Engine


def checked(engine: Engine, target: Target, documents: Sequence[JsonObject]) -> dict[str, dict[str, dict[str, Any]]]:
    """The outcome of each rule, by table and id. The documents are read as the YAML that an import prints."""
    found = {}
    for document in documents:
        (value,) = read_yaml(table_as_yaml(document, CATALOGUE).encode())
        table = parse_table(value, CATALOGUE, plain_judge)
        asked = CheckOrder.model_validate({"target": "shop", "table": table.table})
        scope = InScope(Configured(table, parse_target(target.document()), 1, ""), table.active_rules)
        answer = engine.answer(target, build(asked, scope.configured.target, [scope], CATALOGUE, 60))
        assert answer.outcome is not None, answer.message
        (outcome,) = json.loads(answer.outcome)["tables"]
        found[table.table] = {rule["id"]: rule for rule in outcome["rules"]}
    return found
