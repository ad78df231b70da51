"""Documents of targets of Trino: what is refused, what follows from what they say, and what dbt is told of them."""

import json
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from api.engine.profile import PASSWORD_VARIABLE
from api.targets.engine import Machine, TargetUnusable
from api.targets.registry import engine_of
from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.documents.engines.trino import TrinoTarget
from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.documents.targets import database_hash, parse_target
from stringx_dataops.contract.problems import Invalid
from tests.support.documents import CATALOGUE

LAKE = {
    "apiVersion": "stringx/v1", "kind": "Target", "name": "lake", "adapter": "trino", "host": "trino.example.com", "catalog": "lake",
    "user": "reader",
}  # fmt: skip


def parsed(**fields: Any) -> TrinoTarget:
    target = parse_target(LAKE | fields)
    assert isinstance(target, TrinoTarget)
    return target


def environment(target: TrinoTarget, secrets: Path) -> dict[str, str]:
    return engine_of(target).environment(Machine(secrets, (), (), secrets), "stringx 1 1")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("host", "trino.example.com:8443", "holds a colon and is no address of IPv6; the port goes under port"),
        ("host", "https://trino.example.com", "is no single host"),
        ("host", "/var/run/trino", "is no single host"),
        ("user", "a:b", "is no user of Trino"),
        ("user", "a b", "is no user of Trino"),
        ("catalog", "Lake", "is no name that Trino has; write it in lower case"),
        ("catalog", "a,b", "is no name that Trino has"),
        ("schema", "a\nb", "is no name that Trino has"),
        ("session_properties", {"Query": "1"}, "is no name of a session property"),
        ("session_properties", {"a=b": "1"}, "is no name of a session property"),
        ("session_properties", {"a": "x\ny"}, "is no value of a session property"),
        ("session_properties", {"a": "x" * 1001}, "is no value of a session property"),
        ("session_properties", {f"p{n}": 1 for n in range(51)}, "at most 50"),
        ("session_properties", {"a": None}, ""),
        ("roles", {"system": "a=b"}, "is no name of a role"),
        ("sslrootcert", "/ca.pem", None),
        ("sslrootcert", "ca.pem", "is no absolute path; begin with /"),
        ("port", 0, "1"),
        ("allow_functions", ["a.b"], "must be empty on trino"),
        ("allow_arguments", "unchecked", "must be 'checked'"),
        ("require_auth", "md5", "is no field of trino, but of postgres"),
    ],
)
def test_a_wrong_field_is_named_with_its_fix(field: str, value: object, words: str | None) -> None:
    if words is None:
        parsed(**{field: value})
        return
    with pytest.raises(Invalid) as refused:
        parsed(**{field: value})
    [error] = {(error.pointer.split("/")[1], error.message) for error in refused.value.errors[:1]}
    assert error[0] == field
    assert words in error[1]


@pytest.mark.parametrize("secret", [{"password_env": "TARGET_LAKE"}, {"password_file": "password"}])
@pytest.mark.parametrize("mode", ["disable", "require"])
@pytest.mark.parametrize("host", ["trino.example.com", "localhost"])
def test_no_secret_goes_where_it_could_be_read(secret: dict[str, str], mode: str, host: str) -> None:
    for auth in ("password", "jwt"):
        with pytest.raises(Invalid, match="/sslmode: must be verify-full, or be left out, as there is a password"):
            parsed(**secret, sslmode=mode, auth=auth, host=host)
    assert parsed(**secret, host=host).tls == "verify-full"


def test_an_authority_without_verifying_is_refused() -> None:
    with pytest.raises(Invalid, match="/sslrootcert: is used with sslmode: verify-full only"):
        parsed(sslmode="require", sslrootcert="/ca.pem")


@pytest.mark.parametrize(
    ("fields", "tls", "port"),
    [
        ({}, "verify-full", 8443),
        ({"port": 443}, "verify-full", 443),
        ({"host": "localhost"}, "disable", 8080),
        ({"host": "127.0.0.1", "port": 18080}, "disable", 18080),
        ({"host": "::1"}, "disable", 8080),
        ({"host": "localhost", "password_env": "TARGET_X"}, "verify-full", 8443),
        ({"host": "localhost", "sslrootcert": "/ca.pem"}, "verify-full", 8443),
        ({"sslmode": "disable"}, "disable", 8080),
        ({"sslmode": "require"}, "require", 8443),
    ],
)
def test_tls_is_verified_unless_the_server_is_on_loopback(fields: dict[str, Any], tls: str, port: int) -> None:
    assert (parsed(**fields).tls, parsed(**fields).server_port) == (tls, port)


