"""Signing what one service posts to the other, as Standard Webhooks say (webhook-id, -timestamp, -signature)."""

import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook, WebhookVerificationError

from stringx_dataops.contract.problems import Unauthenticated

_MOST_SECRETS = 2
_SHORTEST_SECRET = 24  # bytes, as the standard says


def new_secret() -> str:
    """A fresh signing secret in the standard's form."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def read_secrets(text: str) -> list[str]:
    """The signing secrets of a setting: one, or two apart by white space while one takes the other's place, the newer first.
    ValueError, in words that do not repeat it, where it holds anything else."""
    found = text.split()
    if len(found) > _MOST_SECRETS:
        raise ValueError(f"holds {len(found)} secrets; give one, or the new and the old one while you rotate")
    for secret in found:
        encoded = secret.removeprefix("whsec_")
        try:
            strong = len(b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)) >= _SHORTEST_SECRET
        except ValueError:
            strong = False
        if not strong:
            raise ValueError("is no signing secret; give whsec_ and at least 24 random bytes in base64")
    return found


def sign(secrets: Sequence[str], message_id: str, body: str, now: datetime | None = None) -> dict[str, str]:
    """The three headers for a body that is sent now, with a signature by each secret; the id stays the same over all attempts."""
    moment = now or datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, moment, body) for secret in secrets),
    }


def verify(secrets: Sequence[str], headers: dict[str, str], body: bytes) -> None:
    """Unauthenticated unless the body was signed with one of the secrets within five minutes of now."""
    lowered = {name.lower(): value for name, value in headers.items()}
    refused: WebhookVerificationError | None = None
    for secret in secrets:
        try:
            Webhook(secret).verify(body, lowered)
        except WebhookVerificationError as error:
            refused = error
        except ValueError as error:  # headers that are no base64, a body that is no UTF-8
            raise Unauthenticated("the signature of the post cannot be read") from error
        except RecursionError:
            return  # signed, and then read as JSON, which is too deep: whoever reads it refuses it
        else:
            return
    raise Unauthenticated(f"the signature of the post is not valid: {refused}") from refused
