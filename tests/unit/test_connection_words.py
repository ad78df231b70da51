"""Why a target cannot be reached: one line that names the cause and what to do about it."""

from pathlib import Path

import pytest

from api.targets.engine import TargetUnusable
from api.targets.registry import engine_of
from api.targets.secrets import password
from stringx_dataops.contract.documents.engines.postgres import PostgresTarget

FATAL = 'connection to server at "db", port 5432 failed: FATAL:  '


def target(**changes: object) -> PostgresTarget:
    head = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "db", "dbname": "orders", "user": "reader"}
    return PostgresTarget.model_validate(head | changes)


@pytest.mark.parametrize(
    ("message", "words", "passes"),
    [
        ('password authentication failed for user "reader"', "wrong password for user reader, or one that has expired", False),
        ('too many connections for role "reader"', "user reader has no free connection (its CONNECTION LIMIT)", True),
        ('too many connections for database "orders"', "orders has no free connection (its CONNECTION LIMIT)", True),
        ("sorry, too many clients already", "has no free connection; raise max_connections", True),
        ("remaining connection slots are reserved for roles with the SUPERUSER attribute", "has no free connection", True),
        ("no more connections allowed (max_client_conn)", "the pooler on db:5432 has no free connection", True),
        ("query_wait_timeout", "the pooler on db:5432 has no free connection", True),
        ("server login has been failing, try again later (server_login_retry)", "the pooler on db:5432 cannot reach its server", False),
        ("pgbouncer cannot connect to server", "the pooler on db:5432 cannot reach its server", False),
        ("no such user: reader", "the pooler on db:5432 knows no such user or database", False),
        ("unsupported startup parameter: options", "ignore_startup_parameters", False),
        ('database "orders" is not currently accepting connections', "orders takes no connections now", False),
        ('role "reader" is not permitted to log in', "user reader may not log in", False),
        ('no pg_hba.conf entry for host "10.0.0.1", user "reader", database "orders", no encryption', "over TLS only", False),
        ('pg_hba.conf rejects connection for host "10.0.0.1", user "reader", database "orders"', "rejects user reader", False),
        ('Peer authentication failed for user "reader"', "user reader cannot log in the way", False),
        ("connection requires a valid client certificate", "user reader cannot log in the way", False),
        ("canceling statement due to conflict with recovery", "the standby ended the check", True),
        ("terminating connection due to conflict with recovery", "the standby ended the check", True),
        ("received invalid response to SSL negotiation: H", "what listens on db:5432 is no PostgreSQL", False),
    ],
)  # fmt: skip
def test_each_cause_is_named_in_one_line(message: str, words: str, passes: bool) -> None:
    engine = engine_of(target())
    said = engine.explain(FATAL + message)
    assert said is not None
    assert said.startswith("target shop: ")
    assert words in said
    assert "\n" not in said
    assert engine.may_pass(FATAL + message) is passes


def test_a_password_with_nul_is_one_line_that_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wide").write_bytes("secret".encode("utf-16-le"))
    with pytest.raises(
        TargetUnusable, match=r"target shop: the password_file 'wide' .* holds a NUL character, as a text in UTF-16"
    ):
        password(target(password_file="wide"), tmp_path)
    monkeypatch.setenv("TARGET_SHOP_FILE", str(tmp_path / "wide"))
    with pytest.raises(TargetUnusable, match=r"TARGET_SHOP \(password_env\) holds a NUL character"):
        password(target(password_env="TARGET_SHOP"), tmp_path)
