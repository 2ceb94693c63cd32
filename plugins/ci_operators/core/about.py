"""What Airflow and people are told of a vendor before anything of it is loaded: its name, its Connection's form.

Every process of Airflow reads this, so it imports nothing beyond the standard library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a Connection's form that Airflow keeps in the Connection's extra.

    label: its title; help: the text below it; section: the heading above it. choices: its values, each in words;
    default: the value chosen at first. is_secret: whether the form hides it.
    """

    label: str
    help: str
    section: str
    choices: Mapping[str, str] = field(default_factory=dict)
    default: str = ""
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class About:
    """A vendor's name and the form of its Connection.

    title: its name for people; event_id: what they call the id of one of its events.
    url, token: label and placeholder of the two fields that every form has. url_example: a base URL as people know
    it; default_url: the one used when none is entered. fields: further fields, by their names in the extra.
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
        """Return the title as the names of classes begin with it: OktaHook, SentinelOneConnector."""
        return self.title.replace(" ", "")
