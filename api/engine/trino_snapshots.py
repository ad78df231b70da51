"""Statements that read tables at a snapshot: `for version as of` behind each name of such a table. SQL of macros and of documents
is treated alike, and what it means is left to Trino."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

Name = tuple[str, ...]  # of a relation: the catalog, the schema and the table, in lower case

_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|[^\W\d]\w*|\d\w*|\s+|.""", re.DOTALL)
_NAME = re.compile(r'"(?:[^"]|"")*"|[^\W\d]\w*', re.DOTALL)
# Words that end the relations of a SELECT, what is behind FROM and no table, and functions whose arguments have a FROM.
_AFTER_FROM = frozenset([
    *("where", "group", "having", "order", "limit", "offset", "fetch", "union", "intersect", "except", "window"),
    *("select", "values"),
])  # fmt: skip
_NO_RELATION = frozenset(["unnest", "lateral", "table", "select", "values", "with"])
_WITH_FROM = frozenset(["extract", "trim", "substring", "overlay"])
_OF_RELATIONS = frozenset(["from", "join", ","])  # a parenthesis behind them holds a relation, or a join of some


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
    for end, name in reversed(list(_read(tokens, catalog, schema))):
        if name in snapshots:
            tokens.insert(end, f" for version as of {snapshots[name]}")
    return "".join(tokens)


def fault_of_reads(
    query: str, relations: Iterable[Sequence[str]], snapshots: Mapping[Name, int], catalog: str, schema: str
) -> str | None:
    """Why a document's query cannot be held to the snapshots: one of its `relations`, each with up to three names, would be read
    without its own."""
    tokens = [found.group() for found in _TOKEN.finditer(query)]
    own = set(_common_tables(tokens))
    read = {name for _, name in _read(tokens, catalog, schema)}
    for relation in relations:
        parts = [part.lower() for part in relation]
        name = (*(catalog, schema, "")[: 3 - len(parts)], *parts)
        if name not in snapshots:
            continue
        if len(parts) == 1 and parts[0] in own:
            return f"{parts[0]} is a table and a common table expression; write the table as {schema}.{parts[0]}"
        if name not in read:
            return f"the table {'.'.join(parts)} stands where its snapshot cannot be named; write it behind FROM or JOIN"
    return None


def _read(tokens: list[str], catalog: str, schema: str) -> Iterator[tuple[int, Name]]:
    """Where the names of tables end, and what they name; those of common table expressions are none."""
    own = set(_common_tables(tokens))
    for start, end in _relations(tokens):
        text = "".join(tokens[start:end])
        if end - start > 1 or _plain(text) not in own:
            yield end, name_of(text, catalog, schema)


def _relations(tokens: list[str]) -> Iterator[tuple[int, int]]:
    """Where names of relations begin and end: behind FROM and JOIN, and behind commas between relations."""
    nested = [_Nested(within_function=False)]
    last = ""
    position = 0
    while position < len(tokens):
        word = tokens[position].lower()
        if _is_blank(word):
            position += 1
            continue
        here = nested[-1]
        is_relation = last == "join" or (here.in_from and last in _OF_RELATIONS)
        if is_relation:
            end = _end_of_name(tokens, position)
            if end > position and word not in _NO_RELATION:
                yield position, end
                last, position = "a relation", end
                continue
        if word == "(":
            nested.append(_Nested(within_function=last in _WITH_FROM, in_from=is_relation))
            word = "from" if is_relation else word
        elif word == ")" and len(nested) > 1:
            nested.pop()
        elif word == "from" and last == "distinct":  # IS DISTINCT FROM
            word = "distinct from"
        elif word == "from":
            here.in_from = not here.within_function
        elif word in _AFTER_FROM and last != ".":
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
    """Names of common table expressions: behind WITH, and behind the comma that follows one."""
    words = [token for token in tokens if not _is_blank(token)]
    for start, word in enumerate(words):
        place = start + 1
        if word.lower() != "with" or (start and words[start - 1] == "."):
            continue
        while place < len(words) and _NAME.fullmatch(words[place]):
            name, behind = words[place], _behind(words, place + 1)
            if behind >= len(words) or words[behind].lower() != "as":
                break
            yield _plain(name)
            place = _behind(words, behind + 1)
            if words[place : place + 1] != [","]:
                break
            place += 1


def _behind(words: list[str], start: int) -> int:
    """Where the parenthesis ends that begins here; `start` if none does."""
    depth = 0
    for place in range(start, len(words)):
        depth += (words[place] == "(") - (words[place] == ")")
        if depth <= 0:
            return place + 1 if words[place] == ")" else start
    return len(words)


def _is_blank(token: str) -> bool:
    """White space, or a comment."""
    return token.isspace() or token.startswith(("--", "/*"))


def _plain(name: str) -> str:
    """The name without its quotes; Trino takes upper and lower case for the same, in quotes too."""
    return (name[1:-1].replace('""', '"') if name.startswith('"') else name).lower()
