"""The available Chromium, driven through Airflow's UI as a person would."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, expect, sync_playwright

from tests.airflow_home import EDITOR

#: The headless shell, which Playwright itself prefers, takes half of the CPU.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Without these, Chromium contacts servers of its vendor. As root, it has no sandbox.
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE_MS = 60_000
#: Airflow's own page logs this before the login: its request for its settings is refused, so it shows the login.
_BEFORE_LOGIN = "Failed to load resource: the server responded with a status of 401 (Unauthorized) at /ui/config"

#: A replacement of the editor's loader that never loads it.
_NO_EDITOR = "window.require = () => {}; window.require.config = () => {};"


def find_chromium() -> str:
    """Return the path of a Chromium. Without one, a test fails in CI and is skipped elsewhere."""
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

    complaints: errors that the page logged; strangers: requested hosts other than Airflow; alarms: dialogs of scripts.
    """

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)

    def forget(self) -> None:
        """Clear the logged errors, hosts and dialogs."""
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
        """Remember an error that the page logs, and its location."""
        if said.type == "error":
            self.complaints.append(f"{said.text} at {said.location['url'].removeprefix(self.url)}")

    def note(self, request: Request) -> None:
        """Remember a request to another host than Airflow's."""
        if EDITOR and request.url.startswith(EDITOR):
            return
        if urlsplit(request.url).scheme in ("http", "https") and not request.url.startswith(self.url):
            self.strangers.append(request.url)

    def dismiss(self, dialog: Dialog) -> None:
        """Remember a script's dialog, and close it."""
        self.alarms.append(dialog.message)
        dialog.dismiss()


@contextmanager
def visiting(browser: Browser, url: str, *, dark: bool = False) -> Iterator[Visit]:
    """Give a person who has not logged in yet, with a new browser profile."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 1000}, color_scheme="dark" if dark else "light", accept_downloads=True
    )
    if EDITOR:
        context.route(f"{EDITOR}**", lambda route: route.fulfill(content_type="text/javascript", body=_NO_EDITOR))
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    visit = Visit(page, url)
    page.on("request", visit.note)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("console", visit.hear)
    page.on("dialog", visit.dismiss)
    yield visit
    context.close()
