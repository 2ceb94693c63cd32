"""Every usual way to stop the process becomes a KeyboardInterrupt in the main thread."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from typing import Final

_POLL_S: Final = 1.0
_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_on_signals() -> None:
    """Make SIGINT, SIGTERM, SIGHUP, the parent's death and the loss of standard output raise KeyboardInterrupt."""
    for number in _ENDINGS:
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, signal.default_int_handler)
    threading.Thread(target=_watch, args=(os.getppid(), sys.stdout.fileno()), daemon=True).start()


def ignore_signals() -> None:
    """Ignore further signals, because the process is already stopping."""
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_IGN)


def _watch(parent: int, output: int) -> None:
    """Ask this process to end when nobody waits for it any more.

    make does not pass on its own death by SIGKILL, nor a hang-up if it is the terminal's first process (ssh -t).
    """
    poll = select.poll()
    poll.register(output, 0)
    while True:
        is_lost = any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll(0))
        if is_lost or os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_POLL_S)
