"""Channels and routes of messages to people, and the delivery log. All of it is for those who administer without limits."""

from datetime import UTC, datetime
from typing import get_args

from flask import Blueprint, Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from backend.configuration import watch_store, watching
from backend.dashboard import channels
from backend.dashboard.pages import next_page, page, wanted
from backend.dashboard.request_filters import moment_of
from backend.dashboard.service import Dashboard
from backend.incidents import store as incidents
from backend.notifications import log
from database.pool import Database
from stringx_dataops.contract.documents.channels import ChannelDocument
from stringx_dataops.contract.documents.routes import RouteDocument
from stringx_dataops.contract.messages.notifications import ChannelTest, Notification, NotificationKind, NotificationState
from stringx_dataops.contract.messages.pages import Page
from stringx_dataops.contract.problems import Busy, Conflict, NotFound, StringXError
from web.parameters import uuid_of

_ON_PAGE, _LAST = 50, 10  # messages
_TIMES = ("from", "to")
_FILTERS = ("channel", "state", "kind", "incident", *_TIMES)
_INCIDENTS = 20  # that a message names


def add(routes: Blueprint, service: Dashboard) -> None:
    """The routes. Documents are in `watch_pages`."""
    database, messages = service.database, service.messages

    def last(**filters: str) -> list[channels.MessageRow]:
        found = messages.page(filters, Page(_LAST))
        return [channels.message_row(Notification.model_validate(item)) for item in found["items"]]

    @routes.get("/channels", endpoint="channels")
    def show_channels() -> Response:
        _require_admin()
        with database.transaction() as cursor:
            found, routed = watching.channels(cursor), watching.routes(cursor)
        numbers, queues = [each.document.channel for each in routed], _queues(database)
        return page(
            "channels.html",
            here="channels",
            channels=[
                channels.channel_row(each.document, numbers.count(each.document.name), queues.get(each.document.name))
                for each in found
            ],
            routes=[channels.route_row(each.document) for each in routed],
            messages=last(),
        )

    @routes.get("/channels/<name>", endpoint="channel")
    def show_channel(name: str, test: ChannelTest | None = None, error: StringXError | None = None) -> Response:
        _require_admin()
        document = ChannelDocument.model_validate(watch_store.find(database, "Channel", name).document)
        routed = _routes_of(database, name)
        return page(
            "channel.html",
            error.status if error is not None else 200,
            here="channels",
            address=channels.url(name),
            channel=channels.channel_row(document, len(routed), _queues(database).get(name)),
            routes=routed,
            tested=channels.tested(test) if test is not None else "",
            is_delivered=test is not None and test.delivered,
            saved=request.args.get("saved", "")[:9],
            fault=error.detail if error is not None else "",
            messages=last(channel=name),
        )

    @routes.post("/channels/<name>/test")
    def test_channel(name: str) -> Response:
        _require_admin()
        try:
            return show_channel(name, messages.test(g.caller, name))
        except (Busy, Conflict) as error:
            return show_channel(name, error=error)

    @routes.get("/routes/<name>", endpoint="route")
    def show_route(name: str) -> Response:
        _require_admin()
        document = RouteDocument.model_validate(watch_store.find(database, "Route", name).document)
        return page(
            "route.html",
            here="channels",
            route=channels.route_row(document),
            channel_url=channels.url(document.channel),
            saved=request.args.get("saved", "")[:9],
        )

    @routes.get("/notifications", endpoint="notifications")
    def show_notifications() -> Response:
        _require_admin()
        given = {name: value for name in _FILTERS if (value := request.args.get(name, "").strip()[:63])}
        unknown = []
        for name, words in (("state", get_args(NotificationState)), ("kind", get_args(NotificationKind))):
            if name in given and given[name] not in words:
                del given[name]
                unknown.append(f"{name.capitalize()} is none of the choices")
        if "incident" in given:
            given["incident"] = uuid_of(given["incident"], f"there is no incident {given['incident']!r}")
        filters = {name: value for name, value in given.items() if name not in _TIMES}
        times, faults = _times(datetime.now(UTC))
        found = messages.page(filters | times, wanted(log.NOTIFICATIONS, _ON_PAGE))
        return page(
            "notifications.html",
            422 if unknown or faults else 200,
            faults=unknown + faults,
            here="channels",
            filters=given,
            states=get_args(NotificationState),
            kinds=get_args(NotificationKind),
            messages=[channels.message_row(Notification.model_validate(item)) for item in found["items"]],
            next=next_page(found),
        )

    @routes.get("/notifications/<notification_id>", endpoint="notification")
    def show_notification(notification_id: str, error: StringXError | None = None) -> Response:
        _require_admin()
        found = messages.find(_id(notification_id))
        return page(
            "notification.html",
            error.status if error is not None else 200,
            here="channels",
            address=url_for("dashboard.notification", notification_id=notification_id),
            row=channels.message_row(found),
            channel_url=channels.url(found.channel),
            incidents=_incidents(database, found.incidents[:_INCIDENTS]),
            more_incidents=len(found.incidents) > _INCIDENTS,
            text=found.text,
            may_send=found.kind != "test",
            fault=error.detail if error is not None else "",
        )

    @routes.post("/notifications/<notification_id>/send-again")
    def send_notification_again(notification_id: str) -> BaseResponse:
        _require_admin()
        try:
            messages.send_again(g.caller, _id(notification_id))
        except Conflict as error:
            return show_notification(notification_id, error)
        return redirect(url_for("dashboard.notification", notification_id=notification_id), 303)


def _times(now: datetime) -> tuple[dict[str, datetime], list[str]]:
    """The times of the address as filters, and a sentence for each that is none."""
    found, faults = {}, []
    for name, label in (("from", "Planned from"), ("to", "Planned before")):
        if text := request.args.get(name, "").strip()[:63]:
            try:
                found[name] = moment_of(text, now)
            except (ValueError, OverflowError) as error:
                faults.append(f"{label} {error}")
    return found, faults


def _require_admin() -> None:
    g.caller.require("admin")
    g.caller.require_unlimited()


def _routes_of(database: Database, channel: str) -> list[channels.RouteRow]:
    with database.transaction() as cursor:
        found = watching.routes(cursor)
    return [channels.route_row(each.document) for each in found if each.document.channel == channel]


def _queues(database: Database) -> dict[str, log.Queue]:
    return {queue.channel: queue for queue in log.queues(database)}


def _incidents(database: Database, ids: list[str]) -> list[tuple[str, str]]:
    """The address and the name of each that is still kept."""
    found = []
    for each in ids:
        try:
            incident = incidents.find(database, each)
        except NotFound:
            continue
        found.append((f"/incidents/{incident.id}", incident.table or incident.dataset or ""))
    return found


def _id(text: str) -> str:
    return uuid_of(text, f"there is no message {text[:100]!r}")
