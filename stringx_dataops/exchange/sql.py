"""Names and values as PostgreSQL's SQL text."""

import re

_BARE = re.compile(r"[a-z_][a-z0-9_]*")


def quoted(name: str) -> str:
    """A name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A value as a text in single quotes."""
    return "'" + str(value).replace("'", "''") + "'"


def folded(name: str) -> str:
    """The name that PostgreSQL reads where the text stands without quotes, or within its own."""
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        return name[1:-1].replace('""', '"')
    return name.lower() if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$]*", name) else name


def is_bare(name: str) -> bool:
    """Whether the name may stand without quotes, reserved words aside."""
    return bool(_BARE.fullmatch(name))
