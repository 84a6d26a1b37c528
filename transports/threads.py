"""Blocking calls in threads that never keep the program from ending."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def start(call: Callable[[], T]) -> Future[T]:
    """Run `call` in a daemon thread of its own; await the future with `asyncio.wrap_future`.

    Python joins the threads of its executors at exit, so one that hangs in a name lookup, which
    nothing can interrupt, would keep SIGTERM waiting. The callers bound the number: one for each
    mailbox.
    """
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # from now on it cannot be cancelled, only be left alone

    def work() -> None:
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - carried to whoever awaits, not swallowed
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=work, daemon=True).start()
    return future
