"""The catalogue of rule types that comes with this package, for commands that work without a server."""

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.settings import ROOT


def own_catalogue() -> Catalogue:
    """The rule types of the dbt project `stringx` of this release."""
    return Catalogue.load(ROOT / "stringx")
