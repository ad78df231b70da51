"""Suggestions are careful: what they leave out, and how much head-room they leave."""

import math
import random
from datetime import timedelta
from typing import Any

import pytest

from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.suggestions import EarlierCheck, History, StoredProfile, document_with
from stringx_dataops.suggestions.choosing import MOST_PER_COLUMN, MOST_SUGGESTIONS
from stringx_dataops.suggestions.head_room import share_above, share_text
from stringx_dataops.suggestions.judging import Judge
from tests.support.documents import CATALOGUE, plain_judge
from tests.support.measured import AT, moments, numbers, profile, suggested, texts

ORDERS = [f"{number:05}" for number in range(1000)]


def rules(measured: Any, rule_type: str, column: str | None = None, **more: Any) -> list[JsonObject]:
    """Those of one type, about one column."""
    found = [each.rule for each in suggested(measured, **more).values()]
    return [rule for rule in found if rule["type"] == rule_type and (column is None or rule.get("column") == column)]


def test_nulls_that_are_there_are_tolerated_with_head_room_and_those_that_are_not_are_none() -> None:
    some: list[float | None] = [None] * 3 + [float(number % 7) for number in range(997)]
    measured = profile(1000, numbers("a", some), numbers("b", [float(number % 7) for number in range(1000)]))
    [a], [b] = rules(measured, "not_null", "a"), rules(measured, "not_null", "b")
    assert "fail_above" not in b
    share = float(a["fail_above"].rstrip("%")) / 100
    # Of 1,000 rows 3 are NULL. A later load of the same kind has more than this with a chance below one in a hundred …
    rate = 0.003
    chance = sum(math.comb(1000, n) * rate**n * (1 - rate) ** (1000 - n) for n in range(math.floor(share * 1000) + 1))
    assert 1 - chance < 0.01
    assert share < 0.02  # … and 3% more NULLs are far beyond it


