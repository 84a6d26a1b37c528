"""Blocking calls in threads that never keep the program from ending."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one read or write may take, and how much may be answered to one command."""

    silence_s: float
    answer_octets: int


class Connection(Protocol):
    """What a thread may be waiting for; `cut` alone may be called meanwhile."""

    def cut(self) -> None:
        """End at once what the thread does, whatever the other side does."""
        ...

    def discard(self) -> None:
        """Close without a word; never raises."""
        ...


def end_reading(connected: socket.socket | None) -> None:
    """End whatever another thread is waiting for on a socket, which stays to be closed by that thread."""
    if connected is None:
        return
    try:
        # not SSLSocket.shutdown, which takes TLS away under the reader
        socket.socket.shutdown(connected, socket.SHUT_RDWR)
    except OSError:
        pass  # no longer connected


async def run_on(connection: Connection, limit_s: float, call: Callable[[], T]) -> T:
    """Run `call`, which uses the connection, in a thread; it is cut and closed unless all goes well.

    Raises what `call` raises, and TimeoutError after `limit_s`.
    """
    running = start(call)
    sound = False
    try:
        async with asyncio.timeout(limit_s):
            result = await asyncio.wrap_future(running)
        sound = True
    finally:
        if not sound:
            connection.cut()
            running.add_done_callback(lambda _: connection.discard())
    return result


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
