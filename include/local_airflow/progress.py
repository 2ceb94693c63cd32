"""Progress of long steps: a moving line on a terminal, plain lines elsewhere, nothing in tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console
from rich.markup import escape

#: Takes a detail of the step to show beside it.
Say = Callable[[str], None]
#: Encloses one step, given its name.
Step = Callable[[str], AbstractContextManager[Say]]


def quiet(_name: str) -> AbstractContextManager[Say]:
    """Enclose one step and show nothing."""
    return nullcontext(lambda _detail: None)


@contextmanager
def shown_step(console: Console, name: str) -> Iterator[Say]:
    """Show one step; it ends in a line with its seconds. Without a terminal each new detail is a line."""
    started, word, last = time.monotonic(), "[red]failed", [""]
    with console.status(f"{name} ...", spinner="line") as status:

        def say(detail: str) -> None:
            status.update(f"{name}: {escape(detail)}")
            if not console.is_terminal and detail != last[-1]:
                console.print(f"  {name}: {escape(detail)}")
            last.append(detail)

        try:
            yield say
            word = "[green]done"
        except KeyboardInterrupt:
            word = "[yellow]stopped"
            raise
        finally:
            console.print(f"  {name:<48}{word}[/] {time.monotonic() - started:6.1f} s")
