"""The form that asks for a check: all rows, or those of a window. A refused form comes back with what was typed."""

from collections.abc import Mapping
from dataclasses import dataclass

from stringx_dataops.contract.problems import StringXError

_LABELS = {"column": "Column", "from": "From", "to": "To"}
_FIELD_OF = {"/window/column": "column", "/window/from": "from", "/window": "from", "/window/to": "to"}
WINDOW_FIELDS = tuple(_LABELS)


@dataclass(frozen=True)
class Field:
    """A field of the window, and what is wrong with it."""

    name: str
    label: str
    value: str
    fault: str = ""


@dataclass(frozen=True)
class AskForm:
    """`status` is that of the page that shows the form; `fault` is about no single field."""

    url: str
    fields: list[Field]
    is_open: bool = False
    fault: str = ""
    status: int = 200


def typed(form: Mapping[str, str]) -> dict[str, str]:
    """The fields of a window that are filled in."""
    return {name: value for name in WINDOW_FIELDS if (value := form.get(name, "").strip())}


def ask_form(url: str, window_column: str | None, sent: Mapping[str, str], error: StringXError | None = None) -> AskForm:
    """The form with the column that the document names, or with what was sent or stands in the address. With the faults of a
    refused form beside their fields."""
    given = typed(sent)
    values = given or {"column": window_column or ""}
    faults = _faults(error)
    fields = [Field(name, label, values.get(name, ""), faults.get(name, "")) for name, label in _LABELS.items()]
    is_open = bool(given) or sent.get("rows") == "window"
    return AskForm(url, fields, is_open, faults.get("", ""), error.status if error else 200)


def _faults(error: StringXError | None) -> dict[str, str]:
    """By field; those of no single field under the empty name."""
    if error is None:
        return {}
    faults: dict[str, str] = {}
    for each in error.errors:
        name = _FIELD_OF.get(each.pointer, "")
        faults.setdefault(name, each.message if name else f"{each.pointer.removeprefix('/')} {each.message}")
    return faults or {"": error.detail}
