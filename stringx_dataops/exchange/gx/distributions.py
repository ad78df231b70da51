"""Expectations about how the values of a column are spread: quantiles, divergence, chi-square, Kolmogorov-Smirnov.

The last two ran in Great Expectations before 0.13; suites that were written then still have them.
"""

import math
from decimal import Decimal
from typing import Any

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.gx.conditions import NoRule
from stringx_dataops.exchange.gx.expectation import ROWS, Expectation
from stringx_dataops.exchange.zones import plain

_FORMULAS = {"norm": ("mean", "std_dev"), "uniform": ("min", "max"), "expon": ("loc", "scale")}
_MOST_BINS = 1000
_MOST_VALUES = 5000


def quantiles(one: Expectation) -> None:
    one.known("column", "quantile_ranges", "allow_relative_error", *ROWS)
    column, ranges = one.text("column"), one.kwargs.get("quantile_ranges")
    places, values = (ranges.get(name) if isinstance(ranges, dict) else None for name in ("quantiles", "value_ranges"))
    if not isinstance(places, list) or not isinstance(values, list) or len(places) != len(values) or not places:
        raise NoRule("quantile_ranges must hold as many quantiles as value_ranges")
    bounds = [_bounds_of(place, pair) for place, pair in zip(places, values, strict=True)]
    bounds = [each for each in bounds if len(each) > 1]
    if not bounds:
        raise NoRule("no value range has a bound, so that it always passes")
    where = one.where()
    check = one.named(f"{column}_quantiles", where)
    arguments = {"bounds": bounds, "method": "discrete"}
    one.maker.plain(check, type="quantiles", column=column, where=where, arguments=arguments)
    one.maker.needs_a_value(check, None)


def _bounds_of(place: Any, pair: Any) -> JsonObject:
    """A quantile with its bounds. What is as close as 1e-8 and a ten thousandth of a bound counts as the bound."""
    if (
        not isinstance(pair, list)
        or len(pair) != 2
        or not all(bound is None or (type(bound) in (int, float) and math.isfinite(bound)) for bound in pair)
    ):
        raise NoRule("a value range must hold two numbers, or null")
    if type(place) not in (int, float) or not 0 <= place <= 1:
        raise NoRule("a quantile must be a number from 0 to 1")
    low, high = (Decimal(str(bound)) if bound is not None else None for bound in pair)
    if low is not None and high is not None and low > high:
        raise NoRule("the ends of a value range are not in order, which Great Expectations refuses")
    found: JsonObject = {"p": place}
    if low is not None:
        found["min"] = plain(low - _slack(low))
    if high is not None:
        found["max"] = plain(high + _slack(high))
    return found


def _slack(bound: Decimal) -> Decimal:
    return Decimal("1e-8") + abs(bound) / 10_000


def divergence(one: Expectation) -> None:
    one.known(
        "column", "partition_object", "threshold", "tail_weight_holdout", "internal_weight_holdout", "bucketize_data", *ROWS
    )
    threshold, tail, inner = (
        one.bound("threshold"),
        _holdout(one, "tail_weight_holdout"),
        _holdout(one, "internal_weight_holdout"),
    )
    if threshold is None:
        raise NoRule("has no threshold, so that it always passes")
    if threshold < 0:
        raise NoRule("threshold must not be below 0")
    partition = _partition(one)
    if "values" in partition:
        if inner:
            raise NoRule("internal_weight_holdout is for bins, which Great Expectations refuses otherwise")
        expected: JsonObject = {"weights": _weights_by_value(partition)} | ({"tail_weight_holdout": tail} if tail else {})
    else:
        if one.kwargs.get("bucketize_data") is False:
            raise NoRule("bucketize_data must be true for bins")
        expected = _bins(partition, tail, inner)
    _add(one, "divergence", {"test": "kl", **expected, "max": plain(threshold)})


def chi_square(one: Expectation) -> None:
    one.known("column", "partition_object", "p", "tail_weight_holdout", *ROWS)
    partition, tail = _partition(one), _holdout(one, "tail_weight_holdout")
    if "values" not in partition:
        raise NoRule("partition_object must hold values")
    weights = _weights_by_value(partition)
    if not all(weights.values()):
        raise NoRule("a weight is 0, for which Great Expectations has no p-value")
    _add(
        one,
        "chi_square",
        {"test": "chi_square", "weights": weights, "min_p": _p(one, "p")} | ({"tail_weight_holdout": tail} if tail else {}),
    )


def formula(one: Expectation) -> None:
    """The test of Kolmogorov and Smirnov against a distribution of scipy."""
    one.known("column", "distribution", "params", "p_value", *ROWS)
    name, given = one.kwargs.get("distribution"), one.kwargs.get("params")
    names = _FORMULAS.get(name if isinstance(name, str) else "")
    if names is None:
        raise NoRule(f"the distribution {name!r} is none of norm, uniform and expon")
    values: list[Any] = (
        [given.get(each) for each in names] if isinstance(given, dict) else given if isinstance(given, list) else []
    )
    if len(values) != 2 or any(type(value) not in (int, float) or not math.isfinite(value) for value in values) or values[1] <= 0:
        raise NoRule(f"params must hold {names[0]} and {names[1]}, the latter above 0")
    first, second = values
    expected: JsonObject = {
        "norm": {"normal": {"mean": first, "stddev": second}},
        "uniform": {"uniform": {"min": first, "max": first + second}},  # scipy takes the second as the width
        "expon": {"exponential": {"from": first, "mean": second}},
    }[str(name)]
    _add(one, "distribution", {"test": "ks", "expected": expected, "min_p": _p(one, "p_value")})


