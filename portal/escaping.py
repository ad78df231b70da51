"""Escapes users' texts for the files that dbt reads, and for the pages that it shows."""

import re


def literal(text: str) -> str:
    """Escape a text so that dbt's Jinja rendering returns exactly this text."""
    return re.sub(r"[{}]", lambda brace: "{{ '" + brace.group() + "' }}", text)


_TAG = re.compile(r"<(?=[A-Za-z/!?])")  # the beginning of an HTML tag


def as_text(text: str) -> str:
    """Escape HTML in a text that dbt's page shows as Markdown."""
    return _TAG.sub("&lt;", text)


def json_as_text(text: str) -> str:
    """Escape HTML in JSON so that it remains the same JSON value."""
    return _TAG.sub(r"\\u003c", text)


def cell(text: str) -> str:
    """Escape a text for a cell of a Markdown table, on one line."""
    return re.sub(r"[^\w .,-]|_", lambda sign: f"&#{ord(sign.group())};", " ".join(text.split()))
