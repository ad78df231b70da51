"""A PgBouncer of Debian's package before a PostgreSQL, with its own defaults unless a test says otherwise."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg2

from database.account import account
from tests.support.databases import need
from tests.support.processes import eventually, free_port

PROGRAM = "pgbouncer"


class Pooler:
    """Before the server of `url`, for its user alone. May be stopped and started again; `server_port` may change in between."""

    def __init__(self, folder: Path, url: str, mode: str, **settings: str) -> None:
        need(PROGRAM, "apt-get install pgbouncer")
        parts = urlsplit(url)
        self._folder, self._user = folder, unquote(parts.username or "")
        self._password, self.dbname = unquote(parts.password or ""), parts.path.lstrip("/")
        self.mode = mode
        self._settings = {"pool_mode": mode, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.server_port = parts.port
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"postgresql://{self._user}:{self._password}@127.0.0.1:{self.port}/{self.dbname}"

    def start(self) -> None:
        settings = {
            "listen_addr": "127.0.0.1", "listen_port": self.port, "unix_socket_dir": "", "auth_type": "scram-sha-256",
            "auth_file": self._folder / "users", "max_client_conn": "500", "server_login_retry": "1", **self._settings,
        }  # fmt: skip
        lines = ["[databases]", f"* = host=127.0.0.1 port={self.server_port}", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        (self._folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
        (self._folder / "users").write_text(f'"{self._user}" "{self._password}"\n')
        who = account()
        as_user = {} if who is None else {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        with (self._folder / "pgbouncer.log").open("ab") as log:
            self._process = subprocess.Popen(
                [shutil.which(PROGRAM) or PROGRAM, self._folder / "pgbouncer.ini"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **as_user,
            )  # fmt: skip
        eventually(self._answers, 30, "PgBouncer answers")

    def stop(self) -> None:
        """At once: open connections break."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(20)
            self._process = None

    def log(self) -> str:
        return (self._folder / "pgbouncer.log").read_text()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        try:
            psycopg2.connect(self.url, connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True


@contextmanager
def pooler(url: str, mode: str, **settings: str) -> Iterator[Pooler]:
    """One that runs until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="stringx-pooler-"))
    folder.chmod(0o755)
    made = Pooler(folder, url, mode, **settings)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)
