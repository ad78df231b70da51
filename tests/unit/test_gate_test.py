"""The border between Python and the macros: what the macros read of a specification is declared, and what is declared is read."""

import re

from stringx_dataops.contract.gate_test.specification import (
    USUAL,
    BaselineFacts,
    ProfileSpecification,
    RuleSpecification,
    Specification,
    TableSpecification,
    Threshold,
    Window,
)
from stringx_dataops.contract.settings import ROOT

MACROS = "\n".join(path.read_text() for path in sorted((ROOT / "stringx" / "macros").rglob("*.sql")))
# In the macros a specification, of a check, a table or a rule, is called `spec`; that of a rule also `rule` where a rule's macro gets it.
READ = re.compile(r"\bspec\.get\('(\w+)'|'(\w+)' in (?:\w+\.)*spec\b|\bspec\.(\w+)")
OF_MAPPINGS = {"get", "items", "keys", "values", "update"}
FOR_READERS = {"center", "points", "season", "learning"}  # of a baseline, in the command that a result names
MODELS = (Specification, ProfileSpecification, TableSpecification, RuleSpecification, Threshold, Window)
DECLARED = {name for model in MODELS for name in model.__annotations__}


def test_the_macros_read_no_key_that_is_not_declared() -> None:
    read = {name for found in READ.findall(MACROS) for name in found if name} - OF_MAPPINGS
    assert len(read) > 25
    assert read - DECLARED == set()


def test_every_declared_key_is_read() -> None:
    for name in (DECLARED | set(BaselineFacts.__annotations__)) - FOR_READERS:
        assert re.search(rf"(\.{name}\b|'{name}')", MACROS), name


def test_what_is_usual_may_be_left_out() -> None:
    assert set(USUAL) <= RuleSpecification.__optional_keys__
