"""Makes the pictures in docs/screenshots: starts an installation with the demo, gives it a past, and takes a picture of each page.

`python -m tests.browser.screenshots [FOLDER]`. It needs what the browser tests need, and takes about two minutes. Pages that are
new belong into PICTURES; docs/dashboard.md shows the pictures.
"""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
from playwright.sync_api import Browser, sync_playwright

from database.pool import Database
from stringx_dataops.contract.settings import ROOT
from tests.support import past, png
from tests.support.processes import Process, eventually, free_port

FOLDER = ROOT / "docs" / "screenshots"
WIDTH, LARGEST = 1400, 600_000  # pixels; bytes of all pictures together
START_S, CHANGED_S = 300.0, 300.0


@dataclass(frozen=True)
class Picture:
    """A page as its file shows it: the uppermost `height` pixels of it, or all of it if it is shorter."""

    file: str
    path: str
    scheme: str = "light"
    height: int = 900
    of_portal: bool = False


PICTURES = (
    Picture("board.png", "/", height=640),
    Picture("table.png", "/tables/nyc/public.flights", height=1100),
    Picture("rule-dark.png", "/tables/nyc/public.flights/rules/dep_time_not_null", "dark", height=800),
    Picture("request.png", "LAST_REQUEST", height=800),
    Picture("incident.png", "LAST_INCIDENT", height=900),
    Picture("profile.png", "LAST_PROFILE", height=900),
    Picture("editor.png", "/configuration/nyc/public.flights", height=900),
    Picture("portal.png", "/", height=900, of_portal=True),
)


@dataclass(frozen=True)
class Demo:
    """An installation that runs: its folder, and the addresses of the dashboard and the portal."""

    home: Path
    backend: str
    docs: str

    @property
    def key(self) -> str:
        """The owner's key."""
        return (self.home / "api-key").read_text().strip()

    @property
    def _key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def get(self, path: str) -> dict[str, object]:
        answer = requests.get(self.backend + path, headers=self._key, timeout=30)
        answer.raise_for_status()
        found: dict[str, object] = answer.json()
        return found

    def check(self, table: str) -> None:
        """Ask for a check, and wait for its end."""
        body = {"target": "nyc", "table": table, "mode": "sync", "wait_s": 60}
        answer = requests.post(f"{self.backend}/api/v1/requests", json=body, headers=self._key, timeout=90)
        assert answer.status_code == 200, answer.text

    def profile(self, table: str) -> None:
        """Ask for a profile, and wait for its end."""
        body = {"target": "nyc", "table": table, "wait_s": 60}
        answer = requests.post(f"{self.backend}/api/v1/profiles", json=body, headers=self._key, timeout=90)
        assert answer.status_code == 200, answer.text

    def shows(self, pattern: str, address: str) -> bool:
        """Whether an answer of the API, or the portal's page, has such a text."""
        return re.search(pattern, requests.get(address, headers=self._key, timeout=30).text) is not None

    def with_past(self) -> None:
        """Write the past, check the tables once more, and wait until board and portal show it."""
        database = Database((self.home / "database-url").read_text().strip(), size=1)
        past.write(database)
        for table in ("weather", "planes", "airports", "airlines", "flights"):
            self.check(f"public.{table}")
        self.profile("public.planes")
        board = f"{self.backend}/api/v1/tables?target=nyc&limit=1"
        eventually(lambda: self.shows(r'"recent":\s*\["\w+",', board), CHANGED_S, "the past on the board")
        past.age_incidents(database)
        eventually(lambda: self.shows("last 30 checks", f"{self.docs}/"), CHANGED_S, "the past on the portal")
        eventually(lambda: self.shows('href="nyc/"', f"{self.docs}/"), CHANGED_S, "the dbt docs")


def started(home: Path) -> Iterator[Demo]:
    """The whole installation, ended afterwards."""
    ports = {name: free_port() for name in ("DATAOPS_PORT", "BACKEND_PORT", "DOCS_PORT")}
    demo = Demo(home, f"http://127.0.0.1:{ports['BACKEND_PORT']}", f"http://127.0.0.1:{ports['DOCS_PORT']}")
    log = home / "start.log"
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    variables = {"STRINGX_HOME": str(home)} | {name: str(port) for name, port in ports.items()}
    process = Process("all", "all", inherited | variables, log)
    process.start()
    try:
        eventually(lambda: "\nready" in log.read_text(), START_S, "the start")
        yield demo
    finally:
        process.stop()


def take(browser: Browser, demo: Demo, folder: Path) -> None:
    """All pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        context = browser.new_context(viewport={"width": WIDTH, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"{demo.backend}/login")
        page.get_by_label("Key").fill(demo.key)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{demo.backend}/")
        for picture in (each for each in PICTURES if each.scheme == scheme):
            page.goto((demo.docs if picture.of_portal else demo.backend) + _path(demo, picture))
            page.wait_for_timeout(500)
            height = min(picture.height, page.evaluate("document.documentElement.scrollHeight"))
            file = folder / picture.file
            clip = {"x": 0.0, "y": 0.0, "width": float(WIDTH), "height": float(height)}
            file.write_bytes(png.small(page.screenshot(clip=clip, full_page=True)))  # type: ignore[arg-type]
            print(f"{file.relative_to(ROOT) if file.is_relative_to(ROOT) else file}  {file.stat().st_size:,} bytes")
        context.close()


def _path(demo: Demo, picture: Picture) -> str:
    if picture.path == "LAST_INCIDENT":
        incidents = demo.get("/api/v1/incidents?limit=1")["items"]
        assert isinstance(incidents, list)
        return f"/incidents/{incidents[0]['id']}"
    if picture.path == "LAST_PROFILE":
        profiles = demo.get("/api/v1/profiles?limit=1")["items"]
        assert isinstance(profiles, list)
        return f"/profiles/{profiles[0]['profile_id']}"
    if picture.path != "LAST_REQUEST":
        return picture.path
    items = demo.get("/api/v1/tables/nyc/public.flights/history?limit=1")["items"]
    assert isinstance(items, list)
    return f"/requests/{items[0]['request_id']}"


def main(arguments: list[str]) -> int:
    """Returns 1 if the pictures are too large together."""
    folder = Path(arguments[0]).absolute() if arguments else FOLDER
    home = Path(tempfile.mkdtemp(prefix="stringx-screenshots-"))
    home.chmod(0o755)  # PostgreSQL runs as another user, if this one is root
    try:
        for demo in started(home):
            demo.with_past()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                take(browser, demo, folder)
                browser.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    size = sum((folder / picture.file).stat().st_size for picture in PICTURES)
    print(f"together {size:,} bytes")
    return 0 if size <= LARGEST else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
