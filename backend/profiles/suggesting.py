"""Suggested rules of a profile, computed when it is read, from what is known of its table then."""

from pathlib import Path

from backend.profiles import store
from database import configuration
from database.pool import Database
from database.queries import load_queries
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.effective import as_json
from stringx_dataops.contract.messages.profiles import Profile, ProfileView
from stringx_dataops.suggestions import EarlierCheck, History, StoredProfile, Suggestion, suggest

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_MOST_PROFILES, _MOST_CHECKS = 10, 100  # earlier ones that are looked at


def suggestions(database: Database, catalogue: Catalogue, view: ProfileView, *, with_values: bool) -> list[Suggestion]:
    """Rules that fit the table; none without a profile. `with_values`: whether the key that asks may see values of rows; without,
    nothing is suggested that rests on one."""
    if view.profile is None:
        return []
    named = {"target": view.target, "table": view.table, "profile_id": view.profile_id, "before": view.profile.snapshot_at}
    with database.transaction() as cursor:
        found = configuration.tables(cursor, [(view.target, view.table)]).values()
        profiles = cursor.all(SQL["earlier_profiles"], named | {"limit": _MOST_PROFILES})
        checks = cursor.all(SQL["earlier_checks"], named | {"limit": _MOST_CHECKS})
    document = next((as_json(each.read()) for each in found), None)
    history = History(
        profiles=[StoredProfile(str(row["profile_id"]), _shown(store.read(row["profile"]), with_values)) for row in profiles],
        checks=[EarlierCheck(row["at"], row["row_count"], row["verdict"]) for row in checks],
    )
    return suggest(_shown(view.profile, with_values), catalogue, document, history)


def _shown(profile: Profile, with_values: bool) -> Profile:
    return profile if with_values else profile.without_values()
