"""The dashboard in a real browser: the Backend's application behind a real server, and the system's Chromium."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from database import keys
from database.pool import Database
from stringx_dataops.contract.keys import SCOPES
from stringx_dataops.contract.signatures import new_secret
from tests.support.databases import need
from tests.support.datasets import TARGET, apply, dataset, table
from tests.support.forked import Forks, running
from tests.support.processes import eventually, free_port

KEY = "sx_owner"
PATIENCE_MS = 60_000  # for what a page shows by and by: a busy machine is slow


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, for all tests of a process."""
    need("chromium", "install it (Debian, Ubuntu: apt install chromium)")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def shop(database: Database) -> Database:
    """Tables a and b with a rule each, c without one, and the dataset of all three."""
    apply(database, dataset(), TARGET, table("public.a", "a"), table("public.b", "b"), table("public.c"))
    keys.register(database, "owner", KEY, SCOPES)
    return database


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    with running() as made:
        yield made


@pytest.fixture
def address(shop: Database, internal_url: str, forks: Forks, tmp_path: Path) -> Iterator[str]:
    """Where a Backend of this test's own serves; DataOps is not there."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("STRINGX_", "TARGET_"))}
    environment = inherited | {
        "STRINGX_HOME": str(tmp_path),
        "STRINGX_DATABASE_URL": internal_url,
        "STRINGX_SERVICE_KEY": "sx_service",
        "STRINGX_SIGNING_SECRET": new_secret(),
        "BACKEND_PORT": str(port),
        "DATAOPS_URL": "http://127.0.0.1:9",
    }
    with forks.backend(environment, tmp_path / "backend.log"):
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: requests.get(f"{url}/healthz", timeout=5).ok, 180, "the Backend")
        yield url


@dataclass(frozen=True)
class Tab:
    """A page of the browser, and the errors that its console has shown."""

    page: Page
    address: str
    errors: list[str]

    def open(self, path: str) -> None:
        """Go there; the answer is a page."""
        answer = self.page.goto(self.address + path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"

    def sign_in(self, path: str = "/") -> None:
        """With the owner's key; then the page is open."""
        self.page.goto(self.address + path)
        self.page.get_by_label("Key").fill(KEY)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(self.address + path)

    def each_view(self) -> Iterator[str]:
        """What the page looks like, light and wide, then dark and narrow as on a phone; it stays that."""
        for width, scheme in ((1400, "light"), (375, "dark")):
            self.page.set_viewport_size({"width": width, "height": 900})
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            yield f"{width} {scheme}"

    def faults_of_views(self) -> list[str]:
        """In each view."""
        return [f"{view}: {fault}" for view in self.each_view() for fault in self.faults()]

    def faults(self) -> list[str]:
        """What axe calls serious or worse, and whether the page is wider than the window."""
        found = [
            f"{each['id']}: {each['nodes'][0]['html'][:200]}"
            for each in Axe().run(self.page).response["violations"]
            if each["impact"] in ("serious", "critical")
        ]
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        return [*found, *(["wider than the window"] if self.page.evaluate(wide) else [])]


@pytest.fixture
def tab(browser: Browser, address: str) -> Iterator[Callable[..., Tab]]:
    """Opens a tab: width in pixels, light or dark, with or without JavaScript."""
    contexts: list[BrowserContext] = []

    def opened(width: int = 1400, scheme: str = "light", *, scripts: bool = True) -> Tab:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            java_script_enabled=scripts,
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page, errors = context.new_page(), list[str]()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return Tab(page, address, errors)

    yield opened
    for context in contexts:
        context.close()
