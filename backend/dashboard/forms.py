"""The fields of the form that a page was sent. The form with a document may be longer than the others, and its text is kept
where the form is refused for its session."""

from flask import g, request

from stringx_dataops.contract.documents.reading import MAX_BODY_BYTES
from web.bodies import form_body
from web.connections import SMALL_BODY

_SMALL = 16 * 1024
_MIDDLE = 128 * 1024  # of forms with names of columns or rules, of which a table may have many
_LARGE = 3 * MAX_BODY_BYTES + _SMALL  # a character of a document takes up to three
_EDITOR = "dashboard.edit_table"
_WITH_TEXT = {
    _EDITOR,
    "dashboard.validate_table",
    *(f"dashboard.{name}" for name in ("create_document", "validate_new_document", "save_document", "validate_document")),
}
_WITH_RULES = {"dashboard.preview_suggestions", "dashboard.apply_suggestions", "dashboard.create_profile"}
TEXT = "document"


def largest() -> int:
    """How many bytes the form of this page may have."""
    if request.endpoint in _WITH_RULES:
        return _MIDDLE
    return _LARGE if request.endpoint in _WITH_TEXT else _SMALL


def fields() -> dict[str, str]:
    """The fields, read once. Raises TooLarge or Malformed."""
    if "form" not in g:
        g.form = form_body(_LARGE) if request.endpoint in _WITH_TEXT else request.form.to_dict()
    found: dict[str, str] = g.form
    return found


def can_be_kept() -> bool:
    """Whether the text of a form without a session can be shown again. A longer one is not read: it would hold up a thread."""
    return request.endpoint == _EDITOR and request.method == "POST" and (request.content_length or 0) <= SMALL_BODY
