"""Bodies that end early, at both services as gunicorn serves them: whatever their type, they are refused and change nothing."""

import json
import socket

import pytest

from stringx_dataops.contract.signatures import sign
from tests.safety.conftest import DOCUMENT, TABLE, Services

CUT = DOCUMENT.index("  - {id: second")


def test_a_configuration_whose_connection_ends_early_leaves_the_document_as_it_was(services: Services) -> None:
    before, document = services.state(), services.call("GET", TABLE).json()
    assert [rule["id"] for rule in document["rules"]] == ["first", "second", "third"]
    body = DOCUMENT.encode()
    for path in ("/api/v1/configuration", TABLE):
        method = "PUT" if path == TABLE else "POST"
        head = f"{method} {path} HTTP/1.1\r\nContent-Type: application/yaml"
        for kept in (0, CUT, len(body) - 1):
            status, answer = services.send("backend", f"{head}\r\nContent-Length: {len(body)}", body[:kept])
            assert status == 400, answer
            assert "ended before" in json.loads(answer)["detail"]
            for chunks in (b"%x\r\n%b" % (len(body), body[:kept]), b"%x\r\n%b\r\n" % (kept, body[:kept])):
                status, answer = services.send("backend", f"{head}\r\nTransfer-Encoding: chunked", chunks if kept else b"")
                assert status == 400, answer
                assert "ended before" in json.loads(answer)["detail"]
    assert services.state() == before
    assert services.call("GET", TABLE).json() == document


def test_a_body_of_two_lengths_or_of_none_that_is_one_is_refused(services: Services) -> None:
    before, body = services.state(), DOCUMENT.encode()
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (CUT, body[:CUT])
    for lengths, sent in (
        (f"Content-Length: {len(body)}\r\nTransfer-Encoding: chunked", chunked),
        (f"Transfer-Encoding: chunked\r\nContent-Length: {CUT}", chunked),
        (f"Content-Length: {len(body)}\r\nContent-Length: {CUT}", body[:CUT]),
        (f"Content-Length: {CUT}, {CUT}", body[:CUT]),
        ("Content-Length: -1", body[:CUT]),
        (f"Content-Length: +{CUT}", body[:CUT]),
        (f"Content-Length: {CUT}.0", body[:CUT]),
        ("Content-Length: ²", body[:CUT]),
        ("Content-Length:", body[:CUT]),
        ("Content-Length: many", body[:CUT]),
        ("Transfer-Encoding: identity", body[:CUT]),
        ("Transfer-Encoding: gzip, chunked, chunked", chunked),
        ("Transfer-Encoding: chunked", b"-5\r\n" + body[:CUT]),
        ("Transfer-Encoding: chunked", b"zz\r\n" + body[:CUT]),
        ("Transfer-Encoding: chunked", b"%x\r\n%bxx\r\n0\r\n\r\n" % (CUT, body[:CUT])),
        ("Transfer-Encoding: chunked", b"%x;\rx\r\n%b\r\n0\r\n\r\n" % (CUT, body[:CUT])),
        ("Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\nbad trailer\r\n\r\n" % (CUT, body[:CUT])),
    ):
        head = f"PUT {TABLE} HTTP/1.1\r\nContent-Type: application/yaml\r\n{lengths}"
        status, answer = services.send("backend", head, sent)
        assert status in (400, 501), (lengths, sent, answer)
    assert services.state() == before


