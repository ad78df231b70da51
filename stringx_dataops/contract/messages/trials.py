"""What DataOps is asked for: checks, and those that decide no gate: trials of a document that is not stored, and profiles."""

from typing import Any

from pydantic import ValidationInfo, field_validator

from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.messages.profiles import ProfileSettings


class CheckOrder(CheckRequest):
    """The body of a check at DataOps. With `document`, a table's document, it is a trial of this document in place of the
    stored one. Only a key with the scope `configure` may send it. With `profile`, the table is measured and no rule decided."""

    document: JsonObject | None = None
    profile: ProfileSettings | None = None

    @field_validator("profile")
    @classmethod
    def _is_of_a_whole_table(cls, profile: ProfileSettings | None, info: ValidationInfo) -> ProfileSettings | None:
        others = ("dataset", "kinds", "dimensions", "rule_ids", "window", "document")
        given: dict[str, Any] = {name: info.data.get(name) for name in others}
        if profile is not None and (other := next((name for name, value in given.items() if value is not None), None)):
            raise ValueError(f"is of a whole table: leave {other} out")
        return profile

    @property
    def tried(self) -> TableDocument | None:
        return TableDocument.model_validate(self.document) if self.document is not None else None

    @property
    def full(self) -> bool:
        """Never of a trial or a profile, whatever it covers: it decides no gate."""
        return self.document is None and self.profile is None and super().full

    @property
    def is_profile(self) -> bool:
        return self.profile is not None

    def asked(self) -> JsonObject:
        """Of a trial and a profile with `trial: true`, by which every release keeps its result apart."""
        identity = self.identity()
        is_apart = identity.pop("document", None) is not None or self.is_profile
        return identity | {"trial": True} if is_apart else identity

    def trying(self, document: TableDocument) -> "CheckOrder":
        """The same as a trial of this document, which is kept as stored ones are: without the defaults that it does not name."""
        return self.model_copy(update={"document": document.model_dump(mode="json", exclude_unset=True)})
