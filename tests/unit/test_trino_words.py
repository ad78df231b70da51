"""Why a cluster of Trino cannot be asked, and what a result may show of its errors. The messages are Trino's, of release 476."""

import pytest

from api.targets.registry import engine_of
from stringx_dataops.contract.documents.engines.trino import TrinoTarget

POOL = (
    "failed to execute: HTTPSConnectionPool(host='trino', port=8443): Max retries exceeded with url: /v1/statement (Caused by {})"
)
HEAD = {"apiVersion": "stringx/v1", "kind": "Target", "name": "lake", "adapter": "trino", "host": "trino", "catalog": "lake"}


def target(**changes: object) -> TrinoTarget:
    return TrinoTarget.model_validate(HEAD | {"user": "reader", "password_env": "TARGET_LAKE_PASSWORD"} | changes)


def trino(name: str, message: str, type: str = "USER_ERROR") -> str:
    """As dbt tells an error of a query."""
    told = f'TrinoUserError(type={type}, name={name}, message="{message}", query_id=20261201_011405_00004_xqcxu)'
    return f"Database Error in test gate (tests/gate.sql) {told}"


@pytest.mark.parametrize(
    ("message", "words", "passes"),
    [
        (POOL.format("NewConnectionError('… [Errno 111] Connection refused')"), "unreachable, nothing listens on trino:8443", True),
        (POOL.format("NameResolutionError(\"… Failed to resolve 'trino' ([Errno -2])\")"), "unreachable, no such host: trino", False),
        (POOL.format("NewConnectionError('… [Errno 113] No route to host')"), "no route to trino:8443", False),
        (POOL.format("ConnectTimeoutError(…, 'Connection to trino timed out. (connect timeout=10.0)')"), "no route to trino", False),
        (
            POOL.format(
                "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local"
                " issuer certificate (_ssl.c:1006)'))"
            ),
            "TLS certificate is not trusted; set sslrootcert",
            False,
        ),
        (
            POOL.format("SSLError(… certificate verify failed: IP address mismatch, certificate is not valid for '127.0.0.1'.)"),
            "certificate is of another name than trino",
            False,
        ),
        (POOL.format("SSLError(SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number'))"), "answers without TLS", False),
        ("failed to execute: ('Connection aborted.', BadStatusLine('\\x15\\x03\\x03'))", "trino:8443 asks for TLS", False),
        ("error 403: b'Error 403 Forbidden: Authentication over HTTP is not enabled'", "takes nobody without TLS", False),
        ("error 401: b'Unauthorized'", "asks for a password or token", False),
        ("error 401: b'Access Denied: Invalid credentials'", "wrong password for user reader", False),
        ("error 403: b''", "refuses user reader (HTTP 403)", False),
        (
            "error 500: b'io.trino.spi.security.AccessDeniedException: Access Denied: Cannot set role nope\\n\\tat io'",
            "may not take a role of the target",
            False,
        ),
        ("Could not find a suitable TLS CA certificate bundle, invalid path: /none.pem", "correct sslrootcert", False),
        ("error 503: service unavailable", "starting or shutting down", True),
        ("error 404: b'Query not found'", "is no Trino, or it was started anew", True),
        ("error 404: b'<html>'", "is no Trino", False),
        ("failed to fetch: ('Connection aborted.', RemoteDisconnected('Remote end closed connection'))", "went away", True),
        ("Could not find adapter type trino!", "./start-service.sh --local --with trino", False),
        (trino("CATALOG_NOT_FOUND", "line 1:15: Catalog 'nope' not found"), "lake: Catalog 'nope' not found; correct catalog", False),
        (trino("INVALID_SESSION_PROPERTY", "Session property 'nope' does not exist"), "session_properties are refused: Session", False),
        (
            trino("PERMISSION_DENIED", "Access Denied: User reader cannot impersonate user eve"),
            "user reader is refused: User reader cannot impersonate user eve; grant it there",
            False,
        ),
        (trino("SERVER_STARTING_UP", "Trino server is still initializing", "INTERNAL_ERROR"), "starting or shutting down", True),
        (trino("QUERY_QUEUE_FULL", "Too many queued queries for 'global'", "INSUFFICIENT_RESOURCES"), "its queue is full", True),
        (trino("ADMINISTRATIVELY_KILLED", "Query killed."), "somebody ended the check's query there", False),
        (trino("EXCEEDED_GLOBAL_MEMORY_LIMIT", "Query exceeded …", "INSUFFICIENT_RESOURCES"), "ran into a limit there", False),
    ],
)  # fmt: skip
def test_each_cause_is_named_in_one_line(message: str, words: str, passes: bool) -> None:
    engine = engine_of(target())
    said = engine.explain(message)
    assert said is not None
    assert said.startswith("target lake: ")
    assert words in said
    assert "\n" not in said
    assert engine.may_pass(message) is passes


def test_a_wrong_token_is_called_one() -> None:
    said = engine_of(target(auth="jwt", password_env=None, password_file="token")).explain("error 401: b'Access Denied'")
    assert said == "target lake: wrong token for user reader, or one that has expired there; correct the secret file token"


def test_a_server_without_tokens_is_said_to_be_one() -> None:
    said = engine_of(target(auth="jwt", password_env=None, password_file="token")).explain("error 401: b'Unauthorized'")
    assert str(said).startswith("target lake: the server takes no token; set auth: password")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("INVALID_CAST_ARGUMENT", "Cannot cast 'Ada Lovelace' to INT"),
        ("INVALID_CAST_ARGUMENT", "Value cannot be cast to date: Ada Lovelace"),
        ("INVALID_FUNCTION_ARGUMENT", 'Invalid format: "Ada Lovelace"'),
        ("INVALID_FUNCTION_ARGUMENT", "Duplicate map keys (Ada Lovelace) are not allowed"),
        ("INVALID_CAST_ARGUMENT", "Value cannot be cast to date: Access Denied: Ada Lovelace"),
        ("INVALID_CAST_ARGUMENT", "Value cannot be cast to date: name=CATALOG_NOT_FOUND, message='Ada Lovelace"),
        ("INVALID_CAST_ARGUMENT", "Value cannot be cast to date: error 401: Ada Lovelace"),
        ("GENERIC_INTERNAL_ERROR", "unexpected Ada Lovelace"),
    ],
)
def test_a_value_of_a_row_is_not_shown(name: str, message: str) -> None:
    engine = engine_of(target())
    assert engine.explain(trino(name, message)) is None
    assert engine.without_values(trino(name, message)) == f"Trino reports {name} (query 20261201_011405_00004_xqcxu)"


def test_the_names_in_an_error_are_shown() -> None:
    message = trino("COLUMN_NOT_FOUND", "line 1:8: Column 'nam' cannot be resolved")
    shown = engine_of(target()).without_values(message)
    assert shown == "Trino reports COLUMN_NOT_FOUND: Column 'nam' cannot be resolved (query 20261201_011405_00004_xqcxu)"
    assert engine_of(target()).without_values("Database Error what is this") == "Trino reports an error"
