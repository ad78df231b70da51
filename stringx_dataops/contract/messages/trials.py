"""Trials: checks of a document that is not stored. They decide no gate."""

from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.checks import CheckRequest


class CheckOrder(CheckRequest):
    """The body of a check at DataOps. With `document`, a table's document, it is a trial of this document in place of the
    stored one. Only a key with the scope `configure` may send it."""

    document: JsonObject | None = None

    @property
    def tried(self) -> TableDocument | None:
        return TableDocument.model_validate(self.document) if self.document is not None else None

    @property
    def full(self) -> bool:
        """Never of a trial, whatever it covers: it decides no gate."""
        return self.document is None and super().full

    def asked(self) -> JsonObject:
        identity = self.identity()
        return identity if identity.pop("document", None) is None else identity | {"trial": True}

    def trying(self, document: TableDocument) -> "CheckOrder":
        """The same as a trial of this document, which is kept as stored ones are: without the defaults that it does not name."""
        return self.model_copy(update={"document": document.model_dump(mode="json", exclude_unset=True)})
