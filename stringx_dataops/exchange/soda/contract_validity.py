"""What a contract of Soda 4 says of missing and invalid values."""

import datetime
from typing import Any

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.soda.lines import NotUnderstood
from stringx_dataops.exchange.soda.validity import Validity, decimal, whole

_LISTS = ("missing_values", "valid_values", "invalid_values")
_FORMATS = ("missing_format", "valid_format", "invalid_format")
_LENGTHS = ("valid_length", "valid_min_length", "valid_max_length")
MISSING = frozenset(("missing_values", "missing_format"))
VALIDITY = frozenset((*_LISTS, *_FORMATS, *_LENGTHS, "valid_min", "valid_max", "valid_reference_data"))


def read_contract_validity(fields: JsonObject) -> Validity:
    """The validity that the fields of a check or column have. Raises NotUnderstood."""
    found: dict[str, Any] = {}
    for key, value in fields.items():
        if key in _LISTS:
            if not isinstance(value, list) or any(isinstance(item, (dict, list)) for item in value):
                raise NotUnderstood(f"{key} must be a list")
            if key != "valid_values" and not value:
                raise NotUnderstood(f"{key} holds no value")
            if None in value:
                raise NotUnderstood(f"{key} holds a null; leave it out, a NULL is missing already")
            found[key] = tuple(map(_value_of, value))
        elif key in _FORMATS:
            if not isinstance(value, dict) or not isinstance(value.get("regex"), str):
                raise NotUnderstood(f"{key} must hold a `regex`")
            found[key.replace("format", "regex")] = value["regex"]
        elif key in _LENGTHS:
            found[key] = whole(key, value)
        elif key in ("valid_min", "valid_max"):
            found[key] = decimal(key, value)
    return Validity(**found)


def _value_of(value: Any) -> Any:
    """A value of a list in a contract: a date as its text."""
    return value.isoformat() if isinstance(value, (datetime.date, datetime.datetime)) else value
