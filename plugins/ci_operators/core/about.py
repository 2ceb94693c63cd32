"""A vendor's name and the form of its Connection, which are needed before any of the vendor's code is loaded.

Every process of Airflow imports this, so it uses only the standard library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a Connection's form that Airflow stores in the Connection's extra.

    label: its title; help: the text below it; section: the heading above it. choices: its values, each in words;
    default: the initial value. is_secret: whether the form hides it. is_optional: whether it can be empty.
    """

    label: str
    help: str
    section: str
    choices: Mapping[str, str] = field(default_factory=dict)
    default: str = ""
    is_secret: bool = False
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class About:
    """A vendor's name and the form of its Connection.

    title: its display name; event_id: what its users call the id of an event.
    url, token: label and placeholder of the two fields that every form has. url_example: a typical base URL;
    default_url: the base URL if none is entered. fields: further fields, by their names in the extra.
    """

    title: str
    url: tuple[str, str]
    token: tuple[str, str]
    url_example: str
    default_url: str = ""
    fields: Mapping[str, FormField] = field(default_factory=dict)
    event_id: str = ""

    @property
    def class_name(self) -> str:
        """Return the title as a prefix of class names, as in OktaHook and SentinelOneConnector."""
        return self.title.replace(" ", "")
