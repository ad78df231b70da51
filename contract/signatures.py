"""Signing what one service posts to the other, as Standard Webhooks say (webhook-id, -timestamp, -signature)."""

import secrets
from base64 import b64encode
from datetime import UTC, datetime

from standardwebhooks import Webhook, WebhookVerificationError

from contract.problems import Unauthenticated


def new_secret() -> str:
    """A fresh signing secret in the standard's form."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def sign(secret: str, message_id: str, body: str, now: datetime | None = None) -> dict[str, str]:
    """The three headers for a body that is sent now; the id stays the same over all attempts."""
    moment = now or datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, moment, body),
    }


def verify(secret: str, headers: dict[str, str], body: bytes) -> None:
    """Unauthenticated unless the body was signed with the secret within five minutes of now."""
    try:
        Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()})
    except WebhookVerificationError as error:
        raise Unauthenticated(f"the signature of the post is not valid: {error}") from error
    except ValueError as error:  # headers that are no base64, a body that is no UTF-8
        raise Unauthenticated("the signature of the post cannot be read") from error
