"""Filters of the list of requests, as parameters of the API."""

import re
from typing import Any, get_args

from stringx_dataops.contract.documents.fields import DATASET_NAME, RULE_OF_TABLE, TARGET_NAME
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.messages.requesters import check_name
from stringx_dataops.contract.messages.verdicts import CheckStatus, Source, Verdict
from web import parameters
from web.parameters import Parameter

FILTERS: tuple[Parameter[Any], ...] = (
    parameters.text("target", "name of a target", TARGET_NAME.check),
    parameters.text("table", "schema.table", lambda text: str(TableName.parse(text))),
    parameters.text("dataset", "name of a dataset", DATASET_NAME.check),
    parameters.text("rule", "id of a rule that ran", RULE_OF_TABLE.check),
    parameters.text("requested_by", "name of the key or the person that asked; kafka for messages", check_name),
    parameters.word("source", "where it was asked", get_args(Source), None),
    parameters.word("verdict", "how it was judged", get_args(Verdict), None),
    parameters.word("status", "how far it is, or how it ended", get_args(CheckStatus), None),
    parameters.choice("trial", "true: only trials; false: all others"),
    parameters.moment("from", "asked at this RFC 3339 time or later"),
    parameters.moment("to", "asked before this RFC 3339 time"),
)
NAMES = tuple(each.name for each in FILTERS)
_WITHOUT_ZONE = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?)?Z?")


def with_zone(text: str) -> str:
    """A date, or a time without a zone, as RFC 3339 in UTC; any other text as it is."""
    found = _WITHOUT_ZONE.fullmatch(text)
    return f"{found[1]}T{found[2] or '00:00'}{found[3] or ':00'}Z" if found else text
