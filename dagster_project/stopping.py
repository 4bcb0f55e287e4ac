"""SIGTERM and Ctrl-C end a build at once, whatever it is doing: as safe as a kill, and with a line."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import FrameType
from typing import TypeVar

_Result = TypeVar("_Result")
_WORDS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
_LOOK_EVERY_SECONDS = 0.1


def run_stoppable(work: Callable[[], _Result], end: Callable[[str], None]) -> _Result:
    """What `work` returns or raises. A signal meanwhile calls `end` with its name and ends the process: 130 or 143.

    The work is done by another thread, so that neither a long query nor Dagster's own handlers, which wait for dbt,
    delay a signal. Nothing is unwound: whatever a build leaves behind when it is killed, the next one mends.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()  # signals are somebody else's
    outcome: Future[_Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # raised again below, in the caller's thread
            outcome.set_exception(error)

    def stop(number: int, _frame: FrameType | None) -> None:
        try:
            end(_WORDS[signal.Signals(number)])
        finally:
            os._exit(128 + number)

    heeded = [number for number in _WORDS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heeded}
    worker = threading.Thread(target=run, name="build", daemon=True)
    worker.start()
    try:
        while worker.is_alive():
            worker.join(_LOOK_EVERY_SECONDS)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return outcome.result()
