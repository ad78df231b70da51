"""What the pages of the dashboard need."""

from dataclasses import dataclass

from backend.requests.asking import Asking
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue


@dataclass(frozen=True)
class Dashboard:
    """What the pages need. `is_secure`: people reach them by HTTPS, so that cookies are sent by it alone.
    `docs_url`: where they reach the docs portal; None if that is not known."""

    database: Database
    catalogue: Catalogue
    asking: Asking
    is_secure: bool = False
    docs_url: str | None = None