def test_the_head_room_of_a_share_is_the_binomials() -> None:
    """Beside the sum itself: the chance of at most half as many in half as many rows, were that the share, is RISK."""
    for count, total in ((4, 400), (20, 1000), (2, 60)):
        share = share_above(count, total)
        seen = total // 2
        chance = sum(math.comb(seen, n) * share**n * (1 - share) ** (seen - n) for n in range(count // 2 + 1))
        assert chance == pytest.approx(0.005, rel=1e-6)
    assert share_above(0, 10) < 1
    assert share_above(10, 10) == 1
    assert share_text(0.012345) == "1.3%"
    assert share_text(0.002) == "0.2%"


def test_reasons_are_english_for_one_column_and_for_a_vowel() -> None:
    empty = numbers("n", [None, 1.0]).model_copy(update={"type": "integer", "nulls": 0, "distinct": 0})
    found = suggested(profile(0, empty))
    reasons = {each.rule["type"]: each.reason for each in found.values()}
    assert reasons["column_type"] == "It is an integer, and other rules read its values so."
    assert reasons["columns"] == "The table has this column; more may come."


def test_many_nulls_are_usual_and_get_no_rule() -> None:
    values: list[float | None] = [None] * 600 + [float(number % 7) for number in range(400)]
    assert not rules(profile(1000, numbers("a", values)), "not_null")


def test_a_short_list_is_accepted_values_and_what_goes_on_is_not() -> None:
    short = texts("status", ["open", "closed"] * 500)
    keys = texts("code", ORDERS)
    names = texts("city", [f"city {number % 300}" for number in range(1000)])
    measured = profile(1000, short, keys, names)
    [listed] = rules(measured, "accepted_values")
    assert (listed["column"], listed["arguments"]) == ("status", {"values": ["closed", "open"]})
    assert "fail_above" not in listed


def test_a_list_is_left_out_where_an_older_profile_had_fewer_values() -> None:
    now, before = texts("status", ["a", "b", "c", "d"] * 250), texts("status", ["a", "b"] * 500)
    older = StoredProfile("p", profile(1000, before, snapshot_at=AT - timedelta(days=1)))
    assert rules(profile(1000, now), "accepted_values")
    assert not rules(profile(1000, now), "accepted_values", history=History([older]))
    same = StoredProfile("p", profile(1000, now, snapshot_at=AT - timedelta(days=1)))
    assert rules(profile(1000, now), "accepted_values", history=History([same]))


def test_values_that_occur_once_stand_for_those_that_were_not_seen() -> None:
    few: list[str | None] = ["a", "b"] * 999 + ["c", "d"]
    [rule] = rules(profile(2000, texts("status", few)), "accepted_values")
    assert float(rule["fail_above"].rstrip("%")) < 1
    many = ["a", "b"] * 90 + [f"x{number}" for number in range(15)]
    assert not rules(profile(195, texts("status", many)), "accepted_values")  # one row in 13 has a value of its own


@pytest.mark.parametrize("shown", [False, True])
def test_values_of_rows_are_in_suggestions_only_of_columns_that_may_be_shown(shown: bool) -> None:
    price = [1234.0 + 7.5 * (number % 40) for number in range(1000)]
    measured = profile(
        1000,
        numbers("price", price, shown, "float"),
        texts("status", ["secret", "public"] * 500, shown),
        moments("day", [f"2026-02-{1 + number % 28:02}" for number in range(1000)], shown),
    )
    found = str([each.model_dump() for each in suggested(measured).values()])
    assert [word in found for word in ("secret", "1234", "2026-02")] == [shown, shown, shown]
    assert rules(measured, "not_in_future", "day")
    assert rules(measured, "aggregate", "price")


def test_keys_have_no_bounds_and_measures_have() -> None:
    counted = [float(number) for number in range(1000)]
    measured = profile(
        1000,
        numbers("number", counted),
        numbers("customer_id", [float(1 + number % 50) for number in range(1000)]),
        numbers("amount", [float(number % 50) for number in range(1000)]),
    )
    assert {rule["column"] for rule in rules(measured, "between")} == {"amount"}
    assert {rule["column"] for rule in rules(measured, "aggregate") if rule["arguments"]["function"] in ("avg", "stddev")} == {
        "amount"
    }
    assert [rule["column"] for rule in rules(measured, "unique")] == ["number"]


def test_bounds_have_head_room_beyond_the_least_and_the_greatest() -> None:
    values = [random.Random(1).gauss(100, 10) for _ in range(1)] + [random.Random(n).gauss(100, 10) for n in range(2, 1001)]
    [rule] = rules(profile(1000, numbers("weight", values, family="float")), "between")
    least, most = min(values), max(values)
    assert least - 60 < rule["arguments"]["min"] < least - 2
    assert most + 2 < rule["arguments"]["max"] < most + 60


def test_an_outlier_of_now_does_not_make_the_bounds_useless() -> None:
    """Bounds as the tail goes on would be much wider if they followed one value alone."""
    values = [float(50 + number % 21) for number in range(9990)] + [200.0] * 10
    [rule] = rules(profile(10_000, numbers("age", values)), "between")
    assert 200 <= rule["arguments"]["max"] < 400


def test_a_limit_at_which_many_values_lie_is_kept() -> None:
    ratings = [float(1 + number % 5) for number in range(1000)]
    [rule] = rules(profile(1000, numbers("rating", ratings)), "between")
    assert rule["arguments"] == {"min": 1, "max": 5}


def test_years_go_on() -> None:
    years = [float(2000 + number % 20) for number in range(1000)]
    [rule] = rules(profile(1000, numbers("year", years)), "between")
    assert set(rule["arguments"]) == {"min"}
    assert 1950 < rule["arguments"]["min"] < 2000


def test_nearly_unique_is_not_unique() -> None:
    assert not rules(profile(1000, texts("code", [*ORDERS[:-1], ORDERS[0]])), "unique", "code")
    assert rules(profile(1000, texts("code", ORDERS)), "unique", "code")


def test_measures_that_happen_to_differ_are_no_key() -> None:
    scattered = [float(number) for number in random.Random(5).sample(range(1_000_000), 100)]
    assert not rules(profile(100, numbers("price", scattered)), "unique")
    assert rules(profile(100, numbers("price", [float(number) for number in range(100)])), "unique")


def test_pairs_that_happen_to_differ_are_no_key() -> None:
    """A thousand rows of two columns with a thousand values each would hardly ever repeat a pair."""
    wide = [texts(name, [f"{name}{(number * step) % 997}" for number in range(1000)]) for name, step in (("a", 1), ("b", 31))]
    narrow = [
        texts("day", [f"{number // 10:03}" for number in range(1000)]),
        texts("shop", [f"{number % 10}" for number in range(1000)]),
    ]
    third = texts("same", ["x", "y"] * 500)
    for columns, expected in (([*wide, third], 0), ([*narrow, third], 1)):
        key = {"columns": [column.name for column in columns[:2]], "share": 1.0, "origin": "measured"}
        assert len(rules(profile(1000, *columns, key_shares=[key]), "unique")) == expected


def test_of_a_sample_nothing_is_unique() -> None:
    sample = {"rows": 1000, "share": 0.01, "method": "system", "seed": 20}
    measured = profile(100_000, texts("code", ORDERS), sample=sample, is_estimated=True)
    assert not rules(measured, "unique")


def test_rows_that_repeat_as_a_whole_are_told_apart_from_those_that_do() -> None:
    columns = [texts(name, ["a", "b"] * 500) for name in ("a", "b", "c")]
    for share, expected in ((1.0, [None]), (0.999, ["1.3%"]), (0.9, [])):
        key = {"columns": ["a", "b", "c"], "share": share, "origin": "measured"}
        found = rules(profile(1000, *columns, key_shares=[key]), "unique")
        assert [rule.get("fail_above") for rule in found] == expected
        assert all(rule["arguments"] == {"nulls": "equal"} for rule in found)


def test_constraints_and_foreign_keys_are_rules_that_the_database_proves() -> None:
    measured = profile(
        1000,
        texts("code", ORDERS),
        numbers("customer_id", [float(number % 50) for number in range(1000)]),
        constraints=[{"name": "orders_pkey", "kind": "primary_key", "columns": ["code"], "definition": "PRIMARY KEY (code)"}],
        foreign_keys=[
            {
                "name": "fk",
                "columns": ["customer_id"],
                "other_table": "public.customers",
                "other_columns": ["id"],
                "is_valid": True,
            }
        ],
    )
    [unique], [known] = rules(measured, "unique"), rules(measured, "relationship")
    assert (unique["column"], unique["verify"]) == ("code", "constraint")
    assert known["arguments"] == {"to_table": "public.customers", "to_column": "id"}
    assert suggested(measured)["customer_id_known"].on_this.status == "pass"


def test_a_foreign_key_holds_a_rule_that_writes_its_table_without_quotes() -> None:
    key = {"name": "fk", "columns": ["c"], "other_table": '"own"."a.b"', "other_columns": ["id"], "is_valid": True}
    measured = profile(10, numbers("c", [float(number) for number in range(10)]), foreign_keys=[key])
    rule: JsonObject = {"id": "r", "type": "relationship", "column": "c", "arguments": {"to_table": "own.a.b", "to_column": "id"}}
    assert Judge(measured).said(rule).status == "pass"
    assert Judge(measured).said(rule | {"arguments": {"to_table": "own.b", "to_column": "id"}}).status != "pass"


def test_check_constraints_and_enum_types_are_rules_without_values_of_rows() -> None:
    status = texts("status", ["a", "b"] * 500, shown=False).model_copy(
        update={"family": "enum", "type": "mood", "enum": ["a", "b", "c"]}
    )
    check = {"name": "price_check", "kind": "check", "columns": ["price"], "definition": "CHECK ((price > (0)::numeric))"}
    called = check | {"name": "own", "definition": "CHECK (own.is_good(price))"}
    measured = profile(1000, status, constraints=[called, check])
    assert [rule["arguments"] for rule in rules(measured, "accepted_values")] == [{"values": ["a", "b", "c"]}]
    assert [rule["arguments"] for rule in rules(measured, "expression")] == [{"sql": "(price > (0)::numeric)"}]


def test_texts_that_nearly_all_have_a_format_get_it_with_tolerance() -> None:
    values: list[str | None] = [f"user{number}@example.org" for number in range(1000)]
    for fitting, expected in ((1000, [None]), (995, ["2.1%"]), (950, [])):
        column = texts("contact", values, formats={"email": fitting, "uuid": 0})
        found = rules(profile(1000, column), "format")
        assert [rule.get("fail_above") for rule in found] == expected


def test_codes_of_one_length_get_it() -> None:
    assert rules(profile(1000, texts("code", ORDERS)), "length") == [
        {"id": "code_length", "type": "length", "column": "code", "arguments": {"min": 5, "max": 5}}
    ]
    assert not rules(profile(1000, texts("code", [*ORDERS[:-1], "1"])), "length")


def test_shapes_of_texts_become_the_narrowest_pattern() -> None:
    everything = {
        "ascii": 1000,
        "clean": 1000,
        "alphanumeric": 1000,
        "digits": 1000,
        "upper": 1000,
        "lower": 1000,
        "capital": 1000,
    }
    for changes, expected in (
        ({}, "^[0-9]{5}$"),
        ({"digits": 10, "lower": 0}, "^[A-Z0-9]{5}$"),
        ({"digits": 10, "alphanumeric": 5, "upper": 0, "lower": 0}, "^[!-`{-~]([ !-~]*[!-~])?$"),
        ({"digits": 10, "alphanumeric": 5, "ascii": 900, "upper": 0, "lower": 0, "capital": 0}, "[\\u00C2"),
        ({"digits": 10, "alphanumeric": 5, "ascii": 900, "clean": 900}, None),
    ):
        found = rules(profile(1000, texts("code", ORDERS, shapes=everything | changes)), "regex")
        assert [expected in rule["arguments"]["pattern"] for rule in found] == ([] if expected is None else [True])


def test_moments_in_the_future_are_no_fault_where_there_are_some() -> None:
    days: list[str | None] = [f"2026-02-{1 + number % 28:02}" for number in range(1000)]
    assert rules(profile(1000, moments("day", days)), "not_in_future")
    assert not rules(profile(1000, moments("day", days, future=1)), "not_in_future")


def test_freshness_needs_profiles_that_show_it() -> None:
    def at(day: int, latest: str) -> Any:
        loaded = moments(
            "loaded_at", [f"2026-01-01 00:00:{number % 50:02}+00" for number in range(999)] + [latest], family="timestamp"
        )
        return profile(1000, loaded, snapshot_at=AT.replace(day=day))

    now, before = at(9, "2026-03-08 20:00:00+00"), [at(7, "2026-03-06 18:00:00+00"), at(8, "2026-03-07 23:00:00+00")]
    assert not rules(now, "freshness")
    [rule] = rules(now, "freshness", history=History([StoredProfile(str(n), each) for n, each in enumerate(before)]))
    assert rule["arguments"] == {"max_age": "12h"}  # twice the six hours of the first
    stale = [before[0], at(8, "2026-03-06 18:00:00+00")]
    assert not rules(now, "freshness", history=History([StoredProfile(str(n), each) for n, each in enumerate(stale)]))


def test_row_counts_follow_the_history() -> None:
    measured = profile(1000, texts("code", ORDERS))
    assert rules(measured, "row_count") == [{"id": "enough_rows", "type": "row_count", "arguments": {"min": 700}}]
    steady = [EarlierCheck(AT - timedelta(days=day), 990 + day, "pass") for day in range(1, 6)]
    [rule] = rules(measured, "row_count", history=History(checks=steady))
    assert rule["arguments"] == {"min": 890, "max": 1500}
    growing = [EarlierCheck(AT - timedelta(days=day), 1000 - 100 * day, "pass") for day in range(1, 6)]
    [rule] = rules(measured, "row_count", history=History(checks=growing))
    assert rule["arguments"] == {"min": 350}
    failed = [EarlierCheck(AT - timedelta(days=day), 1, "fail") for day in range(1, 6)]
    assert rules(measured, "row_count", history=History(checks=failed))[0]["arguments"] == {"min": 700}


def test_what_the_document_has_is_not_suggested_again_and_ids_are_new() -> None:
    measured = profile(1000, texts("code", ORDERS), numbers("amount", [float(number % 50) for number in range(1000)]))
    first = suggested(measured)
    document = {"apiVersion": "stringx/v1", "target": "shop", "table": "public.orders"}
    written = document_with(document, measured, first.values())
    assert not suggested(measured, written)
    other = document | {
        "rules": [
            {"id": "amount_between", "type": "not_null", "column": "code"},
            {"id": "x", "type": "not_null", "columns": ["am*"]},
        ]
    }
    found = suggested(measured, other)
    assert "amount_between_2" in found
    assert "amount_not_null" in first
    assert not [each for each in found.values() if each.rule["type"] == "not_null"]
    assert [rule["id"] for rule in document_with(other, measured, found.values())["rules"]][:2] == ["amount_between", "x"]
    assert len(document_with(other, measured, found.values())["rules"]) == 2 + len(found)
    again = document_with(written, measured, first.values())
    assert again == written


def test_at_most_three_for_a_column_and_a_bounded_number_in_all_best_first() -> None:
    everything = {
        "ascii": 1000,
        "clean": 1000,
        "alphanumeric": 1000,
        "digits": 1000,
        "upper": 1000,
        "lower": 1000,
        "capital": 1000,
    }
    columns = [texts(f"c{number}", ORDERS, shapes=everything) for number in range(200)]
    found = list(suggested(profile(1000, *columns)).values())
    counts = [sum(each.rule.get("column") == column.name for each in found) for column in columns]
    assert max(counts) == MOST_PER_COLUMN == 3
    assert len(found) == MOST_SUGGESTIONS
    assert [each.value for each in found] == sorted((each.value for each in found), reverse=True)


def test_nothing_is_suggested_that_its_own_data_would_fail_and_every_rule_is_valid() -> None:
    measured = profile(
        1000,
        texts("code", ORDERS),
        texts("odd*name?[", ["open", "it's", "näh"] * 333 + [None]),
        numbers("amount", [float(number**2 % 977 - 300) for number in range(1000)]),
        numbers("share", [number / 1000 for number in range(1000)], family="float"),
        moments("day", [f"2026-02-{1 + number % 28:02}" for number in range(1000)]),
    )
    found = suggested(measured)
    assert {each.on_this.status for each in found.values()} == {"pass"}
    parse_table(document_with(None, measured, found.values()), CATALOGUE, plain_judge)
    assert any("[*]" in each.yaml for each in found.values())


def test_few_rows_say_nothing_about_values() -> None:
    found = suggested(profile(12, texts("status", ["a", "b"] * 6), numbers("n", [float(number) for number in range(12)])))
    assert {each.rule["type"] for each in found.values()} <= {"row_count", "columns", "column_type", "unusual"}


def test_what_a_suggestion_would_have_said_of_older_profiles() -> None:
    def of(rows: int, nulls: int, day: int) -> Any:
        values: list[float | None] = [None] * nulls + [float(number % 50) for number in range(rows - nulls)]
        return profile(rows, numbers("amount", values), snapshot_at=AT + timedelta(days=day))

    older = [StoredProfile("old", of(100, 0, -2)), StoredProfile("new", of(900, 0, -1)), StoredProfile("later", of(900, 9, 1))]
    found = suggested(of(1000, 0, 0), history=History(older))
    assert [(each.profile_id, each.status) for each in found["amount_not_null"].on_profiles] == [("new", "pass"), ("old", "pass")]
    assert found["enough_rows"].on_profiles[0].words == "The number of rows is 900."


def test_what_moves_along_the_table_gets_wider_bounds_and_what_follows_its_order_none() -> None:
    values = [float(40 + number % 21) for number in range(1000)]
    found = {}
    for name, least, greatest in (("steady", 49.5, 50.5), ("seasonal", 43.0, 57.0), ("ordered", 30.0, 70.0)):
        tenths = {"fewest_nulls": 0, "most_nulls": 0, "least_mean": least, "greatest_mean": greatest, "tenth": 100}
        column = numbers("t", values, shown=False, tenths=tenths)
        found[name] = [
            rule["arguments"] for rule in rules(profile(1000, column), "aggregate") if rule["arguments"]["function"] == "avg"
        ]
    [steady], [seasonal] = found["steady"], found["seasonal"]
    assert 48 < steady["min"] < 49.5 < 50.5 < steady["max"] < 52
    assert seasonal["min"] < 36 < 64 < seasonal["max"]
    assert not found["ordered"]


def test_nulls_of_the_worst_tenth_are_tolerated() -> None:
    values: list[float | None] = [None] * 30 + [float(number % 7) for number in range(970)]
    thresholds = []
    for most in (0.05, 0.2):
        column = numbers("a", values, tenths={"fewest_nulls": 0, "most_nulls": most})
        [rule] = rules(profile(1000, column), "not_null")
        thresholds.append(float(rule["fail_above"].rstrip("%")))
    assert 3 < thresholds[0] < 10 < 20 < thresholds[1] < 30


def test_a_column_is_compared_with_another_only_where_that_says_something() -> None:
    pair = [
        numbers(name, [float(number % 20 + shift) for number in range(1000)])
        for name, shift in (("low", 0), ("high", 3), ("far", 500))
    ]

    def compared(other: str, at_most: int) -> list[JsonObject]:
        of = {"column": "low", "other_column": other, "rows": 1000, "at_most": at_most, "at_least": 0}
        return [rule["arguments"] for rule in rules(profile(1000, *pair, comparisons=[of]), "compare")]

    assert compared("high", 1000) == [{"operator": "<=", "other_column": "high"}]
    assert not compared("high", 990)  # nearly is a matter of chance
    assert not compared("far", 1000)  # bounds say that already


def test_parts_of_dates_and_places_have_their_own_limits() -> None:
    columns = [numbers(name, [float(1 + number % 9) for number in range(1000)]) for name in ("month", "hour", "lat", "monthly")]
    found = {rule["column"]: rule["arguments"] for rule in rules(profile(1000, *columns), "between")}
    assert found["month"] == {"min": 1, "max": 12}
    assert found["hour"] == {"min": 0, "max": 24}
    assert found["lat"]["max"] < 90
    assert found["monthly"] == {"min": 1, "max": 9}
    places = numbers("lat", [float(number % 85) for number in range(1000)])
    assert [rule["arguments"] for rule in rules(profile(1000, places), "between")] == [{"min": 0, "max": 90}]
    wrong = numbers("month", [float(number % 14) for number in range(1000)])
    assert [rule["arguments"] for rule in rules(profile(1000, wrong), "between")] == [{"min": 0, "max": 13}]


def test_row_counts_and_nulls_that_are_usual_are_left_to_the_history() -> None:
    values: list[float | None] = [None] * 800 + [float(number % 7) for number in range(200)]
    measured = profile(1000, numbers("a", values))
    of = [rule["arguments"]["of"] for rule in rules(measured, "unusual")]
    assert of == [{"function": "null_ratio", "column": "a"}, "row_count"]
    document = {"rules": [{"id": "x", "type": "unusual", "arguments": {"of": "row_count", "learn": 10}}]}
    assert [rule["id"] for rule in rules(measured, "unusual", document=document)] == ["a_usual_nulls"]


def test_comments_are_believed_where_the_data_agree() -> None:
    few = texts("status", ["open", "closed", "open"] * 20, comment="State of the order, one of: open, closed or 'returned'.")
    [rule] = rules(profile(60, few), "accepted_values")
    assert rule["arguments"] == {"values": ["open", "closed", "returned"]}
    other = few.model_copy(update={"comment": "One of: open, shipped."})
    assert [rule["arguments"]["values"] for rule in rules(profile(60, other), "accepted_values")] == [["closed", "open"]]

    scattered = [float(number) for number in random.Random(5).sample(range(1_000_000), 100)]
    for comment, expected in (("unique per order", 1), ("not unique", 0), (None, 0)):
        assert len(rules(profile(100, numbers("amount", scattered, comment=comment)), "unique")) == expected

    share = [float(2 + number % 90) for number in range(1000)]
    [rule] = rules(profile(1000, numbers("discount", share, comment="Discount in percent")), "between")
    assert (rule["arguments"]["min"] >= 0, rule["arguments"]["max"] <= 100) == (True, True)
    [rule] = rules(profile(1000, numbers("discount", [10 * value for value in share], comment="Discount in percent")), "between")
    assert rule["arguments"]["max"] > 900


def test_numbers_of_a_list_are_numbers_in_their_order() -> None:
    [rule] = rules(profile(1000, numbers("ram", [float(2 ** (1 + number % 5)) for number in range(1000)])), "accepted_values")
    assert rule["arguments"] == {"values": [2, 4, 8, 16, 32]}


def test_what_a_sample_did_not_show_may_be_in_the_other_rows() -> None:
    columns = [
        texts("status", ["open", "closed"] * 500),
        texts("contact", [f"user{number}@example.org" for number in range(1000)], formats={"email": 1000}),
        numbers("rating", [float(1 + number % 9) for number in range(1000)]),
    ]
    sample = {"rows": 1000, "share": 0.01, "method": "system", "seed": 20}
    whole, part = profile(1000, *columns), profile(100_000, *columns, sample=sample, is_estimated=True)
    for rule_type in ("accepted_values", "format", "between", "not_null", "not_blank"):
        assert all("fail_above" not in rule for rule in rules(whole, rule_type))
        assert all("fail_above" in rule for rule in rules(part, rule_type))
    assert {rule["type"] for rule in (each.rule for each in suggested(part).values())} >= {
        "accepted_values",
        "format",
        "between",
        "not_blank",
    }
