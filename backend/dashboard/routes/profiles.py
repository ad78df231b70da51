"""Profiles: asked for, listed, looked at and compared; and the way from suggested rules to a first verdict."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from backend.configuration import editing
from backend.dashboard import accepting, profile_differences, profiles, profiling, views
from backend.dashboard.accepting import Accepted
from backend.dashboard.pages import Numbered, address_of_page, next_page, page, wanted
from backend.dashboard.running import lines
from backend.dashboard.service import Dashboard
from backend.insights import running
from backend.profiles import comparison, store, suggesting
from backend.profiles.suggesting import Suggested
from stringx_dataops.contract.documents.yaml_writing import table_as_yaml
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.messages.pages import Page
from stringx_dataops.contract.messages.profiles import Profile, ProfileView
from stringx_dataops.contract.messages.verdicts import TERMINAL
from stringx_dataops.contract.problems import Busy, Conflict, Invalid, NotFound, PreconditionFailed, StringXError
from stringx_dataops.suggestions import Suggestion
from web.parameters import uuid_of

_ON_PAGE, _COLUMNS, _COMPARED = 25, 100, 50  # profiles of a list, columns on a page, profiles to compare with
_FILTERS = ("target", "table")


def add(routes: Blueprint, service: Dashboard) -> None:
    """The routes of profiles."""
    database = service.database

    @routes.get("/profiles", endpoint="profiles")
    def show_profiles(error: StringXError | None = None) -> Response:
        form = profiling.form_of(request.values, error)
        filters = {name: value for name in _FILTERS if (value := request.args.get(name, "").strip()[:200])}
        found = store.page(database, filters, wanted(store.PAGES, _ON_PAGE))
        return page(
            "profiles.html",
            form.status,
            here="profiles",
            form=form,
            filters=filters,
            targets=editing.targets(database),
            items=found["items"],
            next=next_page(found),
            may_trigger="trigger" in g.caller.scopes,
            may_configure="configure" in g.caller.scopes,
        )

    @routes.post("/profiles")
    def create_profile() -> BaseResponse:
        g.caller.require("trigger")
        try:
            order = profiling.order_of(request.form, request.form.getlist("show"))
            if order.profile is not None and order.profile.sample_columns is not None:
                g.caller.require("configure")
            tracked, is_promised = service.asking.ask(order, "dashboard", g.caller.name)
        except (Invalid, Busy) as refused:
            return show_profiles(refused)
        request_id = tracked.view.request_id
        if not is_promised:
            return redirect(url_for("dashboard.request_page", request_id=request_id), 303)
        return redirect(_url(store.of_request(database, request_id).profile_id), 303)

    @routes.get("/profiles/<profile_id>", endpoint="profile")
    def show_profile(profile_id: str) -> Response:
        view = _find(service, profile_id)
        place = Numbered("columns", _COLUMNS)
        profile = view.profile
        which = request.args.get("ticked", "")
        found = _suggested(service, view)
        return page(
            "profile.html",
            here="profiles",
            **_named(view),
            address=address_of_page(),
            has_ended=view.status in TERMINAL,
            running=lines(running.of_request(database, view.request_id)) if view.status not in TERMINAL else [],
            rows=profiles.rows(profile, place.skip, _COLUMNS) if profile is not None else [],
            hides_values=any(column.values_hidden for column in profile.columns) if profile is not None else False,
            place=place,
            suggestions=found.rules,
            suggestions_fault=found.fault,
            ticked=accepting.ticked(found.rules, which),
            which=which if which in ("all", "none") else "recommended",
            others=_others(service, view),
            **_compared(service, view),
            may_trigger="trigger" in g.caller.scopes,
            may_configure="configure" in g.caller.scopes,
        )

    @routes.post("/profiles/<profile_id>/preview")
    def preview_suggestions(profile_id: str) -> Response:
        g.caller.require("configure")
        view, profile = _measured(service, profile_id)
        return _preview(service, view, accepting.accept(service, profile, _to_choose_from(service, view), _chosen()))

    @routes.post("/profiles/<profile_id>/apply")
    def apply_suggestions(profile_id: str) -> BaseResponse:
        g.caller.require("configure")
        view, profile = _measured(service, profile_id)
        accepted = accepting.accept(service, profile, _to_choose_from(service, view), _chosen())
        if not accepted.chosen:
            return _preview(service, view, accepted)
        try:
            accepting.save(service, g.caller, profile, accepted.document, _opened())
        except PreconditionFailed:
            return _preview(service, view, accepted, has_changed=True)
        checks = request.form.get("action") == "check" and "trigger" in g.caller.scopes
        return redirect(_check_now(service, view) if checks else views.table_url(view.target, view.table), 303)


def _check_now(service: Dashboard, view: ProfileView) -> str:
    """Where the check is seen that was asked for; if it is refused, the page of the table says by its button why."""
    here = views.table_url(view.target, view.table)
    try:
        asked = CheckRequest(target=view.target, table=view.table, mode="async")
        tracked, is_promised = service.asking.ask(asked, "dashboard", g.caller.name)
    except (Invalid, Busy, Conflict):
        return here
    return here if is_promised else url_for("dashboard.request_page", request_id=tracked.view.request_id)


def _find(service: Dashboard, profile_id: str) -> ProfileView:
    """The profile as the person may see it: without values of rows, unless the scope `samples` is there."""
    view = store.find(service.database, uuid_of(profile_id, f"there is no profile {profile_id[:100]!r}"))
    if view.profile is None or "samples" in g.caller.scopes:
        return view
    return view.model_copy(update={"profile": view.profile.without_values()})


def _measured(service: Dashboard, profile_id: str) -> tuple[ProfileView, Profile]:
    view = _find(service, profile_id)
    if view.profile is None:
        raise Conflict(f"the profile of {view.table} has measured nothing: it is {view.status}; ask for another one")
    return view, view.profile


def _suggested(service: Dashboard, view: ProfileView) -> Suggested:
    with_values = "samples" in g.caller.scopes
    return suggesting.suggestions(service.database, service.catalogue, view, with_values=with_values)


def _to_choose_from(service: Dashboard, view: ProfileView) -> list[Suggestion]:
    """The suggestions. Conflict if they cannot be made any more: no rule that was ticked is left out in silence."""
    found = _suggested(service, view)
    if found.fault is not None:
        raise Conflict(found.fault)
    return found.rules


def _chosen() -> list[str]:
    return [rule for rule in request.form.getlist("rule") if rule]


def _opened() -> int:
    given = request.form.get("opened", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else 0


def _preview(service: Dashboard, view: ProfileView, accepted: Accepted, *, has_changed: bool = False) -> Response:
    return page(
        "profile_preview.html",
        PreconditionFailed.status if has_changed else 200,
        here="profiles",
        **_named(view),
        address=_url(view.profile_id),
        accepted=accepted,
        text=table_as_yaml(accepted.document, service.catalogue),
        has_changed=has_changed,
        editor_url=views.editor_url(view.target, view.table),
        may_trigger="trigger" in g.caller.scopes,
    )


def _others(service: Dashboard, view: ProfileView) -> list[dict[str, Any]]:
    """Other profiles of the table that have measured something, the newest first."""
    found = store.page(service.database, {"target": view.target, "table": view.table}, Page(_COMPARED))["items"]
    return [each for each in found if each["profile_id"] != view.profile_id and each["status"] == "succeeded"]


def _compared(service: Dashboard, view: ProfileView) -> dict[str, Any]:
    """What differs from the profile that the address names."""
    if not (given := request.args.get("compare")) or view.profile is None:
        return {"earlier": None, "changes": []}
    other = _find(service, given)
    if (other.target, other.table) != (view.target, view.table) or other.profile is None:
        raise NotFound(f"there is no profile {given[:100]!r} of {view.table} to compare with")
    pair: Sequence[ProfileView] = sorted((other, view), key=lambda each: each.at)
    before, after = (each.profile for each in pair)
    assert before is not None
    assert after is not None
    found = profile_differences.changes(comparison.differences(before, after))
    return {"earlier": pair[0], "later": pair[1], "other_id": other.profile_id, "changes": found}


def _named(view: ProfileView) -> dict[str, Any]:
    return {
        "view": view,
        "profile": view.profile,
        "target": view.target,
        "table": view.table,
        "table_url": views.table_url(view.target, view.table),
    }


def _url(profile_id: str) -> str:
    return url_for("dashboard.profile", profile_id=profile_id)
