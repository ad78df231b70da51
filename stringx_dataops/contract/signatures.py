"""Signatures of posts between the services, as in Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature)."""

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime, timezone

from standardwebhooks import Webhook, WebhookVerificationError

from stringx_dataops.contract.problems import Unauthenticated

_MOST_SECRETS = 2
_OF_CHANNELS = b"stringx webhook of the channel "
_SHORTEST_SECRET = 24  # bytes, by the standard


def new_secret() -> str:
    """A new signing secret of 32 random bytes, in the standard's form `whsec_…`."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def read_secrets(text: str) -> list[str]:
    """The signing secrets in a setting: one, or during a rotation two, separated by white space, the newer first.

    Raises ValueError with a sentence that does not contain a secret.
    """
    secrets = text.split()
    if len(secrets) > _MOST_SECRETS:
        raise ValueError(f"holds {len(secrets)} secrets; give one, or the new and the old one while you rotate")
    for secret in secrets:
        encoded = secret.removeprefix("whsec_")
        try:
            strong = len(b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)) >= _SHORTEST_SECRET
        except ValueError:
            strong = False
        if not strong:
            raise ValueError("is no signing secret; give whsec_ and at least 24 random bytes in base64")
    return secrets


def of_channel(signing_secret: str, channel: str) -> str:
    """The secret that signs webhooks of a channel which has none of its own, derived from the installation's. Whoever knows it
    can sign nothing that the services believe."""
    key = signing_secret.removeprefix("whsec_").encode()
    return "whsec_" + b64encode(hmac.digest(key, _OF_CHANNELS + channel.encode(), "sha256")).decode()


def sign(secrets: Sequence[str], message_id: str, body: str, now: datetime | None = None) -> dict[str, str]:
    """The three headers for a body that is sent now, with a signature by each secret. All attempts use the same id."""
    moment = now or datetime.now(timezone.utc)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, moment, body) for secret in secrets),
    }


def verify(secrets: Sequence[str], headers: dict[str, str], body: bytes) -> None:
    """Raise Unauthenticated unless the body was signed with one of the secrets within five minutes of now."""
    lowered = {name.lower(): value for name, value in headers.items()}
    refused: WebhookVerificationError | None = None
    for secret in secrets:
        try:
            Webhook(secret).verify(body, lowered)
        except WebhookVerificationError as error:
            refused = error
        except ValueError as error:  # the headers are no base64, or the body is no UTF-8
            raise Unauthenticated("the signature of the post cannot be read") from error
        except RecursionError:
            return  # the signature is right, but the library then parses the JSON, which is too deep; its reader refuses it later
        else:
            return
    raise Unauthenticated(f"the signature of the post is not valid: {refused}") from refused
