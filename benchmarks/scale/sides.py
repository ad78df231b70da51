"""Two installations of all roles side by side, one with few configured tables and one with many; otherwise the same."""

import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from benchmarks.scale import fill, subject
from database.pool import Database
from stringx_dataops.contract.settings import Settings, read_settings
from tests.support.installation import Installation
from tests.support.processes import eventually
from tests.support.tables import CheckedTable

MODEL = "public.model"


class Side:
    """An installation, and ways to ask it as its users do. `model` is the table that there really is."""

    def __init__(self, tables: int) -> None:
        self.tables = tables
        self.installation = Installation(each=1)
        self.session = requests.Session()
        self.session.trust_env = False
        self.numbers = itertools.count(1)

    def start(self) -> None:
        self.installation.start()
        self.installation.load(subject.TABLE.format(name="model"))
        url = self.installation.target.loader_url
        self.model = CheckedTable("model", "shop", "model", url)
        self.installation.configure(self.model, subject.rules())
        assert self.installation.post(self.model, mode="sync", request_id="model").json()["verdict"] == "pass"
        eventually(lambda: not self.installation.unfinished(), 30, "the delivery of the model's result")
        fill.fill(self.installation, MODEL, self.tables)
        self.database = Database(self.installation.internal.url("stringx"), size=4)
        self.settings: Settings = read_settings({"STRINGX_HOME": str(self.installation.folder / "benchmark")})
        self.session.headers["Authorization"] = f"Bearer {self.installation.key}"

    def end(self) -> None:
        self.installation.end()

    def table(self) -> str:
        """Any of the copies."""
        return fill.name(random.randrange(self.tables))

    def get(self, path: str, service: str = "backend") -> requests.Response:
        answer = self.session.get(f"{self.installation[f'{service}-1'].url}{path}", timeout=60)
        assert answer.status_code == 200, answer.text[:500]
        return answer

    def apply(self, text: str) -> requests.Response:
        url = f"{self.installation['backend-1'].url}/api/v1/configuration"
        answer = self.session.post(url, data=text.encode(), headers={"Content-Type": "application/yaml"}, timeout=300)
        assert answer.status_code == 200, answer.text[:500]
        return answer

    def document(self, table: str, description: str = "") -> str:
        return subject.document(table, description)

    def file(self, name: str, text: str) -> Path:
        path = self.installation.folder / name
        path.write_text(text, encoding="utf-8")
        return path


@contextmanager
def running(*tables: int) -> Iterator[list[Side]]:
    sides = [Side(number) for number in tables]
    try:
        for side in sides:
            side.start()
        yield sides
    finally:
        for side in sides:
            side.end()
