"""Every ordinary way of being told to end is one: KeyboardInterrupt in the main thread."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Final

_POLL_S: Final = 1.0


def end_on_signals() -> None:
    """Make SIGINT, SIGTERM, SIGHUP and the death of the parent raise KeyboardInterrupt."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt_once)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, _interrupt_once)
    threading.Thread(target=_watch_parent, args=(os.getppid(),), daemon=True).start()


def _interrupt_once(number: int, frame: object) -> None:
    """Interrupt, and let a second Ctrl-C not disturb the ending."""
    del number, frame
    for later in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(later, signal.SIG_IGN)
    raise KeyboardInterrupt


def _watch_parent(parent: int) -> None:
    """Ask this process to end when make, which started it, was killed: it cannot pass the signal on."""
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)
