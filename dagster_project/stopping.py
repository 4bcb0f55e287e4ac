"""SIGTERM and Ctrl-C end a build at once, whatever it is doing: as safe as a kill, and with a line."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_WORDS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


@contextmanager
def stopping(end: Callable[[str], None]) -> Iterator[None]:
    """While inside, a signal calls `end` with its name and ends the process with 128 + its number (130, 143).

    A thread waits for the signals, so that neither a long query nor Dagster's own handlers delay them. Nothing is
    unwound: whatever a build leaves behind when it is killed, the next one mends. Does nothing outside of the main
    thread, and leaves ignored signals ignored.
    """
    awaited = {stop for stop in _WORDS if signal.getsignal(stop) != signal.SIG_IGN}
    if threading.current_thread() is not threading.main_thread() or not awaited:
        yield
        return
    over = threading.Event()

    def wait() -> None:
        number = signal.sigwait(awaited)
        if not over.is_set():
            try:
                end(_WORDS[signal.Signals(number)])
            finally:
                os._exit(128 + number)

    before = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    try:
        yield
    finally:
        over.set()
        if waiter.ident is not None:
            with suppress(ProcessLookupError):
                signal.pthread_kill(waiter.ident, next(iter(awaited)))
            waiter.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
