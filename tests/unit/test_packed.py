"""What `pip install` of this repository brings, as far as it shows without building; tests/acceptance/test_installed.py builds."""

import uuid
from pathlib import Path

import pytest

from stringx_dataops.contract import ids
from stringx_dataops.contract.catalogue import dbt_project
from stringx_dataops.contract.catalogue.rule_types import CATALOGUE_FILE, Catalogue
from stringx_dataops.contract.settings import ROOT


def test_a_checkout_uses_its_own_project_and_an_installed_package_what_it_brings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert not dbt_project.PACKED.exists(), "the catalogue has one source"
    assert dbt_project.project_of_commands({}) == ROOT / "stringx"
    assert dbt_project.project_of_commands({"DBT_PROJECT_DIR": "/mine"}) == Path("/mine")
    packed = tmp_path / "packed" / CATALOGUE_FILE
    packed.parent.mkdir(parents=True)
    packed.write_bytes((ROOT / "stringx" / CATALOGUE_FILE).read_bytes())
    monkeypatch.setattr(dbt_project, "PACKED", tmp_path / "packed")
    assert dbt_project.project_of_commands({}) == tmp_path / "packed"
    assert [each.name for each in Catalogue.load(tmp_path / "packed")] == [each.name for each in Catalogue.load(ROOT / "stringx")]


@pytest.mark.parametrize("with_library", [True, False])
def test_an_id_is_a_version_7_uuid_and_sorts_by_its_time(monkeypatch: pytest.MonkeyPatch, with_library: bool) -> None:
    if not with_library:
        monkeypatch.setattr(ids, "uuid_utils", None)
    first = ids.new_id()
    found = uuid.UUID(first)
    assert (found.version, found.variant, str(found)) == (7, uuid.RFC_4122, first)
    later = next(each for each in iter(ids.new_id, "") if uuid.UUID(each).int >> 80 != found.int >> 80)
    assert later > first
