"""The docs portal over the five tables of the demo."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from database.pool import Database
from portal.app import create_app
from portal.refresh import Refresher
from stringx_dataops.contract.settings import Settings, read_settings
from tests.support.databases import Target
from tests.support.portal import never_give_way


@pytest.fixture
def settings(flights_target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    never_give_way(monkeypatch)
    return read_settings({"STRINGX_HOME": str(tmp_path / "home"), "STRINGX_SECRETS": str(flights_target.secrets)})


@pytest.fixture
def refresher(settings: Settings, database: Database) -> Refresher:
    return Refresher(settings, database)


@pytest.fixture
def client(settings: Settings) -> FlaskClient:
    return create_app(settings).test_client()
