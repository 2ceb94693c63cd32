"""Named instants of a task at which a test ends it: before and after every external action."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from sqlalchemy import Engine, event

from ci_operators.ledger.deliveries import Deliveries


@dataclass
class Points:
    """Counts the instants that a task passes, and sends SIGKILL at the given one."""

    name: str = ""
    nth: int = 0
    passed: Counter[str] = field(default_factory=Counter)

    def reach(self, name: str) -> None:
        """Pass a named instant."""
        self.passed[name] += 1
        if name == self.name and self.passed[name] == self.nth:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class WatchedDeliveries:
    """The ledger's deliveries, with an instant before and after each call."""

    deliveries: Deliveries
    points: Points

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.deliveries, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self.points.reach(f"before {name}")
            result = found(*arguments, **named)
            self.points.reach(f"after {name}")
            return result

        return call


def watch_engine(engine: Engine, points: Points) -> None:
    """Add instants inside the ledger's transactions: a statement is done but not yet committed."""
    event.listen(engine, "after_cursor_execute", lambda *_: points.reach("inside a transaction"))
    event.listen(engine, "commit", lambda _: points.reach("before a commit"))


class WatchedAdapter(HTTPAdapter):
    """Has an instant before a request is sent, and one after the server has answered but before the answer is read."""

    def __init__(self, points: Points) -> None:
        super().__init__()
        self.points = points

    def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
        """Send a request between its two instants."""
        place = (request.url or "").partition("?")[0].rpartition("/")[2]
        self.points.reach(f"before a request to {place}")
        response = super().send(request, *arguments, **named)
        self.points.reach(f"{place} answered, unread")
        return response


class WatchedPath(type(Path())):  # type: ignore[misc]  # the platform's own kind of path
    """A path whose files have an instant in the middle of each write, and around the rename."""

    points = Points()

    def open(self, *arguments: Any, **named: Any) -> Any:
        """Open the file; writes to it are watched."""
        file = super().open(*arguments, **named)
        return WatchedFile(file, self.points, self.plain_name) if "w" in str(arguments[:1]) else file

    def replace(self, target: Any) -> Any:
        """Rename between two instants."""
        self.points.reach(f"before the rename of {self.plain_name}")
        found = super().replace(target)
        self.points.reach(f"after the rename of {self.plain_name}")
        return found

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the file between two instants."""
        self.points.reach(f"before the removal of {self.plain_name}")
        super().unlink(missing_ok)
        self.points.reach(f"after the removal of {self.plain_name}")

    @property
    def plain_name(self) -> str:
        """Return the name without the part that is specific to the process."""
        return re.sub(r"[.-][0-9a-f]{8}(?=\.)", "", self.name)


@dataclass
class WatchedFile:
    """Writes half of the data, passes the instant, and writes the rest."""

    file: Any
    points: Points
    name: str

    def __enter__(self) -> WatchedFile:
        self.file.__enter__()
        return self

    def __exit__(self, *error: Any) -> Any:
        return self.file.__exit__(*error)

    def write(self, data: Any) -> int:
        """Write in two halves."""
        half = len(data) // 2
        self.file.write(data[:half])
        self.file.flush()
        self.points.reach(f"writing {self.name}")
        self.file.write(data[half:])
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)
