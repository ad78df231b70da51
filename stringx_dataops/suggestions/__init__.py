"""Rules that fit a table, from what a profile measured of it. Pure: no clock, no connection, and nothing beyond the contract."""

from stringx_dataops.suggestions.choosing import suggest
from stringx_dataops.suggestions.documents import document_with
from stringx_dataops.suggestions.suggestion import (
    EarlierCheck,
    History,
    Said,
    SaidOfProfile,
    StoredProfile,
    Suggestion,
)

__all__ = ["EarlierCheck", "History", "Said", "SaidOfProfile", "StoredProfile", "Suggestion", "document_with", "suggest"]
