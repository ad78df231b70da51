"""From what the gate test measured of a table to its profile, as it is stored and sent."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from api.checks.lookup import InScope
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.gate_test.outcome import ColumnMeasures, ProfileMeasures
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.profiles import (
    MAX_PROFILE_BYTES,
    MOST_LABELS,
    MOST_TEXT,
    MOST_WORDS,
    QUANTILES,
    ColumnProfile,
    Comparison,
    ForeignKey,
    KeyShare,
    Lengths,
    Profile,
    ProfileSample,
    TableConstraint,
    Tenths,
    TopValue,
)

_MOST_KEYS = 20
_MOST_COMPARISONS = 50
_LEAST_SHARE = 0.95  # of a measured key
_SPANS = ("1h", "1d", "7d", "30d")


def read(
    target: str, table: InScope, snapshot_at: datetime, measures: ProfileMeasures, notes: Sequence[str]
) -> tuple[JsonObject, list[str]]:
    """The profile, of at most MAX_PROFILE_BYTES, and the notes of its check, which say what was left out for that."""
    rows, sample = measures["rows"], measures["sample"]
    profile = Profile(
        target=target,
        table=table.configured.document.table,
        relation=measures["relation"],  # type: ignore[arg-type]
        snapshot_at=snapshot_at,
        row_count=rows if sample is None else max(measures["estimate"] or 0, rows),
        is_estimated=sample is not None,
        sample=None
        if sample is None
        else ProfileSample(rows=rows, share=sample["share"], method=sample["method"], seed=sample["seed"]),
        columns=[_column(column, rows, is_sample=sample is not None) for column in measures["columns"]],
        constraints=[_constraint(each) for each in measures["constraints"]],
        foreign_keys=[_foreign_key(each) for each in measures["foreign_keys"]],
        key_shares=list(_key_shares(measures))[:_MOST_KEYS],
        comparisons=[Comparison.model_validate(each) for each in measures["comparisons"][:_MOST_COMPARISONS]],
        comment=_cut(measures["comment"], MOST_WORDS),
        notes=[*notes, *measures["notes"]],
    )
    found = bounded(profile.as_json())
    return found, found["notes"]


def bounded(profile: JsonObject) -> JsonObject:
    """The profile, or a copy with less if it is larger than MAX_PROFILE_BYTES; `notes` say what is missing."""
    steps: list[tuple[str, Callable[[JsonObject], JsonObject]]] = [
        ("only the ten most frequent values of a column", lambda column: column | {"top": (column["top"] or [])[:10] or None}),
        ("no most frequent values", lambda column: column | {"top": None}),
        ("no comments of columns", lambda column: column | {"comment": None}),
        ("only fifty labels of a column", lambda column: column | {"enum": (column["enum"] or [])[:50] or None}),
    ]
    for words, step in steps:
        if _size(profile) <= MAX_PROFILE_BYTES:
            return profile
        profile = _noted(profile | {"columns": [step(column) for column in profile["columns"]]}, words)
    if _size(profile) <= MAX_PROFILE_BYTES:
        return profile
    profile = _noted(profile | {"constraints": [], "foreign_keys": []}, "no constraints")
    left, kept = MAX_PROFILE_BYTES - _size(profile | {"columns": []}) - 1000, []
    for column in profile["columns"]:
        left -= _size(column) + 2
        if left < 0:
            break
        kept.append(column)
    return profile if len(kept) == len(profile["columns"]) else _noted(profile | {"columns": kept}, f"only {len(kept)} columns")


def _noted(profile: JsonObject, words: str) -> JsonObject:
    return profile | {"notes": [*profile["notes"], f"it would be larger than {MAX_PROFILE_BYTES // 2**20} MiB: {words}"]}


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def _column(column: ColumnMeasures, rows: int, is_sample: bool) -> ColumnProfile:
    of = column["measures"]
    values = _whole(of.get("values"))
    nulls = rows - values if values is not None else None
    blanks = _whole(of.get("blanks"))
    if blanks is None and nulls is not None and of.get("blanks_or_nulls") is not None:
        blanks = int(of["blanks_or_nulls"]) - nulls
    return ColumnProfile(
        name=column["name"],
        type=_cut(column["type"], MOST_TEXT) or "",
        family=column["family"],
        comment=_cut(column["comment"], MOST_WORDS),
        not_null=column["not_null"],
        is_generated=column["is_generated"],
        is_identity=column["is_identity"],
        error=column["error"],
        nulls=nulls,
        blanks=blanks,
        padded=_whole(of.get("padded")),
        distinct=_whole(of.get("distinct")),
        is_distinct_exact=not is_sample,
        singles=_whole(of.get("singles")),
        most_common=_whole(of.get("most_common")),
        values_hidden=not column["shown"],
        min=_cut(of.get("min"), MOST_TEXT),
        max=_cut(of.get("max"), MOST_TEXT),
        quantiles=dict(zip(QUANTILES, (_cut(text, MOST_TEXT) or "" for text in of["quantiles"]), strict=True))
        if of.get("quantiles")
        else None,
        mean=_number(of.get("mean")),
        stddev=_number(of.get("stddev")),
        zeros=_whole(of.get("zeros")),
        negatives=_whole(of.get("negatives")),
        nan=_whole(of.get("nan")),
        infinities=_whole(of.get("infinities")),
        length=None
        if of.get("shortest") is None or (mean := _number(of["length"])) is None
        else Lengths(min=int(of["shortest"]), max=int(of["longest"]), mean=mean),
        formats=_counts(of, "format "),
        castable=_counts(of, "castable "),
        shapes=_counts(of, "shape "),
        tenths=_tenths(of),
        future=_whole(of.get("future")),
        recent={span: int(of[span]) for span in _SPANS} if all(of.get(span) is not None for span in _SPANS) else None,
        top=[TopValue(value=_cut(value, MOST_TEXT) or "", count=count) for value, count in of["top"]] if of.get("top") else None,
        enum=[_cut(label, MOST_TEXT) or "" for label in column["enum"][:MOST_LABELS]] if column["enum"] else None,
    )


def _counts(measures: JsonObject, prefix: str) -> dict[str, int] | None:
    found = {name.removeprefix(prefix): int(value) for name, value in measures.items() if name.startswith(prefix)}
    return found or None


def _tenths(of: JsonObject) -> Tenths | None:
    """None of a table without blocks, or with few rows."""
    fewest, most = _number(of.get("fewest_nulls")), _number(of.get("most_nulls"))
    if fewest is None or most is None:
        return None
    return Tenths(
        fewest_nulls=fewest,
        most_nulls=most,
        least_mean=_number(of.get("least_mean")),
        greatest_mean=_number(of.get("greatest_mean")),
        tenth=_whole(of.get("tenth")),
    )


def _constraint(found: JsonObject) -> TableConstraint:
    return TableConstraint(
        name=found["name"],
        kind=found["kind"],
        columns=found["columns"],
        definition=_cut(found["definition"], MOST_WORDS) or "",
        is_valid=found["is_valid"],
    )


def _foreign_key(found: JsonObject) -> ForeignKey:
    return ForeignKey(
        name=found["name"],
        columns=found["columns"],
        other_table=TableName(found["other_schema"], found["other_name"]).as_other,
        other_columns=found["other_columns"],
        is_valid=found["is_valid"],
    )


def _key_shares(measures: ProfileMeasures) -> Iterator[KeyShare]:
    """Those of constraints, then columns and pairs of columns that were measured, the best first."""
    rows = measures["rows"]
    values = {column["name"]: _whole(column["measures"].get("values")) for column in measures["columns"]}
    known = []
    for constraint in measures["constraints"]:
        if constraint["kind"] in ("primary_key", "unique") and constraint["is_valid"] and constraint["is_whole"]:
            known.append(constraint["columns"])
            filled = [values.get(name) for name in constraint["columns"]]
            least = min((count for count in filled if count is not None), default=rows)
            yield KeyShare(columns=constraint["columns"], share=_share(least, rows), origin="constraint")
    measured = [([column["name"]], _whole(column["measures"].get("distinct"))) for column in measures["columns"]]
    measured += [(pair["columns"], pair["distinct"]) for pair in measures["pairs"]]
    shares = [
        KeyShare(columns=columns, share=_share(distinct, rows), origin="measured")
        for columns, distinct in measured
        if distinct is not None and rows > 0 and columns not in known and distinct >= _LEAST_SHARE * rows
    ]
    yield from sorted(shares, key=lambda each: (-each.share, len(each.columns)))


def _share(number: int, rows: int) -> float:
    """1 only if it is exactly that."""
    return 1.0 if number >= rows else min(number / rows, math.nextafter(1.0, 0.0))


def _whole(text: Any) -> int | None:
    return int(text) if text is not None else None


def _number(text: Any) -> float | None:
    """None for what JSON has no number for."""
    number = float(text) if text is not None else math.nan
    return number if math.isfinite(number) else None


def _cut(text: str | None, most: int) -> str | None:
    return text if text is None or len(text) <= most else f"{text[: most - 1]}…"
