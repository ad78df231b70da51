"""What grew between the samples after the warm-up and the last ones."""

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

MEMORY, FLAT = 0.10, 0.02  # how much memory, and anything else, may grow


def of(samples: Sequence[dict[str, Any]], warm_up: int, window: int) -> dict[str, dict[str, Any]]:
    """By what is measured; medians over `window` checks, which is longer than a dbt child lives."""
    last = samples[-1]["checks"]
    early = [each for each in samples if warm_up < each["checks"] <= warm_up + window]
    late = [each for each in samples if last - window < each["checks"]]
    return {
        name: _grown(*(statistics.median(float(_value(each, path)) for each in part) for part in (early, late)), path)
        for name, path in _measured(samples[-1])
    }


def _measured(sample: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for role in sample["memory"]:
        yield f"{role}: largest process, MiB", ("memory", role, "rss")
        yield f"{role}: all processes (PSS), MiB", ("memory", role, "pss")
    for what in ("descriptors", "threads", "mappings"):
        for role in sample[what]:
            yield f"{role}: {what}", (what, role)
    for place in sample["files"]:
        yield f"files in {place}", ("files", place)
    for database in sample["sessions"]:
        yield f"sessions, {database} PostgreSQL", ("sessions", database)


def _value(sample: dict[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = sample
    for name in path:
        value = value[name]
    return value


def _grown(before: float, after: float, path: tuple[str, ...]) -> dict[str, Any]:
    limit = MEMORY if path[0] == "memory" else FLAT
    little = 1.0 if path[0] == "memory" else 2.0  # MiB, or a number, whatever share of all that is
    share = (after - before) / before if before else float(after > 0)
    too_large = share > limit and after - before > little
    return {"before": before, "after": after, "growth": share, "limit": limit, "too_large": too_large}
