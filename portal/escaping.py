"""Texts of users in what dbt reads and shows."""

import re


def literal(text: str) -> str:
    """The text as dbt's rendering gives it back, letter by letter."""
    return re.sub(r"[{}]", lambda brace: "{{ '" + brace.group() + "' }}", text)


_TAG = re.compile(r"<(?=[A-Za-z/!?])")  # what may begin one


def as_text(text: str) -> str:
    """Text that dbt's page takes for Markdown, without any HTML in it."""
    return _TAG.sub("&lt;", text)


def json_as_text(text: str) -> str:
    """The same of JSON, which stays that JSON."""
    return _TAG.sub(r"\\u003c", text)


def cell(text: str) -> str:
    """Plain text in a table of Markdown."""
    return re.sub(r"[^\w .,-]|_", lambda sign: f"&#{ord(sign.group())};", " ".join(text.split()))
