"""The warm child of the integration tests serves these too."""

from tests.integration.conftest import engine

__all__ = ["engine"]