def test_every_endpoint_refuses_a_body_that_ends_early(services: Services) -> None:
    """Each that reads one, and each that does not: a request that arrives in part is none."""
    before, tried = services.state(), 0
    names = {
        "{target}": "shop",
        "{table}": "public.orders",
        "{name}": "shop",
        "{request_id}": "r",
        "{check_id}": "1",
        "{message_id}": "1",
        "{waiver_id}": "1",
        "{badge_id}": "1",
        "{incident_id}": "1",
        "{profile_id}": "1",
        "{notification_id}": "1",
    }
    for name, method, path, _ in services.operations():
        if not path.startswith("/api/v1/"):
            continue
        for part, value in names.items():
            path = path.replace(part, value)
        for kind, body in (
            ("application/json", b'{"target": "shop", "table": "public.orders"}'),
            ("application/yaml", DOCUMENT.encode()),
        ):
            signed = sign([services.signing_secret], "m1", body.decode(), services.database_now())
            headers = "".join(f"\r\n{header}: {value}" for header, value in signed.items())
            head = f"{method} {path} HTTP/1.1\r\nContent-Type: {kind}{headers}\r\nContent-Length: {len(body) + 1}"
            status, answer = services.send(name, head, body)
            assert status in (400, 415), (method, path, kind, answer)
            assert status == 400 or kind == "application/yaml", (method, path, answer)
            tried += 1
    assert tried > 50
    assert services.state() == before


def test_a_posted_result_that_ends_early_is_malformed_and_not_stored(services: Services) -> None:
    before, body = services.state(), b'{"check_id": "1"}   '
    signed = sign([services.signing_secret], "m1", body.decode().rstrip(), services.database_now())
    headers = "".join(f"\r\n{header}: {value}" for header, value in signed.items())
    head = f"POST /api/v1/requests/r/results HTTP/1.1{headers}\r\nContent-Length: {len(body)}"
    status, answer = services.send("backend", head, body.rstrip())
    assert (status, services.state()) == (400, before), answer


def test_what_follows_a_request_on_its_connection_is_no_part_of_it(services: Services) -> None:
    """Two requests sent at once are answered one after the other; the body of the first ends where its length says."""
    body = DOCUMENT.encode()
    second = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    lines = (
        f"PUT {TABLE} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {services.key}\r\nContent-Type: application/yaml\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    before = services.state()
    with socket.create_connection(("127.0.0.1", services.ports["backend"]), timeout=30) as connection:
        connection.sendall(lines.encode() + body + second)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.count(b"HTTP/1.1 200 OK") == 2, answer
    assert services.state() == before


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity, gzip", "GZIP", "x-own"])
def test_an_encoded_body_is_refused_by_its_encoding(services: Services, encoding: str) -> None:
    before = services.state()
    for name, method, path in (
        ("backend", "POST", "/api/v1/requests"),
        ("backend", "POST", "/api/v1/configuration"),
        ("backend", "PUT", TABLE),
        ("backend", "POST", "/api/v1/requests/r/results"),
        ("backend", "POST", "/api/v1/results"),
        ("api", "POST", "/api/v1/quality-checks"),
        ("api", "POST", "/api/v1/quality-checks/batch"),
    ):
        headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
        answer = services.call(method, path, name, data=b"\x1f\x8b\x08", headers=headers)
        assert answer.status_code == 415, answer.text
        assert f"Content-Encoding is {encoding}; send the body without an encoding" in answer.json()["detail"]
    assert services.state() == before


def test_identity_is_no_encoding_and_a_byte_order_mark_is_read_over(services: Services) -> None:
    for kind, body in (("application/yaml", DOCUMENT), ("application/json", json.dumps(services.call("GET", TABLE).json()))):
        headers = {"Content-Type": kind, "Content-Encoding": "identity"}
        assert services.call("PUT", TABLE, data=("\ufeff" + body).encode(), headers=headers).status_code == 200
        assert services.call("POST", "/api/v1/configuration", data=("\ufeff" + body).encode(), headers=headers).status_code == 200
        for coding, name in (("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"), ("utf-32-le", "UTF-32"), ("utf-32-be", "UTF-32")):
            answer = services.call("PUT", TABLE, data=("\ufeff" + body).encode(coding), headers=headers)
            assert answer.status_code == 400
            assert answer.json()["detail"] == f"the body begins with the byte order mark of {name}; send UTF-8"
