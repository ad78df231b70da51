"""Schedules: the list, each with its next and last runs, and what people do with one: run it now, pause it, resume it."""

from datetime import UTC, datetime

from flask import Blueprint, Response, g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from backend.configuration import watch_store
from backend.dashboard import forms, schedules, watching
from backend.dashboard.incidents import until_of
from backend.dashboard.pages import next_page, own, page, wanted
from backend.dashboard.service import Dashboard
from backend.schedules import store
from stringx_dataops.contract.documents.schedules import ScheduleDocument
from stringx_dataops.contract.documents.watches import Watch
from stringx_dataops.contract.messages.schedules import PauseOrder, ScheduleRun
from stringx_dataops.contract.problems import Conflict, Invalid, StringXError

_ON_PAGE, _RUNS = 50, 20


def add(routes: Blueprint, service: Dashboard) -> None:
    """The routes of schedules. Their documents are in `watch_pages`."""
    database = service.database

    @routes.get("/schedules", endpoint="schedules")
    def show_schedules() -> Response:
        documents = watch_store.documents(database, "Schedule", wanted(watch_store.LISTS["Schedule"], _ON_PAGE))
        found = store.listed(database, documents)
        return page(
            "schedules.html",
            here="schedules",
            rows=[schedules.listed(item) for item in found["items"]],
            next=next_page(found),
            may_configure="configure" in g.caller.scopes,
            may_trigger="trigger" in g.caller.scopes,
        )

    @routes.get("/schedules/<name>", endpoint="schedule")
    def show_schedule(name: str, error: StringXError | None = None) -> Response:
        stands = store.state(database, name)
        stored = watch_store.find(database, "Schedule", name)
        runs = store.runs(database, name, wanted(store.RUNS, _RUNS))
        document = ScheduleDocument.model_validate(stored.document)
        notes = watching.notes(database, Watch("Schedule", document))
        faults = {each.pointer: each.message for each in error.errors} if error is not None else {}
        return page(
            "schedule.html",
            error.status if error else 200,
            here="schedules",
            address=schedules.url(name),
            row=schedules.row(document, stands),
            runs=[schedules.run_row(ScheduleRun.model_validate(item)) for item in runs["items"]],
            next=next_page(runs),
            saved=request.args.get("saved") == str(stored.version) and stored.version,
            notes=notes,
            until=request.form.get("until", "")[:200] if error else "",
            until_fault=faults.pop("/until", ""),
            fault="; ".join(faults.values()) if error is not None and error.errors else error.detail if error else "",
            may_configure="configure" in g.caller.scopes,
            may_trigger="trigger" in g.caller.scopes,
        )

    @routes.post("/schedules/<name>/run")
    def run_schedule(name: str) -> BaseResponse:
        g.caller.require("trigger")
        try:
            store.run_now(database, g.caller, name)
        except (Conflict, Invalid) as error:
            return show_schedule(name, error)
        return redirect(schedules.url(name), 303)

    @routes.post("/schedules/<name>/pause")
    def pause_schedule(name: str) -> BaseResponse:
        g.caller.require("trigger")
        text = forms.fields().get("until", "").strip()
        try:
            order = PauseOrder(until=until_of(text, datetime.now(UTC)) if text else None)
            store.pause(database, g.caller, name, order)
        except Invalid as error:
            return show_schedule(name, error)
        return _back(name)

    @routes.post("/schedules/<name>/resume")
    def resume_schedule(name: str) -> BaseResponse:
        g.caller.require("trigger")
        store.resume(database, g.caller, name)
        return _back(name)


def _back(name: str) -> BaseResponse:
    back = forms.fields().get("back")
    return redirect(own(back) if back else schedules.url(name), 303)
