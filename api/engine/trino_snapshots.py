"""Statements that read tables at a snapshot: `for version as of` behind each name of such a table. SQL of macros and of documents
is treated alike, and what it means is left to Trino."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Name = tuple[str, ...]  # of a relation: the catalog, the schema and the table, in lower case

_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|[^\W\d]\w*|\d\w*|\s+|.""", re.DOTALL)
_NAME = re.compile(r'"(?:[^"]|"")*"|[^\W\d]\w*', re.DOTALL)
# Words that end the relations of a SELECT, what is behind FROM and no table, and functions whose arguments have a FROM.
_AFTER_FROM = frozenset(
    ["where", "group", "having", "order", "limit", "offset", "fetch", "union", "intersect", "except", "window", "select"]
)
_NO_RELATION = frozenset(["unnest", "lateral", "table", "select", "values"])
_WITH_FROM = frozenset(["extract", "trim", "substring", "overlay"])


@dataclass
class _Nested:
    """What is known of a parenthesis that is open."""

    within_function: bool
    in_from: bool = False


def name_of(relation: str, catalog: str, schema: str) -> Name:
    """The full name of a relation that is written with up to three names."""
    parts = [_plain(found) for found in _NAME.findall(relation)]
    return (*(catalog, schema, "")[: 3 - len(parts)], *parts)


def pinned(sql: str, snapshots: Mapping[Name, int], catalog: str, schema: str) -> str:
    """The statement with the snapshot of each table that has one. A name that a common table expression has is left as it is."""
    if not snapshots:
        return sql
    tokens = [found.group() for found in _TOKEN.finditer(sql)]
    own = set(_common_tables(tokens))
    for start, end in reversed(list(_relations(tokens))):
        text = "".join(tokens[start:end])
        alone = end - start == 1 and _plain(text) in own
        snapshot = None if alone else snapshots.get(name_of(text, catalog, schema))
        if snapshot is not None:
            tokens.insert(end, f" for version as of {snapshot}")
    return "".join(tokens)


def _relations(tokens: list[str]) -> Iterator[tuple[int, int]]:
    """Where names of relations begin and end: behind FROM and JOIN, and behind commas between relations."""
    nested = [_Nested(within_function=False)]
    last = ""
    position = 0
    while position < len(tokens):
        word = tokens[position].lower()
        if word.isspace() or word.startswith(("--", "/*")):
            position += 1
            continue
        here = nested[-1]
        if last == "join" or (here.in_from and last in ("from", ",")):
            end = _end_of_name(tokens, position)
            if end > position and word not in _NO_RELATION:
                yield position, end
                last, position = "a relation", end
                continue
        if word == "(":
            nested.append(_Nested(within_function=last in _WITH_FROM))
        elif word == ")" and len(nested) > 1:
            nested.pop()
        elif word == "from":
            here.in_from = not here.within_function and last != "distinct"
        elif word in _AFTER_FROM:
            here.in_from = False
        last, position = word, position + 1


def _end_of_name(tokens: list[str], start: int) -> int:
    """Where the names with dots between them end that begin here; `start` without any."""
    if not _NAME.fullmatch(tokens[start]):
        return start
    end = start + 1
    while True:
        following = [place for place in range(end, min(end + 4, len(tokens))) if not tokens[place].isspace()][:2]
        if len(following) < 2 or tokens[following[0]] != "." or not _NAME.fullmatch(tokens[following[1]]):
            return end
        end = following[1] + 1


def _common_tables(tokens: list[str]) -> Iterator[str]:
    """Names of common table expressions: those before AS and a parenthesis, perhaps with columns between them."""
    text = "".join(token for token in tokens if not token.startswith(("--", "/*", "'")))
    names = r'("(?:[^"]|"")*"|[^\W\d]\w*)\s*(?:\([^()]*\)\s*)?as\s*\('
    yield from (_plain(found) for found in re.findall(names, text, re.IGNORECASE | re.DOTALL))


def _plain(name: str) -> str:
    """The name without its quotes; Trino takes upper and lower case for the same, in quotes too."""
    return (name[1:-1].replace('""', '"') if name.startswith('"') else name).lower()
