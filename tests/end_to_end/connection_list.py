"""Airflow's list of Connections and the form behind it, by their roles and labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect


@dataclass(frozen=True)
class Form:
    """The dialog that adds or edits a Connection."""

    page: Page

    @property
    def dialog(self) -> Locator:
        """The dialog; there is one at a time."""
        return self.page.get_by_role("dialog")

    def field(self, label: str) -> Locator:
        """Return the input beside a label. Airflow does not tie the labels of further fields to their inputs."""
        group = self.dialog.get_by_role("group").filter(has=self.page.get_by_text(label, exact=True))
        return group.get_by_role("textbox").or_(group.get_by_role("spinbutton")).or_(group.get_by_role("combobox"))

    def fill(self, fields: Mapping[str, str]) -> None:
        """Fill in fields by their labels."""
        for label, text in fields.items():
            self.field(label).fill(text)

    def choose(self, label: str, option: str) -> None:
        """Choose from a list."""
        self.field(label).fill(option)
        self.page.get_by_role("option", name=option, exact=True).click()

    def unfold(self, section: str) -> None:
        """Open a section, which is closed at first."""
        self.dialog.get_by_role("button", name=section, exact=True).click()

    def save(self) -> None:
        """Press Save and see the dialog go."""
        self.dialog.get_by_role("button", name="Save").click()
        expect(self.dialog).to_be_hidden()


@dataclass(frozen=True)
class Clerk:
    """A person at Airflow's list of Connections."""

    page: Page

    def add(self, conn_id: str, kind: str) -> Form:
        """Open the form for a new Connection of a type."""
        self.page.get_by_role("button", name="Add Connection").click()
        form = Form(self.page)
        kinds = form.dialog.get_by_role("combobox", name="Connection Type")
        kinds.fill(kind)
        self.page.get_by_role("option", name=kind, exact=True).click()
        form.dialog.get_by_role("textbox", name="Connection ID").fill(conn_id)
        return form

    def edit(self, conn_id: str) -> Form:
        """Open the form of a Connection."""
        self.row(conn_id).get_by_role("button", name="Edit Connection").click()
        return Form(self.page)

    def test(self, conn_id: str, says: str) -> None:
        """Press the Test button and see what it says."""
        message = self.page.get_by_role("status").filter(has_text=says)
        expect(message).to_have_count(0)  # the message of an earlier test disappears by itself
        self.row(conn_id).get_by_role("button", name="Test Connection").click()
        expect(message).to_be_visible()

    def row(self, conn_id: str) -> Locator:
        """Return the Connection's row of the list."""
        return self.page.get_by_role("row").filter(has=self.page.get_by_role("cell", name=conn_id, exact=True))
