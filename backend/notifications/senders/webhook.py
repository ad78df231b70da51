"""Webhooks: a CloudEvent in structured mode, signed as Standard Webhooks describe. Redirects are not followed."""

import json
import os
from datetime import UTC, datetime

import requests

from backend.notifications.senders.cloud_events import event_of
from backend.notifications.senders.orders import Order, Outcome
from stringx_dataops.contract import http_answers, signatures
from stringx_dataops.contract.http_answers import Unreadable
from stringx_dataops.contract.http_posts import retry_after_s
from stringx_dataops.contract.messages.events import CONTENT_TYPE

CONNECT_S, READ_S, BODY_S = 5.0, 15.0, 2.0
LARGEST_ANSWER = 64 * 1024  # bytes
LONGEST_RETRY_AFTER_S = 3600.0
_GONE = 410


def send(order: Order) -> Outcome:
    """Acknowledged by any status from 200 to 299."""
    body = json.dumps(event_of(order), ensure_ascii=False)
    now = datetime.now(UTC)
    headers = {"Content-Type": CONTENT_TYPE, "User-Agent": "StringX", "Accept-Encoding": "identity"}
    headers |= order.trace
    headers |= signatures.sign(order.secrets, order.notification_id, body, now)
    session = http_answers.new_session()
    try:
        response = session.post(
            order.address,
            data=body.encode(),
            headers=headers,
            stream=True,
            timeout=(CONNECT_S, READ_S),
            proxies=requests.utils.get_environ_proxies(order.address),
            verify=os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or True,
        )
        status, found = response.status_code, response.headers
        try:
            http_answers.read(response, LARGEST_ANSWER, BODY_S)
        except Unreadable:
            pass  # the status says all that counts
    except http_answers.FAULTS as error:
        return Outcome(is_sent=False, reason=f"the receiver does not answer: {http_answers.words_of(error)}")
    finally:
        session.close()
    if 200 <= status < 300:
        return Outcome(is_sent=True, status=status)
    words = "a redirect, which is not followed; give the channel the new address" if 300 <= status < 400 else "not accepted"
    return Outcome(
        is_sent=False,
        reason=f"the receiver answers with status {status}: {words}",
        status=status,
        retry_after_s=retry_after_s(found.get("Retry-After"), LONGEST_RETRY_AFTER_S, now),
        gone=status == _GONE,
    )
