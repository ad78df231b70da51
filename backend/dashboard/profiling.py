"""The form that asks for a profile: what was typed, what is wrong with it, and the order that it makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.messages.profiles import ProfileRequest
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.problems import StringXError

NAMES = ("target", "table", "sample_rows", "sample_columns")
_LONGEST = 2000  # characters of a field that comes back


@dataclass(frozen=True)
class ProfileForm:
    """`faults`: by field, those of no field under the empty name. `status` is that of the page that shows the form."""

    values: Mapping[str, str]
    faults: Mapping[str, str]
    status: int = 200

    @property
    def is_open(self) -> bool:
        """Whether the fields that few need are shown."""
        return any(self.values.get(name) or name in self.faults for name in ("sample_rows", "sample_columns"))


def order_of(sent: Mapping[str, str], shown: Sequence[str] = ()) -> CheckOrder:
    """The order of the form. `shown`: columns that were ticked, beside those that were typed. Invalid with every fault."""
    typed: dict[str, Any] = {name: value for name in NAMES if (value := sent.get(name, "").strip())}
    if typed.get("sample_rows", "").replace(",", "").isdecimal():
        typed["sample_rows"] = int(typed["sample_rows"].replace(",", ""))
    columns = [name for part in typed.pop("sample_columns", "").split(",") if (name := part.strip())]
    if columns := list(dict.fromkeys([*shown, *columns])):
        typed["sample_columns"] = columns
    asked = parse_model(ProfileRequest, typed | {"mode": "async"})
    named = asked.model_dump(include={"target", "table", "mode", "timeout_s"}, exclude_none=True)
    return CheckOrder(**named, profile=asked.settings)


def form_of(sent: Mapping[str, str], error: StringXError | None = None) -> ProfileForm:
    """The form with what was sent or stands in the address, and the faults of a refused one beside their fields."""
    faults: dict[str, str] = {}
    for each in error.errors if error is not None else ():
        name = each.pointer.removeprefix("/").partition("/")[0]
        faults.setdefault(name if name in NAMES else "", each.message if name in NAMES else f"{name}: {each.message}")
    if error is not None and not error.errors:
        faults[""] = error.detail
    values = {name: sent[name][:_LONGEST] for name in NAMES if name in sent}
    return ProfileForm(values, faults, error.status if error is not None else 200)
