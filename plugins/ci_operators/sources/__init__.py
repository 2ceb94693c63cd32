"""Sources: one folder for each kind of security tool. A source never imports another one."""

from __future__ import annotations

from importlib import import_module

from ci_operators.core.about import About

#: The folders. To add a source, add its folder and its name here.
SOURCES = ("crowdstrike", "defender", "okta", "proofpoint", "sentinelone")


def load_about(name: str) -> About:
    """Return the name and the form of a source, without importing the rest of it."""
    about: About = import_module(f"{__name__}.{name}").ABOUT
    return about


def name_ids() -> str:
    """Return what each source calls the id of an event: "Okta's uuid, SentinelOne's threat id"."""
    abouts = map(load_about, SOURCES)
    return ", ".join(f"{about.title}'s {about.event_id}" for about in abouts)
