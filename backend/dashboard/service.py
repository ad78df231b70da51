"""What the pages of the dashboard need."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backend.notifications.log import Log
from backend.requests.asking import Asking
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.sign_in import SignIn
from stringx_dataops.contract.variables import Network

if TYPE_CHECKING:  # only installations with a provider load it
    from backend.sign_in.provider import Provider


@dataclass(frozen=True)
class OpenId:
    """The OpenID provider at which people sign in, and the client's secret there."""

    settings: SignIn
    provider: "Provider"
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Dashboard:
    """What the pages need. `messages`: the delivery log of messages to people. `openid`: None if people sign in with keys alone.
    `public_url` and `docs_url`: where people reach the pages and the docs portal; None if that is not known. `trusted_proxies`:
    whose word about a client's address is believed."""

    database: Database
    catalogue: Catalogue
    asking: Asking
    messages: Log
    public_url: str | None = None
    trusted_proxies: tuple[Network, ...] = ()
    docs_url: str | None = None
    openid: OpenId | None = None

    @property
    def is_secure(self) -> bool:
        """Whether people reach the pages by HTTPS, so that cookies are sent by it alone."""
        return (self.public_url or "").startswith("https://")
