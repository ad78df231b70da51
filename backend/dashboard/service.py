"""What the pages of the dashboard need."""

from dataclasses import dataclass

from backend.requests.asking import Asking
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.settings import Network


@dataclass(frozen=True)
class Dashboard:
    """What the pages need. `is_secure`: people reach them by HTTPS, so that cookies are sent by it alone. `trusted_proxies`:
    whose word about a client's address is believed. `docs_url`: where people reach the docs portal; None if that is not known."""

    database: Database
    catalogue: Catalogue
    asking: Asking
    is_secure: bool = False
    trusted_proxies: tuple[Network, ...] = ()
    docs_url: str | None = None
