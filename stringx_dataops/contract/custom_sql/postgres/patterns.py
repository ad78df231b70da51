"""Regular expressions as PostgreSQL reads them: what other engines mean by an escape that means something else here."""

import re

_OPTIONS = re.compile(r"\(\?([a-z]+)\)")
_MEANT = {"b": ("a backspace", "\\y"), "B": ("a backslash", "\\Y")}


def fault_of_pattern(pattern: str) -> str | None:
    r"""One sentence about a \b or \B outside of brackets, which PostgreSQL takes for no word boundary; None without."""
    if pattern.startswith("***="):
        return None
    start = 4 if pattern.startswith("***:") else 0
    options = _OPTIONS.match(pattern, start)
    if options and set(options[1]) & set("qbe"):  # a literal text, or an older kind of expression
        return None
    at = start
    classes = {
        sign: pattern.rfind(f"{sign}]") for sign in ":.="
    }  # where the last of each ends, so that none is looked for in vain
    while at < len(pattern):
        if pattern[at] == "[":
            at = _end_of_brackets(pattern, at, classes)
        elif pattern[at] == "\\":
            if pattern[at + 1 : at + 2] in _MEANT:
                escape = pattern[at + 1]
                means, boundary = _MEANT[escape]
                instead = "a word boundary" if escape == "b" else "no word boundary"
                return f"holds \\{escape}, which is {means} for PostgreSQL; write {boundary} for {instead}"
            at += 2
        else:
            at += 1
    return None


def _end_of_brackets(pattern: str, start: int, classes: dict[str, int]) -> int:
    """The place after the bracket expression that begins at `start`."""
    at = start + 1
    if pattern[at : at + 1] == "^":
        at += 1
    if pattern[at : at + 1] == "]":  # a literal one
        at += 1
    while at < len(pattern) and pattern[at] != "]":
        if pattern[at] == "\\":
            at += 2
        elif pattern[at] == "[" and classes.get(sign := pattern[at + 1 : at + 2], -1) >= at + 2:
            at = pattern.index(f"{sign}]", at + 2) + 2
        else:
            at += 1
    return at + 1
