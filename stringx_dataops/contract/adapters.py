"""The engines that a target may be of, named as dbt names its adapters."""

from typing import Any, Literal, get_args

Adapter = Literal["postgres", "duckdb", "trino"]
ADAPTERS: tuple[Adapter, ...] = get_args(Adapter)
DEFAULT_ADAPTER: Adapter = "postgres"  # of a document that names none


def adapter_of(document: Any) -> Adapter:
    """The adapter that a target's document names. The default if it names none, or one that is not known here."""
    named = document.get("adapter") if isinstance(document, dict) else None
    return next((adapter for adapter in ADAPTERS if adapter == named), DEFAULT_ADAPTER)
