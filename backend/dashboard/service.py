"""What the pages of the dashboard need."""

from dataclasses import dataclass

from backend.requests.asking import Asking
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.settings import Network


@dataclass(frozen=True)
class Dashboard:
    """What the pages need. `public_url` and `docs_url`: where people reach the pages and the docs portal; None if that is not
    known. `trusted_proxies`: whose word about a client's address is believed."""

    database: Database
    catalogue: Catalogue
    asking: Asking
    public_url: str | None = None
    trusted_proxies: tuple[Network, ...] = ()
    docs_url: str | None = None

    @property
    def is_secure(self) -> bool:
        """Whether people reach the pages by HTTPS, so that cookies are sent by it alone."""
        return (self.public_url or "").startswith("https://")
