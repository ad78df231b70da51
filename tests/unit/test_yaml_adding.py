"""Rules that are added to the text of a document leave that text as it is."""

import pytest

from stringx_dataops.contract.documents.yaml_adding import with_rules
from stringx_dataops.contract.documents.yaml_reading import read_yaml

ITEMS = "\n  # why: it is so\n  - id: new\n    type: not_null\n    column: 'a: b'\n"
RULES = [{"id": "new", "type": "not_null", "column": "a: b"}]
HEAD = "# orders\napiVersion: stringx/v1\ntarget: shop  # the shop\ntable: public.orders\n"
OLD = "  - id: old  # the first\n    type: unique\n    column: id\n"


@pytest.mark.parametrize(
    "text",
    [
        HEAD,
        HEAD.rstrip("\n"),
        f"{HEAD}rules:\n{OLD}",
        f"{HEAD}rules:\n{OLD}".rstrip("\n"),
        f"{HEAD}rules:\n{OLD}  # a last word\n",
        f"rules:\n{OLD}\n# the table\n{HEAD}",
        f"{HEAD}rules:\n- id: old\n  type: unique\n  column: id\ntimeout: 5m\n",
        f"{HEAD}rules:\n    - id: old\n      type: expression\n      arguments:\n        sql: |\n          a > 1\n\n          and b\nowner: me\n",
        f"---\n{HEAD}rules:\n{OLD}...\n",
    ],
)
def test_the_text_stays_and_the_rules_are_the_last(text: str) -> None:
    found = with_rules(text, ITEMS, RULES)
    assert found is not None
    (before,), (after,) = read_yaml(text.encode()), read_yaml(found.encode())
    assert after == before | {"rules": [*before.get("rules", ()), *RULES]}
    kept = [line for line in found.splitlines() if line in text.splitlines()]
    assert [line for line in kept if line.strip()] == [line for line in text.splitlines() if line.strip()]
    assert "# why: it is so" in found


@pytest.mark.parametrize(
    "text",
    [f"{HEAD}rules: []\n", f"{HEAD}rules: [{{id: old, type: unique, column: id}}]\n", "{}", "", "- a", "a: [", HEAD + HEAD],
)
def test_what_cannot_be_kept_as_it_is_is_left_to_be_written_anew(text: str) -> None:
    assert with_rules(text, ITEMS, RULES) is None
