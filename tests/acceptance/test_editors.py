"""The JSON Schema in the YAML server that VS Code's extension uses: what it completes, and what it marks."""

import json
import subprocess
from typing import Any

import pytest

from stringx_dataops.contract.documents.json_schema import FILE
from stringx_dataops.contract.settings import ROOT
from tests.support.node import installed

FOLDER = ROOT / "tests" / "editors"
TABLE = "apiVersion: stringx/v1\ntarget: shop\ntable: public.a\n"
RULE = TABLE + "rules:\n  - id: a\n    type: "


def ask(complete: list[str], validate: list[str]) -> dict[str, Any]:
    installed(FOLDER)
    asked = json.dumps({"schema": json.loads(FILE.read_text()), "complete": complete, "validate": validate})
    done = subprocess.run(["node", "ask.js"], cwd=FOLDER, input=asked, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.long
def test_editors_complete_fields_rule_types_and_the_arguments_of_each() -> None:
    kinds, types, arguments, formats, gate, target = ask(
        [
            "apiVersion: stringx/v1\nkind: ¦",
            f"{RULE}¦",
            f"{RULE}between\n    column: c\n    arguments:\n      ¦",
            f"{RULE}format\n    column: c\n    arguments:\n      format: ¦",
            f"{TABLE}gate:\n  on_warn: ¦",
            "apiVersion: stringx/v1\nkind: Target\nname: shop\n¦",
        ],
        [],
    )["complete"]
    assert {"Table", "Dataset", "Target"} <= set(kinds)
    assert {"not_null", "unique", "dbt"} <= set(types)
    assert set(arguments) == {"min", "max", "exclusive_min", "exclusive_max"}
    assert {"email", "uuid"} <= set(formats)
    assert set(gate) == {"open", "closed"}
    assert {"host", "password_env", "allow_functions"} <= set(target)
    assert "rules" not in target


@pytest.mark.long
def test_editors_mark_faults_and_nothing_else() -> None:
    merged = TABLE + "rules:\n  - &a\n    id: a\n    type: not_null\n    column: c\n  - <<: *a\n    id: b\n"
    wrong = f"{TABLE}ownr: me\nrules:\n  - {{id: a, type: not_nul, column: c}}\n  - {{id: b, type: not_null}}\n"
    good, repeated, faults = ask([], [(ROOT / "rules" / "nyc.yml").read_text(), merged, wrong])["validate"]
    assert good == repeated == []
    assert {fault.partition(":")[0] for fault in faults} == {"4", "6", "7"}
