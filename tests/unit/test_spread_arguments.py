"""Arguments of `distribution`, `quantiles` and `correlation` that mean nothing are refused where they stand, with words that say what to write."""

from typing import Any

import pytest

from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.documents.yaml_reading import read_yaml
from tests.support.documents import plain_judge
from tests.unit.test_refusals import CATALOGUE, refused, rule

BINS = {"bins": [0, 1, 2], "weights": [1, 1]}
VALUES = {"weights": {"a": 1, "b": 2}}
NORMAL = {"expected": {"normal": {"mean": 0, "stddev": 1}}}
ONE_FORM = "give weights by value, or bins with a list of weights, or expected (a formula), or against; hold-outs inside and tail weights are for bins with weights"
ONE_BOUND = "give max, or min_p, or one of them under warn; both sides must name the same"


@pytest.mark.parametrize(
    ("arguments", "pointer", "words"),
    [
        ({**VALUES, "max": 1}, "", "the argument 'test' is missing"),
        ({"test": "t", **VALUES, "max": 1}, "/test", "must be one of kl, chi_square, ks"),
        ({"test": "kl", **VALUES}, "", ONE_BOUND),
        ({"test": "chi_square", **VALUES, "max": 1, "min_p": 0.1}, "", ONE_BOUND),
        ({"test": "chi_square", **VALUES, "max": 1, "warn": {"min_p": 0.1}}, "", ONE_BOUND),
        ({"test": "kl", **VALUES, "min_p": 0.1}, "/min_p", "a divergence has no probability; give max"),
        ({"test": "chi_square", **VALUES, "min_p": 0}, "/min_p", "0 is less than or equal to the minimum of 0"),
        ({"test": "chi_square", **VALUES, "min_p": "0.0"}, "/min_p", "must be above 0"),
        ({"test": "chi_square", **VALUES, "min_p": "1.01"}, "/min_p", "must be at most 1"),
        ({"test": "kl", **VALUES, "max": 0.1, "warn": {"max": 0.2}}, "/warn/max", "can never warn, as max fails first; it must lie below 0.1"),
        ({"test": "kl", "max": 1}, "", ONE_FORM),
        ({"test": "kl", "weights": [1, 1], "max": 1}, "", ONE_FORM),
        ({"test": "kl", "bins": [1, 2], "max": 1}, "", ONE_FORM),
        ({"test": "kl", **VALUES, "bins": [1, 2, 3], "max": 1}, "", ONE_FORM),
        ({"test": "kl", **VALUES, "tail_weights": [1, 1], "max": 1}, "", ONE_FORM),
        ({"test": "kl", **VALUES, "internal_weight_holdout": 0.1, "max": 1}, "", ONE_FORM),
        ({"test": "kl", **NORMAL, "max": 1}, "/expected", "is for the test ks alone"),
        ({"test": "ks", **BINS, "tail_weights": [1, 1], "max": 1}, "/tail_weights", "is not for the test ks: beyond the bins it expects nothing"),
        ({"test": "ks", "against": "previous", "max": 1}, "/against", "is not for the test ks, which needs the values themselves; give kl or chi_square"),
        ({"test": "kl", "against": "previous", **VALUES, "max": 1}, "", ONE_FORM),
        ({"test": "kl", "against": "last", "max": 1}, "/against", "must be one of previous"),
        ({"test": "ks", **VALUES, "max": 1}, "/weights", "must be a list"),
        ({"test": "kl", **BINS, "tail_weights": [1, 1], "tail_weight_holdout": 0.1, "max": 1}, "/tail_weight_holdout", "is not for bins with tail_weights, which say what is expected there"),
        ({"test": "kl", "bins": [0, 1, 1], "weights": [1, 1], "max": 1}, "/bins/2", "is not above the one before; list them in ascending order"),
        ({"test": "kl", "bins": ["2026-01-02", "2026-01-01"], "weights": [1], "max": 1}, "/bins/1", "is not above the one before; list them in ascending order"),
        ({"test": "kl", "bins": [0, 1, 2], "weights": [1], "max": 1}, "/weights", "has 1 items; between the 3 of bins there must be 2"),
        ({"test": "kl", "weights": {"a": 0}, "max": 1}, "/weights", "are all 0; one of them must be above 0"),
        ({"test": "kl", "weights": {"a": -1}, "max": 1}, "/weights", "must be a mapping of at most 5,000 values to weights from 0 on, or a list of at most 1,000 weights, one for each bin"),
        ({"test": "kl", **VALUES, "tail_weight_holdout": 2, "max": 1}, "/tail_weight_holdout", "2 is greater than the maximum of 1"),
        ({"test": "ks", "expected": {}, "max": 1}, "/expected", "must be one of normal, uniform and exponential, with its parameters"),
        ({"test": "ks", "expected": {"normal": {"mean": 0}}, "max": 1}, "/expected/normal", "the argument 'stddev' is missing"),
        ({"test": "ks", "expected": {"uniform": {"min": 2, "max": 1}}, "max": 1}, "/expected/uniform/min", "is above max; nothing could pass"),
    ],
)  # fmt: skip
def test_a_distribution_that_means_nothing_is_refused(arguments: dict[str, Any], pointer: str, words: str) -> None:
    assert (pointer, words) in refused(rule, "distribution", **arguments)


