"""Suggested rules of a profile, computed when it is read, from what is known of its table then."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

from backend.profiles import store
from database import configuration
from database.pool import Database
from database.queries import load_queries
from stringx_dataops.contract.adapters import Adapter, adapter_of
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.effective import as_json
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.profiles import Profile, ProfileView
from stringx_dataops.contract.problems import StringXError
from stringx_dataops.suggestions import EarlierCheck, History, StoredProfile, Suggestion, suggest

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_MOST_PROFILES, _MOST_CHECKS = 10, 100  # earlier ones that are looked at
_FAULT = "the suggestions could not be made, which is a fault of this release; what was measured is complete (the log says why)"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Suggested:
    """Suggested rules. `fault`: why there are none, if making them failed."""

    rules: list[Suggestion] = field(default_factory=list)
    fault: str | None = None


def suggestions(database: Database, catalogue: Catalogue, view: ProfileView, *, with_values: bool) -> Suggested:
    """Rules that fit the table; none without a profile. `with_values`: whether the key that asks may see values of rows; without,
    nothing is suggested that rests on one. What was measured is shown even if no rule can be made of it."""
    if view.profile is None:
        return Suggested()
    try:
        document, history, adapter = _known(database, view, view.profile, with_values)
        return Suggested(suggest(_shown(view.profile, with_values), catalogue, document, history, adapter))
    except StringXError:  # such as a database that is away
        raise
    except Exception as error:
        # without the traceback's last line, which may quote a value of a row
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{place.tb_frame.f_code.co_qualname}:{place.tb_lineno}" if place is not None else "unknown"
        log.error("no suggestions for profile %s: %s in %s", view.profile_id, type(error).__name__, where)
        return Suggested(fault=_FAULT)


def _known(
    database: Database, view: ProfileView, profile: Profile, with_values: bool
) -> tuple[JsonObject | None, History, Adapter]:
    """The table's effective document, its earlier profiles and checks, and its target's adapter. Profiles that another release
    has stored, and this one cannot read, are left out."""
    named = {"target": view.target, "table": view.table, "profile_id": view.profile_id, "before": profile.snapshot_at}
    with database.transaction() as cursor:
        found = configuration.tables(cursor, [(view.target, view.table)]).values()
        target = configuration.target(cursor, view.target)
        profiles = cursor.all(SQL["earlier_profiles"], named | {"limit": _MOST_PROFILES})
        checks = cursor.all(SQL["earlier_checks"], named | {"limit": _MOST_CHECKS})
    document = next((as_json(each.read()) for each in found), None)
    earlier = [(str(row["profile_id"]), store.readable(row["profile"])) for row in profiles]
    history = History(
        profiles=[StoredProfile(each, _shown(measured, with_values)) for each, measured in earlier if measured is not None],
        checks=[EarlierCheck(row["at"], row["row_count"], row["verdict"]) for row in checks],
    )
    return document, history, adapter_of(target)


def _shown(profile: Profile, with_values: bool) -> Profile:
    return profile if with_values else profile.without_values()