def test_what_is_checked_has_a_name_of_its_own() -> None:
    ways: list[dict[str, Any]] = [
        {}, {"host": "other"}, {"port": 1}, {"catalog": "c"}, {"schema": "s"}, {"user": "u"}, {"roles": {"lake": "r"}},
        {"session_properties": {"lake.ignore_absent_partitions": True}},
    ]  # fmt: skip
    assert len({parsed(**way).database_hash for way in ways}) == len(ways)
    assert all(parsed(**way).database_hash == database_hash(LAKE | way) for way in ways)
    same: list[dict[str, Any]] = [
        {"session_properties": {"a": 1}},
        {"max_concurrent_checks": 9},
        {"schema": "default"},
        {"roles": {}},
    ]
    assert {parsed(**way).database_hash for way in same} == {parsed().database_hash}


def test_lineage_names_the_server() -> None:
    assert parsed().lineage_namespace == "trino://trino.example.com:8443"
    assert parsed(host="::1", port=8080).lineage_namespace == "trino://[::1]:8080"


def test_dbt_is_told_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    target = parsed(
        password_file="password", sslrootcert="/ca.pem", roles={"system": "r"},
        session_properties={"a": True, "b": 5, "lake.c": "x'\"{{ 1 }}", "d": 0.5},
    )  # fmt: skip
    told = environment(target, tmp_path)
    assert (told["STRINGX_TARGET_METHOD"], told[PASSWORD_VARIABLE]) == ("ldap", "secret")
    assert (told["STRINGX_TARGET_SCHEME"], told["STRINGX_TARGET_SSLROOTCERT"]) == ("https", "/ca.pem")
    assert json.loads(told["STRINGX_TARGET_SESSION_PROPERTIES"]) == {"a": "true", "b": "5", "lake.c": "x'\"{{ 1 }}", "d": "0.5"}
    assert json.loads(told["STRINGX_TARGET_ROLES"]) == {"system": "r"}
    plain = environment(parsed(host="localhost"), tmp_path)
    assert (plain["STRINGX_TARGET_METHOD"], plain["STRINGX_TARGET_SCHEME"], plain.get(PASSWORD_VARIABLE)) == (
        "none",
        "http",
        None,
    )
    assert environment(parsed(sslmode="require"), tmp_path)["STRINGX_TARGET_SSLROOTCERT"] == "False"


@pytest.mark.parametrize("content", ["", "geheim-ä", "two\nlines"])
def test_a_secret_that_no_header_carries_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(content)
    with pytest.raises(TargetUnusable, match="target lake: token is empty, or holds what a header of HTTP cannot carry"):
        environment(parsed(password_file="token", auth="jwt"), tmp_path)


def test_without_dbts_package_the_command_that_installs_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    with pytest.raises(TargetUnusable, match=r"^target lake: dbt-trino is not installed .* --with trino, or run pip install"):
        environment(parsed(), tmp_path)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("sales.orders", None),
        ("Sales.Orders", "write sales.orders"),
        ("sales.ORDERS", "write sales.orders"),
        ("shop.sales.orders", "names a catalog, which is the target's: write sales.orders"),
        ("sales.orders$files", "is about tables"),
        ("information_schema.tables", "is about tables"),
        ('"sales.eu"."orders"', None),
    ],
)
def test_the_table_of_a_document_has_the_name_that_trino_has(table: str, words: str | None) -> None:
    """Another spelling would be another table with a gate of its own."""
    document = {"apiVersion": "stringx/v1", "target": "lake", "table": table, "rules": []}
    judge = Judge(dialect_of("trino"))
    if words is None:
        assert parse_table(document, CATALOGUE, lambda _: judge).table
    else:
        with pytest.raises(Invalid, match=re.escape(words)):
            parse_table(document, CATALOGUE, lambda _: judge)