def bootstrapped(one: Expectation) -> None:
    raise NoRule("it draws samples by chance; write a rule `distribution` with the test ks and the same bins and weights")


def _add(one: Expectation, name: str, arguments: JsonObject) -> None:
    column, where = one.text("column"), one.where()
    check = one.named(f"{column}_{name}", where)
    one.maker.plain(check, type="distribution", column=column, where=where, arguments=arguments)
    one.maker.needs_a_value(check, None)


def _p(one: Expectation, name: str) -> str:
    """The smallest p-value that passes; 0.05 if there is none."""
    p = one.bound(name)
    if p is None:
        return "0.05"
    if not 0 < p < 1:
        raise NoRule(f"{name} must be between 0 and 1")
    return plain(p)


def _holdout(one: Expectation, name: str) -> float:
    share = one.bound(name)
    if share is not None and not 0 <= share <= 1:
        raise NoRule(f"{name} must be between 0 and 1")
    return float(share or 0)


def _partition(one: Expectation) -> JsonObject:
    """The partition object, whose weights and tail weights are numbers that add up to 1."""
    partition = one.kwargs.get("partition_object")
    if not isinstance(partition, dict):
        raise NoRule("partition_object must hold weights, and values or bins")
    weights, tails = partition.get("weights"), partition.get("tail_weights")
    bins_or_values = partition.get("values", partition.get("bins"))
    lists = [weights, bins_or_values] + ([] if tails is None else [tails])
    if not all(isinstance(each, list) for each in lists) or {*partition} - {"weights", "tail_weights", "values", "bins"}:
        raise NoRule("partition_object must hold weights, and values or bins")
    if "values" in partition and ("bins" in partition or tails is not None):
        raise NoRule("partition_object must not hold values beside bins or tail_weights")
    numbers: list[Any] = [*(weights or []), *(tails or [])]
    if any(type(weight) not in (int, float) or not math.isfinite(weight) or weight < 0 for weight in numbers):
        raise NoRule("the weights must be numbers that are not negative")
    if not math.isclose(math.fsum(numbers), 1, rel_tol=1e-5, abs_tol=1e-8):
        raise NoRule("the weights do not add up to 1, which Great Expectations refuses")
    return partition


def _weights_by_value(partition: JsonObject) -> dict[str, float]:
    values, weights = partition["values"], partition["weights"]
    if len(values) != len(weights) or len(values) > _MOST_VALUES or not all(type(value) in (str, int, bool) for value in values):
        raise NoRule(
            f"partition_object must hold at most {_MOST_VALUES:,} texts or whole numbers as values, with a weight for each"
        )
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    if len(set(texts)) < len(texts):
        raise NoRule("partition_object names a value twice")
    return dict(zip(texts, weights, strict=True))


def _bins(partition: JsonObject, tail: float, inner: float) -> JsonObject:
    """Bins, weights and hold-outs. A bin that ends at an infinity is a tail."""
    bins, weights, tails = partition["bins"], [float(weight) for weight in partition["weights"]], partition.get("tail_weights")
    if any(type(edge) not in (int, float) or math.isnan(edge) for edge in bins):
        raise NoRule("bins must be numbers")
    if (
        len(weights) != len(bins) - 1
        or len(weights) > _MOST_BINS
        or sorted(set(bins)) != bins
        or (tails is not None and len(tails) != 2)
    ):
        raise NoRule(f"partition_object must hold at most {_MOST_BINS:,} weights, one for each bin, between edges that rise")
    ends = bins[0] == -math.inf, bins[-1] == math.inf
    if any(ends) and (tails is not None or (all(ends) and tail)):
        raise NoRule(
            "there can be no more weight in a tail beside a bin that ends at an infinity, which Great Expectations refuses"
        )
    if tails is not None and tail:
        raise NoRule("tail_weight_holdout beside tail_weights, which Great Expectations refuses")
    if tail + inner > 1:
        raise NoRule("tail_weight_holdout and internal_weight_holdout are above 1 together")
    if not any(ends):
        more: JsonObject = {"tail_weights": tails} if tails is not None else {"tail_weight_holdout": tail} if tail else {}
        found = {"bins": bins, "weights": weights} | more | ({"internal_weight_holdout": inner} if inner else {})
    else:
        empty = weights.count(0)
        scaled = [inner / empty if not weight else weight * (1 - tail - inner) for weight in weights]
        below = scaled.pop(0) if ends[0] else tail
        above = scaled.pop() if ends[1] else tail
        found = {"bins": [edge for edge in bins if math.isfinite(edge)], "weights": scaled, "tail_weights": [below, above]}
    if not any(found["weights"]) or len(found["bins"]) < 2:
        raise NoRule("no bin has a weight")
    return found
