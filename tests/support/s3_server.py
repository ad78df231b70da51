"""A server of S3 for tests: versitygw, on a folder of this machine. Nothing of it is made up: it verifies signatures and rights."""

import http.client
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from api.engine.s3_signing import Keys, quoted_path, quoted_query, signed
from tests.support.certificates import Signed
from tests.support.go_programs import built
from tests.support.processes import eventually, free_port

MODULE, VERSION = "github.com/versity/versitygw", "v1.8.0"
ROOT_KEYS = Keys("root-key", "root-secret")
SECRET = "aws_access_key_id = {0.access_key_id}\naws_secret_access_key = {0.secret_access_key}\n"  # of keys
REGION = "us-east-1"


@dataclass(frozen=True)
class S3Server:
    """A server that runs; `program` is also what makes accounts on it."""

    url: str
    program: Path
    tls: Signed | None = None

    def request(
        self, method: str, path: str, body: bytes = b"", query: dict[str, str] | None = None, keys: Keys = ROOT_KEYS
    ) -> bytes:
        """The body of a successful answer."""
        host = urlsplit(self.url).netloc
        quoted, asked = quoted_path(path), quoted_query(query or {})
        headers = signed(method, host, quoted, asked, {}, REGION, keys, datetime.now(UTC), body)
        connection = http.client.HTTPConnection(host, timeout=30)
        if self.tls is not None:
            connection = http.client.HTTPSConnection(
                host, timeout=30, context=ssl.create_default_context(cafile=self.tls.authority)
            )
        try:
            connection.request(method, f"{quoted}?{asked}" if asked else quoted, body, headers)
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        assert answer.status < 300, (answer.status, said)
        return said

    def make_bucket(self, name: str) -> None:
        self.request("PUT", f"/{name}")

    def put(self, bucket: str, key: str, data: bytes) -> None:
        self.request("PUT", f"/{bucket}/{key}", data)

    def delete(self, bucket: str, key: str) -> None:
        self.request("DELETE", f"/{bucket}/{key}")

    def let_everybody_read(self, bucket: str) -> None:
        """Without keys."""
        allowed = f'{{"Effect":"Allow","Principal":"*","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::{bucket}/*"]}}'
        listed = f'{{"Effect":"Allow","Principal":"*","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::{bucket}"]}}'
        policy = f'{{"Version":"2012-10-17","Statement":[{allowed},{listed}]}}'
        self.request("PUT", f"/{bucket}", policy.encode(), {"policy": ""})

    def make_user(self, keys: Keys) -> None:
        """Without any right to a bucket."""
        asked = ["--access", ROOT_KEYS.access_key_id, "--secret", ROOT_KEYS.secret_access_key, "--region", REGION]
        made = ["--access", keys.access_key_id, "--secret", keys.secret_access_key, "--role", "user"]
        command = [self.program, "admin", *asked, "--endpoint-url", self.url, "create-user", *made]
        subprocess.run(command, check=True, capture_output=True)


@contextmanager
def s3_server(config: pytest.Config, folder: Path, tls: Signed | None = None) -> Iterator[S3Server]:
    """Its buckets are folders below `folder`, which keeps extended attributes: they have the ETags. With `tls` it has that
    certificate."""
    program = built(config, MODULE, VERSION, "cmd/versitygw")
    port = free_port()
    listens = ["--port", f"127.0.0.1:{port}", "--region", REGION, "--keep-alive"]
    listens += ["--cert", str(tls.certificate), "--key", str(tls.key)] if tls is not None else []
    for name in ("buckets", "users"):
        (folder / name).mkdir(parents=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, *listens, "--iam-dir", folder / "users", "posix", folder / "buckets"],
            env={"ROOT_ACCESS_KEY": ROOT_KEYS.access_key_id, "ROOT_SECRET_KEY": ROOT_KEYS.secret_access_key, "HOME": str(folder)},
            stdout=log,
            stderr=log,
        )
    try:
        server = S3Server(f"{'http' if tls is None else 'https'}://127.0.0.1:{port}", program, tls)
        eventually(lambda: server.request("GET", "/") is not None, 20, "the server of S3")
        yield server
    finally:
        process.terminate()
        process.wait(20)
