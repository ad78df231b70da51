"""Custom SQL as our parser reads it and as PostgreSQL does: what is accepted is one expression that calls allowed functions only."""

import random
from collections.abc import Iterator

import pytest

from contract.conditions import fault_of_condition
from contract.sql_words import ALLOWED_FUNCTIONS
from tests.conftest import Admin
from tests.safety.payloads import corpus
from tests.safety.postgres import COLUMNS, Server
from tests.unit.test_conditions import ALLOWED, REFUSED
