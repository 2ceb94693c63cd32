"""What ends the demo: each error's text is the one sentence the person reads."""

from __future__ import annotations


class DemoError(Exception):
    """The demo cannot go on; the text names the cause and what to do."""


class SettingsError(DemoError):
    """A variable given to make has a value that is not allowed."""


class PortError(DemoError):
    """A port is in use or may not be opened."""


class AlreadyRunningError(DemoError):
    """Another demo runs in this folder."""


class ChildEndedError(DemoError):
    """A process that the demo needs has ended or never became ready."""


class ApiError(DemoError):
    """Airflow's REST API gave an answer that was not expected."""
