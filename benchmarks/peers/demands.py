"""What we promise beside the peers, as ratios of one run's medians, and whether it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

Seconds = Mapping[str, list[float]]  # by way
SQL_RATIO, SQL_PLUS_S = 1.4, 0.06
TIMES_FASTER = {"soda_warm": 1.5, "dbt_warm": 2.5, "gx_warm": 4.0, "dbt_shell": 10.0}
NOISE = 0.05  # of a median: what two runs of the same differ by anyway


@dataclass(frozen=True)
class Demand:
    """`measured` in the unit of `bound`; `met` None where a way of it was not measured."""

    what: str
    bound: str
    measured: str
    met: bool | None


def demands(small: Seconds, big: Seconds, labels: Mapping[str, str], rows: tuple[int, int]) -> list[Demand]:
    few, many = f"{rows[0]:,} rows", f"{rows[1]:,} rows"
    found = []
    for ours in ("dataops", "backend"):
        who = labels.get(ours, ours)
        found += [
            _below(f"{who}, {few}", small, ours, 0.09),
            _below(f"{who}, {few}, the stretch", small, ours, 0.06),
            _faster(f"{who}, {few}", small, ours, "dbt_shell", 35, labels),
            _near_sql(f"{who}, {many}", big, ours),
            *(_faster(f"{who}, {many}", big, ours, peer, times, labels) for peer, times in TIMES_FASTER.items()),
        ]
    for seconds, where in ((small, few), (big, many)):
        found.append(_at_most_times(f"50 rules instead of 10, {where}", seconds, "dataops_50", "dataops", 2))
        found.append(_unmeasurable(f"9 rules proved by constraints, beside a check without them, {where}", seconds))
    return found


def _have(seconds: Seconds, *ways: str) -> bool:
    return all(seconds.get(way) for way in ways)


def _missing(what: str, bound: str) -> Demand:
    return Demand(what, bound, "not measured", None)


def _below(what: str, seconds: Seconds, way: str, limit: float) -> Demand:
    bound = f"under {limit * 1000:.0f} ms"
    if not _have(seconds, way):
        return _missing(what, bound)
    found = median(seconds[way])
    return Demand(what, bound, f"{found * 1000:.0f} ms", found < limit)


def _faster(what: str, seconds: Seconds, ours: str, peer: str, times: float, labels: Mapping[str, str]) -> Demand:
    bound = f"{times:g} times as fast as {labels.get(peer, peer)}"
    if not _have(seconds, ours, peer):
        return _missing(what, bound)
    found = median(seconds[peer]) / median(seconds[ours])
    return Demand(what, bound, f"{found:.{1 if found >= 10 else 2}f} times", found >= times)


def _near_sql(what: str, seconds: Seconds, ours: str) -> Demand:
    bound = f"at most {SQL_RATIO:g} × SQL by hand + {SQL_PLUS_S * 1000:.0f} ms"
    if not _have(seconds, ours, "sql"):
        return _missing(what, bound)
    found, limit = median(seconds[ours]), SQL_RATIO * median(seconds["sql"]) + SQL_PLUS_S
    return Demand(what, bound, f"{found * 1000:.0f} ms of {limit * 1000:.0f} ms", found <= limit)


def _at_most_times(what: str, seconds: Seconds, way: str, base: str, times: float) -> Demand:
    bound = f"at most {times:g} times"
    if not _have(seconds, way, base):
        return _missing(what, bound)
    found = median(seconds[way]) / median(seconds[base])
    return Demand(what, bound, f"{found:.2f} times", found <= times)


def _unmeasurable(what: str, seconds: Seconds) -> Demand:
    """Both ran in the same rounds: the median of their differences, against the distance of the shorter one's quartiles."""
    bound = "nothing measurable: within the spread"
    if not _have(seconds, "proved", "proved_accepted"):
        return _missing(what, bound)
    alone = sorted(seconds["proved_accepted"])
    difference = median(a - b for a, b in zip(seconds["proved"], seconds["proved_accepted"], strict=True))
    spread = max(alone[len(alone) * 3 // 4] - alone[len(alone) // 4], NOISE * median(alone))
    return Demand(what, bound, f"{difference * 1000:+.1f} ms, spread {spread * 1000:.1f} ms", difference <= spread)
