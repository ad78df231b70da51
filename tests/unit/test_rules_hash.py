"""The hash of a document's rules follows what decides, and nothing else."""

from pathlib import Path
from typing import Any

import yaml

from stringx_dataops.contract.catalogue.rule_types import CATALOGUE_FILE, Catalogue
from stringx_dataops.contract.documents.effective import rules_hash
from stringx_dataops.contract.documents.tables import TableDocument, parse_table
from stringx_dataops.contract.settings import ROOT
from tests.support.documents import CATALOGUE, plain_judge, rule, table


def hash_of(document: TableDocument) -> str:
    return rules_hash(document, CATALOGUE)


def test_the_hash_follows_what_decides() -> None:
    same = [
        hash_of(rule()),
        hash_of(rule(description="other")),
        hash_of(table(owner="x", rules=rule().model_dump()["rules"])),
    ]
    assert len(set(same)) == 1
    others = [
        rule(active=False), rule(fail_above=1), rule(where="a > 0"), rule(column="d"), rule(severity="warn"), rule(id="s"),
        table(on_empty="warn", rules=rule().model_dump()["rules"]), table(timezone="Europe/Berlin", rules=rule().model_dump()["rules"]),
    ]  # fmt: skip
    assert len({same[0], *(hash_of(document) for document in others)}) == 1 + len(others)


def test_a_default_of_a_type_of_ones_own_is_the_same_said_or_not(tmp_path: Path) -> None:
    entries = yaml.safe_load((ROOT / "stringx" / CATALOGUE_FILE).read_text())
    schema = {"properties": {"depth": {"type": "object", "properties": {"of": {"type": "integer", "default": 3}}}}}
    entries["types"]["mine"] = entries["types"]["not_null"] | {"arguments": schema}
    (tmp_path / CATALOGUE_FILE).parent.mkdir(parents=True)
    (tmp_path / CATALOGUE_FILE).write_text(yaml.safe_dump(entries))
    mine = Catalogue.load(tmp_path)

    def hash_with(arguments: dict[str, Any]) -> str:
        rule = {"id": "r", "type": "mine", "column": "c", "arguments": arguments}
        document = {"apiVersion": "stringx/v1", "target": "shop", "table": "public.orders", "rules": [rule]}
        return rules_hash(parse_table(document, mine, plain_judge), mine)

    assert hash_with({"depth": {"of": 3}}) == hash_with({"depth": {}}) != hash_with({"depth": {"of": 4}})
