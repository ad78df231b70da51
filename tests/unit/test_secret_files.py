"""Whose secret file is whose, and which server may ask for a password."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from api.targets.engine import TargetUnusable
from api.targets.registry import engine_of
from api.targets.secrets import password
from stringx_dataops.contract.documents.engines.postgres import PostgresTarget
from tests.support.databases import only_with


def target(**changes: Any) -> PostgresTarget:
    document = {
        "apiVersion": "stringx/v1",
        "kind": "Target",
        "name": "shop",
        "host": "db.example.com",
        "dbname": "d",
        "user": "u",
    }
    return PostgresTarget.model_validate(document | changes)


@pytest.mark.parametrize(
    ("changes", "used"),
    [({}, ""), ({"sslmode": "verify-ca"}, ""), ({"sslmode": "require"}, "!password"), ({"sslmode": "prefer"}, "!password"),
     ({"host": "localhost"}, "!password"), ({"host": "/run/postgresql"}, "!password"),
     ({"require_auth": "scram-sha-256"}, "scram-sha-256"), ({"host": "localhost", "require_auth": "password"}, "password")],
)  # fmt: skip
def test_require_auth_by_default(tmp_path: Path, changes: dict[str, Any], used: str) -> None:
    document = target(**changes)
    assert document.authentication == used
    assert engine_of(document).environment(only_with(tmp_path), "stringx test")["PGREQUIREAUTH"] == used


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The secrets of two targets, one at the top, one as Kubernetes mounts it, and links where none should lead."""
    folder = tmp_path / "secrets"
    for name in ("shop", "other", "..2026", "..2026/mounted"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in ("top", "both", "shop/own", "shop/both", "other/own", "..2026/flat", "..2026/mounted/own"):
        (folder / name).write_text(f"{name}\n")
    (tmp_path / "outside").write_text("outside")
    links = {"..data": "..2026", "flat": "..data/flat", "mounted": "..data/mounted", "out": "../outside", "others": "other/own",
             "all": "other", "shop/out": "../../outside", "shop/others": "../other/own", "shop/link": "../top", "loop": "loop",
             "shop/flat": "gone"}  # fmt: skip
    for name, leads_to in links.items():
        (folder / name).symlink_to(leads_to)
    return folder


@pytest.mark.parametrize(
    ("name", "file", "found"),
    [
        ("shop", "top", "top"),
        ("shop", "own", "shop/own"),
        ("shop", "shop/own", "shop/own"),
        ("shop", "both", "shop/both"),
        ("other", "both", "both"),
        ("other", "own", "other/own"),
        ("other", "flat", "..2026/flat"),
        ("mounted", "own", "..2026/mounted/own"),
        ("third", "own", "cannot read the password_file 'own'"),
        ("shop", "shop/link", "leads out of its folder"),
        ("shop", "top2", "cannot read the password_file 'top2'"),
        ("shop", "flat", "cannot read the password_file 'flat'"),
        ("shop", "others", "leads into its folder other, whose files serve the target other alone"),
        ("third", "others", "leads into its folder other, whose files serve the target other alone"),
        ("shop", "out", "leads out of the secrets folder"),
        ("third", "out", "leads out of the secrets folder"),
        ("all", "own", "leads into its folder other, whose files serve the target other alone"),
        ("third", "loop", "cannot read the password_file 'loop'"),
    ],
)
def test_a_file_in_a_targets_folder_serves_that_target_alone(folder: Path, name: str, file: str, found: str) -> None:
    document = target(name=name, password_file=file)
    with suppress(TargetUnusable):
        assert password(document, folder) == found
        return
    with pytest.raises(TargetUnusable) as refused:
        password(document, folder)
    assert found in str(refused.value)
    assert "\n" not in str(refused.value)
