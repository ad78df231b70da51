"""Messages by Apprise: https://github.com/caronc/apprise/wiki.

It says only whether a message was sent, and its log quotes addresses. So what HTTP and SMTP answer is noted where they are
called, and nothing of the log is kept.
"""

import hashlib
import logging
import re
import smtplib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import make_msgid
from functools import cache
from typing import Any
from urllib.parse import quote

import apprise
import requests
from apprise.plugins.base import NotifyBase
from apprise.plugins.email import base as mail

from backend.notifications.rendering import Form, Rendered, render
from backend.notifications.senders.orders import Order, Outcome
from stringx_dataops.contract.messages.notifications import NotificationContent, What

_OF_PROGRAMS = ("jsons", "xmls", "forms")  # programs read what these send, and mark-up means nothing to them
_ON_THIS_MACHINE = ("syslog", "dbus", "kde", "qt", "glib", "gio", "gnome", "macosx", "windows", "blink1")
_LONGEST = 30_000  # characters, where a service takes more
LARGEST_ANSWER = 1 << 20  # bytes that are read
_ROOM = 50  # characters, for what a service adds of its own
_TYPES: dict[What, apprise.NotifyType] = {
    "closed": apprise.NotifyType.FAILURE,
    "missed": apprise.NotifyType.FAILURE,
    "still_closed": apprise.NotifyType.FAILURE,
    "still_missed": apprise.NotifyType.FAILURE,
    "error": apprise.NotifyType.WARNING,
    "warn": apprise.NotifyType.WARNING,
    "stale": apprise.NotifyType.WARNING,
    "opened": apprise.NotifyType.SUCCESS,
    "removed": apprise.NotifyType.SUCCESS,  # its incident is over, and so is that of a pager
}


@dataclass
class Seen:
    """What the service answered last, or the class of the error without an answer. `has_spoken`: whether anything was sent
    anywhere. `text`: the message that is sent, as plain text for mails, beside HTML."""

    has_spoken: bool = False
    status: int | None = None
    fault: str | None = None
    notification_id: str = ""
    text: str = ""


SEEN = Seen()


def send(order: Order) -> Outcome:
    """Send one message by one service."""
    try:
        return _send(order)
    finally:
        SEEN.notification_id = ""  # what this process sends next may be another channel's


def _send(order: Order) -> Outcome:
    SEEN.has_spoken = False
    SEEN.status, SEEN.fault, SEEN.notification_id = None, None, order.notification_id
    SEEN.text = render(order.content, order.channel, order.public_url).body
    if order.address.partition(":")[0].lower() in _ON_THIS_MACHINE:
        return Outcome(is_sent=False, reason=f"{order.place} holds an address of this machine itself, where nobody reads it")
    services = apprise.Apprise(asset=_asset(order.public_url))
    services.add(order.address)
    plugins = list(services)
    if len(plugins) != 1:
        words = f"{len(plugins)} addresses; make a channel of each" if plugins else "no address of Apprise; put one into it"
        return Outcome(is_sent=False, reason=f"{order.place} holds {words}")
    plugin = plugins[0]
    if len(plugin) > 1:  # each is sent a message of its own, and all of them again if one fails
        words = f"{len(plugin)} receivers; make a channel of each (a mail may have `cc`)"
        return Outcome(is_sent=False, reason=f"{order.place} holds {words}")
    message, form = _rendered(order, plugin)
    name_incident(order, plugin)
    try:
        is_sent = plugin.notify(
            title=message.title, body=message.body, notify_type=_type(order.content), body_format=apprise.NotifyFormat(form)
        )
    except Exception as error:  # whatever a plugin raises: its text may quote the address
        return Outcome(is_sent=False, reason=f"the service cannot be used: {type(error).__name__}", status=SEEN.status)
    if is_sent:
        if not SEEN.has_spoken:
            reason = "Apprise has sent nothing: the service has no use for such a message"
            return Outcome(is_sent=False, reason=reason, gone=True)
        return Outcome(is_sent=True, status=SEEN.status)
    return Outcome(is_sent=False, reason=_reason(), status=SEEN.status)


def _asset(public_url: str | None) -> apprise.AppriseAsset:
    """Without images of Apprise's, which readers would load from elsewhere, and without files that remember anything."""
    return apprise.AppriseAsset(
        app_id="StringX",
        app_desc="StringX",
        app_url=public_url or "",
        image_url_mask="",
        image_url_logo="",
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )


def _reason() -> str:
    if SEEN.fault is not None:
        return f"the service does not answer: {SEEN.fault}"
    if SEEN.status is not None:
        return f"the service answers with status {SEEN.status}: not accepted"
    return "Apprise could not send it"


def _rendered(order: Order, plugin: NotifyBase) -> tuple[Rendered, Form]:
    """The message in the richest form that the service takes, or in the one that the address asks for (`?format=`)."""
    form = _form(plugin)
    longest = min(_LONGEST, max(1, plugin.body_maxlen - _ROOM))
    if plugin.title_maxlen > 0 and getattr(plugin, "overflow_amalgamate_title", False):
        longest = max(1, longest - plugin.title_maxlen)
    return render(order.content, order.channel, order.public_url, form, longest=longest, longest_title=plugin.title_maxlen), form


