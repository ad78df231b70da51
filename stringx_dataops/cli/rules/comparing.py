"""Compares the documents of files with those of the Backend, and puts the difference into words."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from stringx_dataops.cli.output import one_line, plural
from stringx_dataops.cli.rules.checking import Checked
from stringx_dataops.cli.rules.stored import Configuration, Stored
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.differences import Difference, FieldChange, RuleChange, difference
from stringx_dataops.contract.documents.effective import as_json
from stringx_dataops.contract.documents.streams import Named
from stringx_dataops.contract.json_types import JsonObject

_SHOWN_VALUE = 120  # characters


@dataclass(frozen=True)
class DocumentChange:
    """A document that differs: `created` if only the files have it, `deleted` if only the Backend has it."""

    name: Named
    change: Literal["created", "updated", "deleted"]
    difference: Difference


def changes(checked: Checked, stored: Configuration, source: str | None, catalogue: Catalogue) -> list[DocumentChange]:
    """What differs, in the order of the files; then what was applied from `source`, and no file holds any more. Kinds of
    documents that the key does not see are left out."""
    here = dict(checked.stream.named()) | {("Dataset", dataset.name): as_json(dataset) for dataset in checked.datasets}
    here = {name: document for name, document in here.items() if name[0] not in stored.hidden}
    return _changes(here, stored.documents, source, catalogue)


def hidden(checked: Checked, stored: Configuration) -> list[str]:
    """The kinds of documents of the files that cannot be compared, because the key does not see them."""
    return sorted({kind for (kind, _), _ in checked.stream.named()} & stored.hidden)


def _changes(
    here: dict[Named, JsonObject], stored: Mapping[Named, Stored], source: str | None, catalogue: Catalogue
) -> list[DocumentChange]:
    gone = {name: each for name, each in stored.items() if source and each.source == source and name not in here}
    found = []
    for name, document in here.items():
        before = stored.get(name)
        of = ("Defaults", name[1].partition("/")[0])
        was = stored[of].document if name[0] == "Table" and of in stored else {}
        now = here.get(of, {} if of in gone else was) if name[0] == "Table" else {}
        differs = difference(before.document if before else {}, document, catalogue, (was, now))
        if before is None or not differs.is_none:
            found.append(DocumentChange(name, "updated" if before else "created", differs))
    occupied = {name[1].partition("/")[0] for name in {**stored, **here} if name[0] == "Table" and name not in gone}
    for name, each in gone.items():
        if name[0] != "Target" or name[1] not in occupied:
            found.append(DocumentChange(name, "deleted", difference(each.document, {}, catalogue)))
    return found


def word_of(rule: RuleChange) -> str:
    """`added`, `removed`, `tightened`, `loosened` or `changed`."""
    return rule.effect or rule.change


def as_text(found: list[DocumentChange], documents: int, hidden: Sequence[str] = ()) -> str:
    """All changes in lines, a note for each kind that was not compared, and a summary."""
    lines = [line for each in found for line in _lines(each)]
    of_all = plural(documents, "document")
    words = f"{len(found)} of {of_all} {'differs' if documents == 1 else 'differ'}" if found else f"no difference in {of_all}"
    notes = [f"note: not compared: {', '.join(f'{kind.lower()}s' for kind in hidden)}; only an admin sees them"] if hidden else []
    return "\n".join([*map(one_line, lines), *notes, words])


def as_answer(found: list[DocumentChange], hidden: Sequence[str] = ()) -> JsonObject:
    """The same as JSON."""
    documents = [
        {
            "kind": each.name[0],
            "name": each.name[1],
            "change": each.change,
            "fields": [_field_json(field) for field in each.difference.fields] if each.change == "updated" else [],
            "rules": [
                {"id": rule.id, "change": word_of(rule), "fields": [_field_json(field) for field in rule.fields]}
                for rule in each.difference.rules
            ],
            "reordered": each.difference.is_reordered,
        }
        for each in found
    ]
    return {"same": not found, "documents": documents, "hidden": list(hidden)}


def _field_json(field: FieldChange) -> JsonObject:
    return {"name": field.name, "before": field.before, "now": field.now, "effect": field.effect or "changed"}


def _lines(each: DocumentChange) -> Iterator[str]:
    words = {"created": "new", "updated": "changed", "deleted": "in no file of its source any more"}
    yield f"{' '.join(each.name)}: {words[each.change]}"
    if each.change == "updated":
        yield from (f"  {_words(field)}" for field in each.difference.fields)
    for rule in each.difference.rules:
        yield f"  rule {rule.id}: {word_of(rule)}"
        yield from (f"    {_words(field)}" for field in rule.fields)
    if each.difference.is_reordered:
        yield "  the rules stand in another order"


def _words(field: FieldChange) -> str:
    if field.is_new:
        words = f"{field.name}: now {_value(field.now)}"
    elif field.is_gone:
        words = f"{field.name}: no longer {_value(field.before)}"
    else:
        words = f"{field.name}: {_value(field.before)} → {_value(field.now)}"
    return f"{words} ({field.effect})" if field.effect else words


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split()) or "''"
    return text if len(text) <= _SHOWN_VALUE else f"{text[:_SHOWN_VALUE]}…"
