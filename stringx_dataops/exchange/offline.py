"""The catalogue of rule types that comes with this package, for commands that work without a server."""

from stringx_dataops.contract.catalogue.dbt_project import project_of_commands
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.variables import SettingsError


def own_catalogue() -> Catalogue:
    """The rule types of the dbt project `stringx` of this release, or of DBT_PROJECT_DIR. Raises SettingsError."""
    try:
        return Catalogue.load(project_of_commands())
    except ValueError as error:
        raise SettingsError(str(error)) from error
