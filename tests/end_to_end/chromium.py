"""The Chromium at hand, driven through Airflow's UI as a person would."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, expect, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Chromium would else ask its maker's servers for this and that; as root it has no sandbox.
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE_MS = 60_000
#: Airflow's own page logs this before the login: it asks for its settings, is refused, and so knows that it must ask.
_BEFORE_LOGIN = "Failed to load resource: the server responded with a status of 401 (Unauthorized) at /ui/config"


def find_chromium() -> str:
    """Return the path of a Chromium. Without one a test fails in CI and is skipped elsewhere."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found:
        return found
    reason = "The pages are tested in Chromium, and there is none: install it, or name one in CHROMIUM."
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Give a headless Chromium."""
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        expect.set_options(timeout=PATIENCE_MS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A person at a page.

    complaints: what the page logged as errors; strangers: hosts asked beside Airflow's own; alarms: dialogs of scripts.
    """

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)

    def forget(self) -> None:
        """Forget what was logged, asked and said so far."""
        for heard in (self.complaints, self.strangers, self.alarms):
            heard.clear()

    def go(self, path: str) -> Page:
        """Open a page below Airflow's address."""
        self.page.goto(f"{self.url}{path}")
        return self.page

    def log_in(self, user: str, password: str) -> None:
        """Fill in Airflow's login form."""
        self.go("/")
        self.page.locator("input[name=username]").fill(user)
        self.page.locator("input[name=password]").fill(password)
        self.page.locator("button[type=submit]").click()
        self.page.wait_for_url(lambda url: "/auth/login" not in url)
        self.complaints[:] = [said for said in self.complaints if said != _BEFORE_LOGIN]

    def hear(self, said: ConsoleMessage) -> None:
        """Remember what the page logs as an error, and where."""
        if said.type == "error":
            self.complaints.append(f"{said.text} at {said.location['url'].removeprefix(self.url)}")

    def note(self, request: Request) -> None:
        """Remember a request to another host than Airflow's."""
        if urlsplit(request.url).scheme in ("http", "https") and not request.url.startswith(self.url):
            self.strangers.append(request.url)

    def dismiss(self, dialog: Dialog) -> None:
        """Remember a script's dialog, and close it."""
        self.alarms.append(dialog.message)
        dialog.dismiss()


@contextmanager
def visiting(browser: Browser, url: str, *, dark: bool = False) -> Iterator[Visit]:
    """Give a person who has not logged in yet, with a browser profile of their own."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 1000}, color_scheme="dark" if dark else "light", accept_downloads=True
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    visit = Visit(page, url)
    page.on("request", visit.note)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("console", visit.hear)
    page.on("dialog", visit.dismiss)
    yield visit
    context.close()
