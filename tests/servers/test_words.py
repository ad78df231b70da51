"""Formats, spellings of types and clock changes on the oldest server, which lacks some of what the newer ones have."""

from tests.integration.test_formats import test_a_text_is_of_the_format_where_python_says_so
from tests.integration.test_gaps import (
    test_hours_are_counted_in_absolute_time_where_clocks_change,
    test_periods_of_several_days_begin_at_a_monday,
    test_what_lies_ahead_and_what_is_infinite_proves_nothing_and_is_told,
)
from tests.integration.test_messages import (
    test_a_type_is_what_the_server_makes_of_its_spelling,
    test_a_type_that_does_not_exist_is_an_error_that_names_it,
    test_what_is_wrong_with_columns_and_types_is_named,
)
from tests.integration.test_reasons import test_the_text_at_fault_is_named_and_a_rows_value_is_not
from tests.servers.conftest import only

__all__ = [
    "test_a_text_is_of_the_format_where_python_says_so",
    "test_a_type_is_what_the_server_makes_of_its_spelling",
    "test_a_type_that_does_not_exist_is_an_error_that_names_it",
    "test_hours_are_counted_in_absolute_time_where_clocks_change",
    "test_periods_of_several_days_begin_at_a_monday",
    "test_the_text_at_fault_is_named_and_a_rows_value_is_not",
    "test_what_is_wrong_with_columns_and_types_is_named",
    "test_what_lies_ahead_and_what_is_infinite_proves_nothing_and_is_told",
]

pytestmark = only("14")
