"""Which objects of S3 a target reads, and which it may: looked up on a real server, within the border that an operator draws."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from api.engine import s3_client
from api.engine.s3_faults import StorageFault
from api.engine.s3_signing import Keys
from api.targets.duckdb import files, objects
from api.targets.engine import Machine, TargetUnusable
from api.targets.registry import engine_of
from stringx_dataops.contract import buckets
from tests.support.certificates import of_a_server
from tests.support.s3_server import ROOT_KEYS, SECRET, S3Server, s3_server
from tests.unit.test_duckdb_files import target

pytestmark = pytest.mark.timeout(1200)  # the server is built once, which takes minutes
NUMBERS = count()
CSV = {"a": "bigint", "b": "text"}


@pytest.fixture(scope="module")
def server(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(pytestconfig, tmp_path_factory.mktemp("s3")) as made:
        yield made


class Found:
    """A bucket of its own, and what targets find in it."""

    def __init__(self, server: S3Server, folder: Path) -> None:
        self.server, self.folder, self.bucket = server, folder, f"found-{next(NUMBERS)}"
        server.make_bucket(self.bucket)
        (folder / "secrets").mkdir()
        (folder / "secrets" / "keys").write_text(SECRET.format(ROOT_KEYS))
        self.allowed = f"{server.url}/{self.bucket}"

    def put(self, *keys: str) -> None:
        for key in keys:
            self.server.put(self.bucket, key, b"x")

    @property
    def machine(self) -> Machine:
        return Machine(self.folder / "secrets", (), (), self.folder, buckets.read({buckets.VARIABLE: self.allowed}))

    def reads(self, pattern: str, **storage: Any) -> files.Reads:
        s3 = {"endpoint": self.server.url, "credentials_file": "keys"} | storage
        location = pattern if pattern.startswith("s3://") else f"s3://{self.bucket}/{pattern}"
        if location.endswith(".parquet"):
            return files.find(target(s3=s3, locations={"s.t": location}), self.machine)
        return files.find(target(s3=s3, csv_locations={"s.t": {"files": location, "columns": CSV}}), self.machine)

    def names(self, pattern: str, **storage: Any) -> list[str]:
        found = self.reads(pattern, **storage).locations["s.t"]
        assert found.get("fault") is None or found["files"] == []
        return [name.removeprefix(f"s3://{self.bucket}/") for name in found["files"]]

    def refused(self, pattern: str, **storage: Any) -> str:
        with pytest.raises(TargetUnusable) as raised:
            self.reads(pattern, **storage)
        assert "\n" not in raised.value.detail
        assert ROOT_KEYS.secret_access_key not in raised.value.detail
        return raised.value.detail


@pytest.fixture
def found(server: S3Server, tmp_path: Path) -> Found:
    return Found(server, tmp_path)


def test_a_pattern_names_objects_as_it_names_files(found: Found) -> None:
    found.put(
        "o/a.parquet",
        "o/b 1+2%é'.parquet",
        "o/.hidden.parquet",
        "o/c.csv",
        "o/d.csv.gz",
        "o/x/a.parquet",
        "o/y/a.parquet",
        "p/a.parquet",
    )
    assert found.names("o/*.parquet") == ["o/a.parquet", "o/b 1+2%é'.parquet"]
    assert found.names("o/.h*.parquet") == ["o/.hidden.parquet"]
    assert found.names("o/*/a.parquet") == ["o/x/a.parquet", "o/y/a.parquet"]
    assert found.names("o/[x]/?.parquet") == ["o/x/a.parquet"]
    assert found.names("o/a.parquet") == ["o/a.parquet"]
    assert found.names("o/*.csv") == ["o/c.csv"]
    assert found.names("o/*.csv.gz") == ["o/d.csv.gz"]
    assert found.names("*/a.parquet") == ["o/a.parquet", "p/a.parquet"]
    for none in ("o/z*.parquet", "o/z.parquet", "z/*.parquet"):
        assert found.names(none) == []
        assert "no file is named" in found.reads(none).locations["s.t"]["fault"]


def test_lists_of_several_pages_are_read_to_their_end(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_client, "_PAGE", 2)
    names = [f"o/{number}.parquet" for number in range(7)]
    found.put(*names)
    assert found.names("o/*.parquet") == names


def test_nothing_that_a_pattern_names_is_passed_over(found: Found) -> None:
    found.put("o/a.parquet", "o/orders.parquet/part-0.parquet")
    assert f"s3://{found.bucket}/o/orders.parquet/ is a folder; name the objects in it, or take it away" in found.refused(
        "o/*.parquet"
    )
    for name in ("q/a*.parquet", "q/a?b.parquet"):
        found.put(name)
        assert "has * ? or [ in its name; rename it" in found.refused("q/*.parquet")
        found.server.delete(found.bucket, name)
    found.put("r/a\\b.parquet")
    assert "a name with an empty part, with . or .., a backslash, or what cannot be printed; rename it" in found.refused(
        "r/*.parquet"
    )


def test_what_is_looked_at_is_bounded(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    found.put(*(f"o/{number}/a.parquet" for number in range(4)))
    with monkeypatch.context() as patched:
        patched.setattr(objects, "_MOST_ENTRIES", 3)
        assert "holds over 3 objects; name smaller folders" in found.refused("o/*/*.parquet")
    with monkeypatch.context() as patched:
        patched.setattr(objects, "_MOST_REQUESTS", 3)
        assert "over 3 folders were looked at; name fewer" in found.refused("o/*/*.parquet")
    with monkeypatch.context() as patched:
        patched.setattr(objects, "_LONGEST_S", 0)
        assert "the storage took too long; name fewer or smaller folders" in found.refused("o/*/*.parquet")
    with monkeypatch.context() as patched:
        patched.setattr(files, "MOST_FILES", 3)
        assert "its locations name 4 files; 3 or 64 KiB of names are possible" in found.refused("o/*/*.parquet")


def test_only_what_the_operator_lists_is_asked_for(found: Found) -> None:
    """Nobody answers at the other addresses: whoever asked there would have another error."""
    found.put("open/a.parquet", "opened/a.parquet")
    found.allowed = f"s3://elsewhere,{found.server.url}/{found.bucket}/open"
    assert found.names("open/a.parquet") == ["open/a.parquet"]
    refused = "lies in none of the buckets that DUCKDB_BUCKETS lists where the workers run"
    for pattern in (
        "opened/a.parquet",
        "*/a.parquet",
        "op*/a.parquet",
        "open*/a.parquet",
        "a.parquet",
        "*.parquet",
        "s3://other/open/a.parquet",
    ):
        assert refused in found.refused(pattern), pattern
    for endpoint in (None, "http://127.0.0.1:1", "http://169.254.169.254", "https://minio.invalid"):
        assert refused in found.refused("open/a.parquet", endpoint=endpoint), endpoint
    assert refused in found.refused("s3://elsewhere/open/a.parquet"), "a bucket of AWS is none of this server"
    found.allowed = ""
    assert "the workers may read no buckets: set DUCKDB_BUCKETS where they run" in found.refused("open/a.parquet")
    found.allowed = found.server.url + "/" + found.bucket
    (found.folder / "secrets" / "keys").unlink()
    assert "cannot read the s3.credentials_file 'keys'" in found.refused("open/a.parquet")


def test_why_a_storage_cannot_be_read(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    found.put("o/a.parquet")
    assert "the bucket is in the region us-east-1; set s3.region of the target to it" in found.refused(
        "o/*.parquet", region="eu-central-1"
    )
    (found.folder / "secrets" / "other").write_text(SECRET.format(Keys(ROOT_KEYS.access_key_id, "another")))
    for pattern in ("o/*.parquet", "o/a.parquet"):
        assert "the secret access key is wrong; correct what" in found.refused(pattern, credentials_file="other")
    found.allowed += f",{found.server.url}/no-bucket"
    for pattern in ("s3://no-bucket/*.parquet", "s3://no-bucket/a.parquet"):
        assert "there is no such bucket; correct its name" in found.refused(pattern)
    monkeypatch.setattr(s3_client, "_PAUSES_S", ())
    secure = found.server.url.replace("http:", "https:")
    found.allowed += f",{secure}/{found.bucket}"
    assert "cannot agree on TLS; correct s3.endpoint" in found.refused("o/a.parquet", endpoint=secure)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        monkeypatch.setattr(s3_client, "_READ_S", 0.2)
        monkeypatch.setattr(s3_client, "_CONNECT_S", 0.2)
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found.allowed += f",{endpoint}/{found.bucket}"
        assert "the storage did not answer in time; correct s3.endpoint of the target" in found.refused(
            "o/*.parquet", endpoint=endpoint
        )
    assert "the storage is unreachable (nothing listens, or there is no route)" in found.refused("o/*.parquet", endpoint=endpoint)


def test_the_certificate_of_a_storage_is_verified(
    pytestconfig: pytest.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_server(pytestconfig, tmp_path / "s3", of_a_server(tmp_path / "tls")) as server:
        assert server.tls is not None
        found = Found(server, tmp_path)
        found.put("o/a.parquet")
        monkeypatch.setattr(s3_client, "_PAUSES_S", ())
        said = found.refused("o/*.parquet")
        assert (
            "the certificate of the storage is not trusted; set SSL_CERT_FILE of the workers to the file of its authority" in said
        )
        monkeypatch.setenv("SSL_CERT_FILE", str(server.tls.authority))
        assert found.names("o/*.parquet") == found.names("o/a.parquet") == ["o/a.parquet"]


class _Answer(BaseHTTPRequestHandler):
    """What a server could answer that is no storage, or an evil one."""

    asked: list[str] = []
    said: tuple[int, dict[str, str], bytes] = (200, {}, b"")

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, headers, body = self.said
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def stranger(found: Found) -> Iterator[str]:
    """The address of such a server, which the operator allows."""
    _Answer.asked = []
    with HTTPServer(("127.0.0.1", 0), _Answer) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=[0.01], daemon=True)
        thread.start()
        endpoint = f"http://127.0.0.1:{listening.server_port}"
        found.allowed += f",{endpoint}/{found.bucket}"
        yield endpoint
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize("pattern", ["o/*.parquet", "o/a.parquet"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(found: Found, stranger: str, pattern: str, status: int) -> None:
    _Answer.said = (status, {"Location": f"{stranger}/elsewhere"}, b"")
    assert "the bucket is elsewhere; correct s3.region or s3.endpoint of the target" in found.refused(pattern, endpoint=stranger)
    assert all("elsewhere" not in path for path in _Answer.asked)


@pytest.mark.parametrize(
    ("status", "headers", "body", "words"),
    [
        (200, {}, b"<html>hello</html>", "the answer is no list of objects; correct s3.endpoint"),
        (200, {}, b"hello", "the answer is no list of objects; correct s3.endpoint"),
        (200, {}, b'<!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult/>', "the answer is no list of objects"),
        (200, {}, b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>", "the answer is no list of objects"),
        (200, {}, b"<ListBucketResult/>", "the answer is no list of objects"),
        (200, {}, b"<ListBucketResult><IsTruncated>True</IsTruncated></ListBucketResult>", "the answer is no list of objects"),
        (
            200,
            {},
            b"<ListBucketResult><IsTruncated>false</IsTruncated><NextContinuationToken>a</NextContinuationToken></ListBucketResult>",
            "the answer is no list of objects",
        ),
        (418, {}, b"secret words", "the storage answered with HTTP 418, which is unexpected; correct s3.endpoint"),
        (503, {}, b"", "the storage failed several times (HTTP 503); check again later"),
        (403, {}, b"<Error><Code>RequestTimeTooSkewed</Code></Error>", "the clocks of the storage and of the workers differ"),
        (403, {}, b"<Error><Code>ExpiredToken</Code></Error>", "the session token has expired"),
        (
            400,
            {"x-amz-bucket-region": "eu-west-1"},
            b"<Error><Code>AuthorizationHeaderMalformed</Code></Error>",
            "is in the region eu-west-1",
        ),
        (301, {"x-amz-bucket-region": "\x7f bad"}, b"", "the bucket is elsewhere"),
    ],
)
def test_answers_that_are_no_list(
    found: Found, stranger: str, monkeypatch: pytest.MonkeyPatch, status: int, headers: dict[str, str], body: bytes, words: str
) -> None:
    monkeypatch.setattr(s3_client, "_PAUSES_S", (0.0,))
    _Answer.said = (status, headers, body)
    said = found.refused("o/*.parquet", endpoint=stranger)
    assert words in said
    assert "secret words" not in said


def test_a_list_that_names_other_folders_adds_nothing(found: Found, stranger: str) -> None:
    _Answer.said = (
        200,
        {},
        b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>private/a.parquet</Key></Contents>"
        b"<Contents><Key>o/b/c.parquet</Key></Contents></ListBucketResult>",
    )
    assert found.names("o/*.parquet", endpoint=stranger) == []


@pytest.mark.parametrize("body", [b"", b"<html>not found</html>", b"<Error><Code>NotFound</Code></Error>"])
def test_only_a_storage_says_that_there_is_no_object(found: Found, stranger: str, body: bytes) -> None:
    _Answer.said = (404, {}, body)
    assert "does not say that there is no such object, as a storage does" in found.refused("o/a.parquet", endpoint=stranger)
    _Answer.said = (404, {}, b"<Error><Code>NoSuchKey</Code></Error>")
    assert found.names("o/a.parquet", endpoint=stranger) == []


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nA: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9999\r\n\r\n",
    ],
)
def test_a_server_that_drips_is_left_when_the_time_is_over(found: Found, monkeypatch: pytest.MonkeyPatch, begin: bytes) -> None:
    """It sends a byte every 50 ms for as long as somebody is there, so that no wait for the next byte is ever too long."""
    monkeypatch.setattr(objects, "_LONGEST_S", 0.5)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = threading.Thread(target=_drip, args=[listening, begin], daemon=True)
        thread.start()
        endpoint = f"http://127.0.0.1:{listening.getsockname()[1]}"
        found.allowed += f",{endpoint}/{found.bucket}"
        assert "the storage took too long; name fewer or smaller folders" in found.refused("o/*.parquet", endpoint=endpoint)
        thread.join()


@pytest.mark.parametrize(("scheme", "begin"), [("http", b""), ("https", b"\x16\x03\x03\x40\x00")])
def test_a_check_leaves_a_server_that_drips_as_well(monkeypatch: pytest.MonkeyPatch, scheme: str, begin: bytes) -> None:
    """The second one drips while TLS is agreed upon."""
    monkeypatch.setattr(s3_client, "_LONGEST_S", 0.5)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = threading.Thread(target=_drip, args=[listening, begin], daemon=True)
        thread.start()
        client = s3_client.Client(f"{scheme}://127.0.0.1:{listening.getsockname()[1]}", "us-east-1", None)
        with closing(client), pytest.raises(StorageFault, match="the storage took too long"):
            client.read("lake", "a.parquet", 0, 1, s3_client.State("a", 1, ""))
        thread.join()


def _drip(listening: socket.socket, begin: bytes) -> None:
    with suppress(OSError), closing(listening.accept()[0]) as line:
        line.sendall(begin)
        while True:
            line.sendall(b"H")
            time.sleep(0.05)


def test_a_bucket_of_another_partition_is_listed_by_its_server(found: Found) -> None:
    found.allowed = "s3://lake"
    for region in ("cn-north-1", "us-gov-west-1", "us-isob-east-1", "eu-isoe-west-1"):
        said = found.refused("s3://lake/a.parquet", endpoint=None, region=region)
        assert "another partition of AWS" in said
        assert "such as https://s3.cn-north-1.amazonaws.com.cn/lake" in said


def test_the_process_of_a_check_gets_the_names_and_the_keys_apart(found: Found) -> None:
    found.put("o/a.parquet")
    document = target(
        s3={"endpoint": found.server.url, "credentials_file": "keys"}, locations={"s.t": f"s3://{found.bucket}/o/*.parquet"}
    )
    variables = engine_of(document).environment(found.machine, "stringx x")
    assert ROOT_KEYS.secret_access_key not in variables["STRINGX_TARGET_READS"]
    assert [name for name, value in variables.items() if ROOT_KEYS.secret_access_key in value] == [
        "DBT_ENV_SECRET_TARGET_PASSWORD"
    ]