def _form(plugin: NotifyBase) -> Form:
    formats = [each.value for each in plugin._formats()]
    asked = getattr(plugin._format_override, "value", None)
    if asked in formats:
        return _known(asked)
    if plugin.secure_protocol in _OF_PROGRAMS:
        return "text"
    richest = next((each for each in ("html", "markdown") if each in formats and formats[0] in ("text", each)), formats[0])
    return _known(richest)


def _known(name: str) -> Form:
    return "html" if name == "html" else "markdown" if name == "markdown" else "text"


def _type(content: NotificationContent) -> apprise.NotifyType:
    """The kind of notification for the worst of what it tells."""
    return next((_TYPES[what] for what in content.counts), apprise.NotifyType.INFO)


def name_incident(order: Order, plugin: Any) -> None:
    """Services that keep incidents of their own (PagerDuty, Opsgenie) know by its id which one a message is about. They then
    resolve it at the end, unless the address has an `action`."""
    content = order.content
    told = content.items[0] if content.number == 1 and content.items else None
    if told is None or told.incident_id is None:
        _close_nothing(plugin)
        return
    for name in ("dedup", "alias"):
        if getattr(plugin, name, "") is None:
            setattr(plugin, name, told.incident_id)
    if plugin.secure_protocol == "opsgenie" and told.what in ("opened", "removed"):
        _close_by_alias(plugin)
    if plugin.secure_protocol == "pagerduty" and "action=" not in order.address.lower():
        plugin.action = "map"


def _close_nothing(plugin: Any) -> None:
    """Opsgenie closes an alert where a message is good news, and adds plain news to it as a note. What is about no single
    incident, such as a test, has no alert, and would be lost: it becomes one."""
    if plugin.secure_protocol == "opsgenie":
        plugin.mapping = dict.fromkeys(plugin.mapping, "new")


def _close_by_alias(plugin: Any) -> None:
    """Apprise closes the alerts whose ids it remembers, and here it remembers nothing; Opsgenie also takes an alias."""
    fetch = plugin._fetch

    def by_alias(method: Any, url: str, payload: Any, params: Any = None) -> Any:
        return fetch(method, url, payload, {"identifierType": "alias"} if params else params)

    plugin._fetch = by_alias
    key = hashlib.sha1((plugin.entity or plugin.alias).encode(), usedforsecurity=False).hexdigest()[:10]  # as Apprise has it
    plugin.store.set(key, [quote(plugin.alias, safe="")])


def _with_some(response: requests.Response) -> requests.Response:
    """With the beginning of what it says, which is read here because no service reads it with a limit."""
    read = bytearray()
    for piece in response.iter_content(1 << 16):
        read += piece
        if len(read) >= LARGEST_ANSWER:
            break
    response.close()
    vars(response).update(_content=bytes(read[:LARGEST_ANSWER]), _content_consumed=True)
    return response


def _listen(event: str, _: Any) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        SEEN.has_spoken = True


@cache
def prepare() -> None:
    """Once per process, whatever number of messages it sends: note what HTTP and SMTP answer, give mails a stable id, and keep
    Apprise's log from going anywhere."""
    logging.disable(logging.CRITICAL)
    sys.addaudithook(_listen)
    send_request, get_reply = requests.Session.send, smtplib.SMTP.getreply

    def noting_send(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if SEEN.notification_id:
            request.headers.setdefault("X-StringX-Notification", SEEN.notification_id)
        try:
            if request.method not in ("GET", "HEAD"):  # what comes after a redirect has not got the message
                options["allow_redirects"] = False
            response = _with_some(send_request(self, request, **options | {"stream": True}))
        except Exception as error:
            SEEN.fault = type(error).__name__
            raise
        SEEN.status = response.status_code
        return response

    def noting_reply(self: smtplib.SMTP) -> tuple[int, bytes]:
        try:
            code, words = get_reply(self)
        except Exception as error:
            SEEN.fault = type(error).__name__
            raise
        if code >= 400 or (code == 250 and SEEN.status is None):  # after a refusal it takes other commands, and says good-bye
            SEEN.status = code
        return code, words

    def stable_id(idstring: str | None = None, domain: str | None = None) -> str:
        if not SEEN.notification_id:
            return make_msgid(idstring, domain)
        host = re.sub(r"[^A-Za-z0-9.-]", "", domain or "") or "localhost"
        return f"<{SEEN.notification_id}@{host}>"

    def noting_fault(begin: Callable[..., Any]) -> Callable[..., Any]:
        def noting(self: smtplib.SMTP, *arguments: Any, **options: Any) -> Any:
            try:
                return begin(self, *arguments, **options)
            except OSError as error:
                SEEN.fault = type(error).__name__
                raise

        return noting

    smtplib.SMTP.connect = noting_fault(smtplib.SMTP.connect)  # type: ignore[method-assign]
    smtplib.SMTP.starttls = noting_fault(smtplib.SMTP.starttls)  # type: ignore[method-assign]
    requests.Session.send = noting_send  # type: ignore[method-assign]
    smtplib.SMTP.getreply = noting_reply  # type: ignore[method-assign]
    vars(mail)["make_msgid"] = stable_id
    vars(mail)["convert_between"] = lambda source, target, content: SEEN.text  # Apprise's own loses links
