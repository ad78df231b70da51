"""What a result says of one of a rule's groups."""

from typing import Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from stringx_dataops.contract.documents.fields import Model
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.verdicts import RuleStatus


class GroupResult(Model):
    """One group of a rule with `per`.

    `key` has the value of each column of `per` as text, null for NULL; it is null if one of the columns may not be shown.
    `change`: `new` if the check before had no such group, `missing` if that one alone had it; left out of the JSON otherwise.
    """

    key: dict[str, str | None] | None
    failures: int | None
    total: int | None
    measured: int | float | str | None
    status: RuleStatus
    change: Literal["new", "missing"] | None = None

    @model_serializer(mode="wrap")
    def _without_absent(self, serialize: SerializerFunctionWrapHandler) -> JsonObject:
        fields: JsonObject = serialize(self)
        return {name: value for name, value in fields.items() if value is not None or name != "change"}
