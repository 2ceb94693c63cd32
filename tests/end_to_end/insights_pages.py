"""The pages and Airflow's trigger form, by their roles and labels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Download, Locator, Page, expect

from tests.end_to_end.chromium import Visit


def ask_api(visit: Visit, path: str, **parameters: object) -> Any:
    """Return the answer of the pages' API to this user."""
    answer = visit.page.request.get(f"{visit.url}/collective-insights/api/{path}?{urlencode(parameters, doseq=True)}")
    assert answer.ok, answer.text()
    return answer.json()


def save(page: Page, click: Locator) -> Download:
    """Click an element that saves a file, and return the file."""
    with page.expect_download() as saved:
        click.click()
    return saved.value


@dataclass(frozen=True)
class TriggerForm:
    """Airflow's form for a run by hand."""

    page: Page

    @property
    def dialog(self) -> Locator:
        """The form's dialog."""
        return self.page.get_by_role("dialog").filter(has_text="Run Parameters")

    def open(self) -> None:
        """Open the form on a DAG's page."""
        self.page.get_by_role("button", name="Trigger Dag").click()
        expect(self.dialog).to_be_visible()

    def keep_paused(self) -> None:
        """Deselect that a trigger unpauses the DAG."""
        self.dialog.get_by_text("Unpause").click()  # its label, since an image covers the box itself
        expect(self.dialog.get_by_role("checkbox", name="Unpause")).not_to_be_checked()

    def fill(self, label: str, at: datetime) -> None:
        """Fill in a date and time, in UTC, as the form shows it."""
        group = self.dialog.get_by_role("group").filter(has=self.page.get_by_text(label, exact=True))
        field = group.get_by_test_id("datetime-input")
        if field.get_attribute("type") == "datetime-local":  # up to Airflow 3.3.0 the browser's own field
            field.fill(f"{at:%Y-%m-%dT%H:%M}")
            return
        field.click()
        calendar = self.page.get_by_role("dialog").filter(has=self.page.get_by_placeholder("YYYY/MM/DD"))
        expect(calendar).to_contain_text("UTC")
        calendar.get_by_placeholder("YYYY/MM/DD").fill(f"{at:%Y/%m/%d}")
        calendar.get_by_placeholder("HH:mm").fill(f"{at:%H:%M}")
        self.page.keyboard.press("Escape")
        expect(calendar).to_be_hidden()

    def trigger(self) -> None:
        """Press Trigger and wait until the form closes."""
        self.dialog.get_by_role("button", name="Trigger", exact=True).click()
        expect(self.dialog).to_be_hidden()


@dataclass(frozen=True)
class RunTab:
    """The tab of a run or of a task instance."""

    page: Page

    @property
    def funnel(self) -> Locator:
        """The chart of the run; its name has all figures."""
        return self.page.get_by_role("img", name="Flow of the run's events.")

    @property
    def records(self) -> Locator:
        """The rows of the table of records, without the header."""
        return self.page.get_by_role("table", name="Records").get_by_role("row").filter(has=self.page.locator("td"))

    @property
    def record(self) -> Locator:
        """The panel with one record."""
        return self.page.get_by_role("dialog", name="Event")

    @property
    def event(self) -> Locator:
        """The vendor's event in that panel."""
        return self.record.get_by_role("region", name="Event", exact=True)

    def stage(self, name: str) -> Locator:
        """Return a stage's row."""
        table = self.page.get_by_role("table", name="Stages of the run")
        return table.get_by_role("row").filter(has=self.page.get_by_role("rowheader", name=name, exact=True))

    def cell(self, stage: str, column: str) -> Locator:
        """Return a figure of a stage."""
        heads = self.page.get_by_role("table", name="Stages of the run").get_by_role("columnheader").all_inner_texts()
        return self.stage(stage).locator("th, td").nth(heads.index(column))

    def show(self, event_id: str) -> None:
        """Open the panel of a record that is in the table."""
        self.page.get_by_role("button", name=f"Show event {event_id}", exact=True).click()
        expect(self.record).to_contain_text("Its path in this run")


@dataclass(frozen=True)
class InsightsPage:
    """The page in Airflow's navigation."""

    page: Page

    def section(self, title: str) -> Locator:
        """Return a part of the page by its heading."""
        return self.page.get_by_role("region", name=title, exact=True)

    def rows(self, table: str) -> Locator:
        """Return the rows of a table that begin with a name."""
        found = self.page.get_by_role("table", name=table, exact=True).get_by_role("row")
        return found.filter(has=self.page.get_by_role("rowheader"))

    def figure(self, name: str) -> Locator:
        """Return the frame of one of the big figures."""
        return self.page.get_by_text(name, exact=True).locator("..")

    def choose_connector(self, name: str) -> None:
        """Choose one connector in the filter."""
        self.page.get_by_role("button", name="All connectors").click()
        self.page.get_by_role("menuitemcheckbox", name=name).click()
        self.page.keyboard.press("Escape")

    def export(self, section: str, form: str) -> Download:
        """Save a section's figures."""
        self.page.get_by_role("button", name=f"Export: {section}").click()
        menu = self.page.get_by_role("menu", name=f"Export: {section}")  # the previous one may still be closing
        return save(self.page, menu.get_by_role("menuitem", name=form))

    def explain(self, words: str) -> None:
        """Ask why an event did not arrive."""
        self.page.get_by_role("textbox", name="Event id or indicator").fill(words)
        self.page.get_by_role("button", name="Explain").click()
