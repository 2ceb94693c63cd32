"""CPU seconds and memory of processes and their descendants, as the system reports them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

#: How Airflow calls the process of one task; the supervisors above it are "airflow worker -- LocalExecutor: …".
_TASK, _SUPERVISOR = "airflow worker -- ", "airflow worker -- LocalExecutor"


@dataclass(frozen=True)
class ProcessTree:
    """Processes by id, with their descendants."""

    roots: tuple[int, ...]

    def cpu_s(self) -> float:
        """Return the CPU seconds of all processes. Those that ended are counted by the process that waited for them."""
        return sum(_add_up(process, with_ended=True) for process in self._find())

    def cpu_of_command_s(self, command: str) -> float:
        """Return the CPU seconds of the processes `airflow <command>`, without those of their children."""
        return sum(_add_up(process, with_ended=False) for process in self._find() if _runs(process, command))

    def memory_bytes(self) -> int:
        """Return the memory of all processes. Each counts its part of shared memory."""
        return sum(_ask(process, lambda each: each.memory_full_info().pss) for process in self._find())

    def task_memory_bytes(self) -> int:
        """Return the unshared memory of the largest task process that runs."""
        tasks = [process for process in self._find() if _is_task(process)]
        return max((_ask(process, lambda each: each.memory_full_info().uss) for process in tasks), default=0)

    def _find(self) -> Iterator[psutil.Process]:
        for root in self.roots:
            with suppress(psutil.Error):
                process = psutil.Process(root)
                yield process
                yield from process.children(recursive=True)


@contextmanager
def noting_peak(measure: Callable[[], int], every_s: float) -> Iterator[list[int]]:
    """Measure repeatedly, and keep only the highest figure in the list."""
    peak, is_over = [0], threading.Event()

    def watch() -> None:
        while not is_over.wait(every_s):
            peak[0] = max(peak[0], measure())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        is_over.set()
        thread.join()


def _add_up(process: psutil.Process, *, with_ended: bool) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        ended = times.children_user + times.children_system if with_ended else 0.0
        return float(times.user + times.system + ended)
    return 0.0


def _runs(process: psutil.Process, command: str) -> bool:
    return _title(process)[-1:] == [command] or command in _title(process)[:4]


def _is_task(process: psutil.Process) -> bool:
    title = " ".join(_title(process))
    return title.startswith(_TASK) and not title.startswith(_SUPERVISOR)


def _title(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return list(process.cmdline())
    return []


def _ask(process: psutil.Process, question: Callable[[psutil.Process], int]) -> int:
    with suppress(psutil.Error):  # it may have ended meanwhile
        return question(process)
    return 0


def find_tree(children: Iterable[tuple[str, int]], name: str = "") -> ProcessTree:
    """Return the tree of the children (name, process id) whose name ends with `name`. The default is all."""
    return ProcessTree(tuple(pid for each, pid in children if each.endswith(name)))