@pytest.mark.parametrize(
    ("arguments", "pointer", "words"),
    [
        ({"bounds": []}, "/bounds", "has 0 items; it takes at least 1"),
        ({"bounds": [{"p": 0.5, "max": 1}] * 101}, "/bounds", "has 101 items; it takes at most 100"),
        ({"bounds": [{"p": 0.5}]}, "/bounds/0", "give min, max, or both, or bounds under warn"),
        ({"bounds": [{"max": 1}]}, "/bounds/0", "the argument 'p' is missing"),
        ({"bounds": [{"p": 1.5, "max": 1}]}, "/bounds/0/p", "1.5 is greater than the maximum of 1"),
        ({"bounds": [{"p": "1.5", "max": 1}]}, "/bounds/0/p", "must be at most 1"),
        ({"bounds": [{"p": 0.5, "min": 2, "max": 1}]}, "/bounds/0/min", "is above max; nothing could pass"),
        ({"bounds": [{"p": 0, "max": 1}, {"p": 1, "max": 5, "warn": {"max": 6}}]}, "/bounds/1/warn/max", "can never warn, as max fails first; it must lie below 5"),
        ({"bounds": [{"p": 0.5, "max": "nan"}]}, "/bounds/0/max", "is NaN, which no value is within; give a number"),
    ],
)  # fmt: skip
def test_quantiles_that_mean_nothing_are_refused(arguments: dict[str, Any], pointer: str, words: str) -> None:
    assert (pointer, words) in refused(rule, "quantiles", **arguments)


def test_a_correlation_has_bounds_from_minus_one_to_one() -> None:
    assert ("/min", "must be at least -1") in refused(rule, "correlation", other_column="o", min="-1.5")
    assert ("/max", "2 is greater than the maximum of 1") in refused(rule, "correlation", other_column="o", max=2)
    assert ("", "give min, max, or both, or bounds under warn") in refused(rule, "correlation", other_column="o")


def test_values_of_a_mapping_keep_the_text_they_are_written_with() -> None:
    text = """
apiVersion: stringx/v1
target: shop
table: public.orders
rules:
  - {id: a, type: distribution, column: c, arguments: {test: kl, max: 0.1, weights: {1: 1, 007: 0.5, true: 2, 1.50: 1, 'it''s': 3}}}
  - {id: b, type: distribution, column: c, arguments: {test: kl, max: 1.50, bins: [0.10, 1e1, 2026], weights: [1, 0.5]}}
"""
    (document,) = read_yaml(text.encode())
    parsed = parse_table(document, CATALOGUE, plain_judge)
    assert parsed.rules[0].arguments["weights"] == {"1": 1, "007": 0.5, "true": 2, "1.50": 1, "it's": 3}
    assert parsed.rules[1].arguments["bins"] == ["0.10", "1e1", 2026]
