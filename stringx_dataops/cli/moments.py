"""Times that people type."""

from datetime import date, datetime, timedelta, timezone

import click

from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.messages.moments import parse_moment


def moment_ahead(text: str) -> str:
    """From a duration, a date or a time to a time; what is none of them is refused."""
    try:
        ahead = timedelta(seconds=parse_duration(text))
    except (ValueError, OverflowError):
        pass
    else:
        return (datetime.now(timezone.utc) + ahead).isoformat()
    try:
        moment = f"{date.fromisoformat(text).isoformat()}T00:00:00Z" if len(text) == len("2026-12-31") else text
        parse_moment(moment)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is no time ahead; write how long (4h, 3d), a date, or a time such as 2026-12-31T06:00:00Z",
            param_hint="'--until'",
        ) from error
    return moment
