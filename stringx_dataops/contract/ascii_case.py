"""Names without regard to case, as databases compare them that fold the letters of ASCII only: `é` and `É` stay two."""

import string

_FOLDED = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def folded(name: str) -> str:
    """The same for all names that are one for such a database."""
    return name.translate(_FOLDED)
