"""Progress of long steps: a moving line on a terminal, plain lines elsewhere, nothing in tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

Say = Callable[[str], None]


class Progress(Protocol):
    """Tells about steps."""

    def step(self, name: str) -> AbstractContextManager[Say]:
        """Enclose one step; what the context yields takes a detail to show beside it."""


class QuietProgress:
    """Tells nothing."""

    def step(self, name: str) -> AbstractContextManager[Say]:
        """Enclose one step."""
        del name
        return nullcontext(lambda _detail: None)


QUIET = QuietProgress()


class ConsoleProgress:
    """Tells on a console; each step ends in a line with its seconds."""

    def __init__(self, console: Console) -> None:
        """Tell on `console`."""
        self._console = console

    @contextmanager
    def step(self, name: str) -> Iterator[Say]:
        """Enclose one step."""
        started = time.monotonic()
        word = "[red]failed"
        try:
            with self._showing(name) as say:
                yield say
            word = "[green]done"
        except KeyboardInterrupt:
            word = "[yellow]stopped"
            raise
        finally:
            self._console.print(f"  {escape(name):<48}{word}[/] {time.monotonic() - started:6.1f} s")

    def _showing(self, name: str) -> AbstractContextManager[Say]:
        return self._showing_bar(name) if self._console.is_terminal else self._showing_lines(name)

    @contextmanager
    def _showing_bar(self, name: str) -> Iterator[Say]:
        columns = (
            TextColumn(" "),
            SpinnerColumn("line"),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
        )
        with Bar(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task(escape(name))
            yield lambda detail: bar.update(task, description=escape(f"{name}: {detail}"))

    @contextmanager
    def _showing_lines(self, name: str) -> Iterator[Say]:
        shown: list[str] = []
        self._console.print(f"  {escape(name)} ...")

        def say(detail: str) -> None:
            if detail not in shown[-1:]:
                shown.append(detail)
                self._console.print(f"    {escape(detail)}")

        yield say
