"""Targets of Trino that ask for a password over TLS, on a server of these tests' own; and what a password is never sent over."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
import trino.dbapi
import trino.exceptions
from trino.auth import BasicAuthentication

from api.engine import trino_connection
from api.engine.pool import ChildFactory
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckResult
from tests.support import certificates, engine, loaded, trino_server
from tests.support.processes import eventually
from tests.support.trino_server import Trino
from tests.support.trino_shop import Shop, a_shop, rule

PASSWORD = "open sesame: 1"


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChildFactory]:
    made = ChildFactory(engine.PROJECT.of("trino"), tmp_path_factory.mktemp("dbt"), loaded.folder("trino"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def secured() -> Iterator[Trino]:
    with trino_server.own(password=PASSWORD) as started:
        yield started


@pytest.fixture
def shop(database: Database, factory: ChildFactory, secured: Trino, tmp_path: Path) -> Iterator[Shop]:
    with a_shop(database, factory, secured, tmp_path / "home") as made:
        secrets = made.worker.settings.secrets / "shop"
        secrets.mkdir(parents=True)
        (secrets / "password").write_text(PASSWORD + "\n")
        yield made


@pytest.mark.long
class TestAPassword:
    def test_a_check_signs_in_over_tls(self, shop: Shop, secured: Trino) -> None:
        shop.run("create table t as select 1 as a")
        told = {"user": secured.user, "password_file": "password", "sslrootcert": secured.authority}
        for host in ("localhost", "127.0.0.1"):
            shop.configure(f"{shop.schema}.t", rule("a", "not_null", "a"), **told, host=host)
            assert shop.check(f"{shop.schema}.t").verdict == "pass"

    def test_its_queries_are_ended_with_the_password(self, shop: Shop, secured: Trino) -> None:
        table = "sf1000.lineitem"
        told = {"user": secured.user, "password_file": "password", "sslrootcert": secured.authority, "catalog": "tpch"}
        shop.configure(table, rule("a", "not_null", "comment"), **told)
        attempt = shop.accept(table, timeout_s=200)
        ends: list[CheckResult] = []
        thread = threading.Thread(target=lambda: ends.extend(shop.serve(attempt)), daemon=True)
        thread.start()
        eventually(lambda: shop.running(attempt), 120)
        attempt.stop("canceled")
        thread.join(120)
        assert [end.status for end in ends] == ["canceled"]
        assert shop.running(attempt) == 0

    def test_what_is_wrong_is_named(self, shop: Shop, secured: Trino, tmp_path: Path) -> None:
        right = {"user": secured.user, "password_file": "password", "sslrootcert": secured.authority}
        other = certificates.of_a_server(tmp_path / "other").authority
        (shop.worker.settings.secrets / "shop" / "old").write_text("old")
        wrong = {
            "wrong password for user tests, or one that has expired there; correct the secret file old": {"password_file": "old"},
            "the server asks for a password or token; set password_env or password_file": {"password_file": None},
            "the server's TLS certificate is not trusted; set sslrootcert to its authority's file": {"sslrootcert": str(other)},
            "the certificate authorities cannot be read where the workers run; correct sslrootcert": {"sslrootcert": "/none.pem"},
            "the server's TLS certificate is of another name than 127.0.0.2; correct host, or have a certificate made for it": {
                "host": "127.0.0.2"
            },
            f"127.0.0.1:{secured.port} asks for TLS; set sslmode: verify-full, or correct port": {
                "sslmode": "disable", "password_file": None, "sslrootcert": None,
            },
        }  # fmt: skip
        for words, changes in wrong.items():
            shop.configure("s.t", rule("a", "not_null", "a"), **right | changes)
            found = shop.check("s.t")
            assert (found.verdict, found.reason) == ("error", f"target shop: {words}")
            assert PASSWORD not in found.model_dump_json()


@pytest.mark.long
def test_a_cluster_that_goes_away_during_a_check_is_an_error(database: Database, factory: ChildFactory, tmp_path: Path) -> None:
    gone = suppress(trino.exceptions.TrinoConnectionError)  # the schema cannot be dropped any more
    with trino_server.own() as cluster:
        with gone, a_shop(database, factory, cluster, tmp_path / "home") as shop:
            shop.configure("sf1000.lineitem", rule("a", "not_null", "comment"), rule("b", "unique", "orderkey"), catalog="tpch")
            attempt = shop.accept("sf1000.lineitem", timeout_s=200)
            ends: list[CheckResult] = []
            thread = threading.Thread(target=lambda: ends.extend(shop.serve(attempt)), daemon=True)
            thread.start()
            eventually(lambda: shop.running(attempt), 120)
            cluster.end()
            thread.join(120)
        assert [end.verdict for end in ends] == ["error"]
        assert "unreachable, nothing listens on" in str(ends[0].reason)
        assert not shop.is_open("sf1000.lineitem")


@contextmanager
def listening(answer: dict[str, object], certificate: certificates.Signed | None) -> Iterator[tuple[int, list[str]]]:
    """A server that answers everything so, with TLS or without; its port, and the headers `Authorization` that it got."""
    got: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def do_GET(self) -> None:
            got.append(self.headers.get("Authorization", ""))
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, got
    finally:
        server.shutdown()
        server.server_close()


def test_a_password_does_not_follow_an_answer_to_where_there_is_no_tls(tmp_path: Path) -> None:
    made = certificates.of_a_server(tmp_path / "server")
    with listening({}, None) as (plain, stolen):
        answer = {
            "id": "20260101_000000_00000_aaaaa", "infoUri": "http://x/", "nextUri": f"http://localhost:{plain}/v1/statement/1",
            "stats": {"state": "RUNNING"},
        }  # fmt: skip
        with listening(answer, made) as (port, got):
            connection = trino_connection.connect(
                host="localhost", port=port, user="u", http_scheme="https", verify=str(made.authority), max_attempts=1,
                auth=BasicAuthentication("u", "secret"), timezone="UTC",
            )  # fmt: skip
            with pytest.raises((trino.exceptions.TrinoConnectionError, requests.RequestException), match="without TLS"):
                connection.cursor().execute("select 1")
            connection.close()
    assert len(got) == 1
    assert got[0].startswith("Basic ")
    assert stolen == []
