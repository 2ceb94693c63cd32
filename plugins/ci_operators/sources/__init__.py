"""One folder per kind of security tool. No source knows another; SOURCES names them all."""

from __future__ import annotations

from importlib import import_module

from ci_operators.core.about import About

#: The folders. A new source is a folder and its name here.
SOURCES = ("okta", "sentinelone")


def load_about(name: str) -> About:
    """Return what a source tells of itself before the rest of it is imported."""
    about: About = import_module(f"{__name__}.{name}").ABOUT
    return about


def name_ids() -> str:
    """Return what the id of an event is called at each source: "Okta's uuid, SentinelOne's threat id"."""
    abouts = map(load_about, SOURCES)
    return ", ".join(f"{about.title}'s {about.event_id}" for about in abouts)
