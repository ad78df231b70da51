"""Numbers that nothing can be computed with cost a column its bounds, and a table no other suggestion."""

import pytest

from stringx_dataops.suggestions import History, StoredProfile
from tests.support.measured import AT, numbers, profile, suggested, texts

VALUES: list[float | None] = [float(number % 90 + number % 7) for number in range(1000)]
BETWEEN = "amount_between"


@pytest.mark.parametrize("odd", ["1" * 199 + "…", "1" * 400, "NaN", "Infinity", "-Infinity"])
def test_a_bound_that_is_no_number_gives_no_rule_with_bounds(odd: str) -> None:
    plain = numbers("amount", VALUES, family="float")
    code = texts("code", [f"x{number}" for number in range(1000)])
    assert BETWEEN in suggested(profile(1000, plain, code))
    for column in (plain.model_copy(update={"max": odd}), plain.model_copy(update={"quantiles": {"0.5": odd}})):
        found = suggested(profile(1000, column, code))
        assert BETWEEN not in found
        assert "code_unique" in found


def test_a_column_that_was_text_before_is_judged_by_what_it_is_now() -> None:
    now = profile(1000, numbers("amount", VALUES))
    before = profile(1000, texts("amount", ["n/a", *map(str, range(999))], min="0", max="n/a"), snapshot_at=AT.replace(year=2025))
    found = suggested(now, history=History(profiles=[StoredProfile("1", before)]))
    assert BETWEEN in found
