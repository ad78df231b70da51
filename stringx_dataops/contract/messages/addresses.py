"""Where people reach an installation."""

from pydantic import BaseModel


class Addresses(BaseModel):
    """Of the dashboard (PUBLIC_URL) and of the docs portal (DOCS_URL); null if the installation does not say it."""

    dashboard: str | None
    docs: str | None
