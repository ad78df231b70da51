"""Documents of rule sets: rules that hold for every configured table of a target whose name matches."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.documents.fields import Model, Owner, RuleSetName, TargetName, Words
from stringx_dataops.contract.documents.globs import MOST_GLOBS, Glob, matches
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.documents.tables import MOST_RULES, faults_of_ids, parse_with_rules
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import FieldError


class RuleSetDocument(Model):
    """One rule set. `tables` are patterns for `schema.table`; a table that matches one of `except` is left out."""

    apiVersion: Literal["stringx/v1"]
    kind: Literal["RuleSet"]
    name: RuleSetName
    target: TargetName
    description: Words = ""
    owner: Owner = ""
    tables: Annotated[list[Glob], Field(min_length=1, max_length=MOST_GLOBS)]
    except_: Annotated[list[Glob], Field(max_length=MOST_GLOBS, alias="except")] = []
    rules: Annotated[list[Rule], Field(max_length=MOST_RULES)] = []


def parse_rule_set(value: Any, catalogue: Catalogue, judge_of: Callable[[str], Judge], pointer: str = "") -> RuleSetDocument:
    """A rule set from its document, each rule held against the catalogue. Raises Invalid with every fault."""
    return parse_with_rules(RuleSetDocument, value, catalogue, judge_of, pointer, _faults)


def holds_for(rule_set: JsonObject, table: str) -> bool:
    """Whether the stored set holds for the table, by its name."""
    return matches(table, rule_set["tables"]) and not matches(table, rule_set.get("except") or ())


def _faults(value: JsonObject, pointer: str) -> Iterator[FieldError]:
    yield from faults_of_ids(value, pointer)
