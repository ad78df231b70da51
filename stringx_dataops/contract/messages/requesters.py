"""The names of those who ask for checks, and how the Backend passes one on to DataOps."""

from urllib.parse import quote

HEADER = "Requested-By"  # percent-encoded UTF-8
_LONGEST = 200  # characters


def is_name(text: str) -> bool:
    """Whether the text can be the name of a key."""
    return 1 <= len(text) <= _LONGEST and text.isprintable()


def cleaned(name: str) -> str:
    """The name as it is stored: what cannot be printed is `?`, and it is cut to its longest."""
    return "".join(each if each.isprintable() else "?" for each in name)[:_LONGEST] or "?"


def check_name(text: str) -> str:
    """The name unchanged. Raises ValueError with one sentence if it is none."""
    if not is_name(text):
        raise ValueError(f"must have 1 to {_LONGEST} printable characters")
    return text


def headers(name: str | None) -> dict[str, str]:
    """The header of a request that a service makes for this key."""
    return {HEADER: quote(name, safe="")} if name is not None else {}
