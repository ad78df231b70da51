"""Who asks for a check: the key that was sent, or whom a service asks for."""

from urllib.parse import unquote

from flask import request

from stringx_dataops.contract.messages.requesters import HEADER, cleaned, is_name
from web.keys import caller


def requester() -> str:
    """The name of the key. A service, whose key may post results, names in a header the key that has asked it."""
    named = unquote(request.headers.get(HEADER, ""))
    is_service = "results" in caller().scopes and caller().targets is None
    return cleaned(named if is_service and is_name(named) else caller().name)
