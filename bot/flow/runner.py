"""Keeps the parts of the service going: one that fails backs off alone and never stops another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

import structlog

from bot.core.clock import Clock
from bot.core.errors import Conflict, FacteurError, ServerTrouble, TransientError
from bot.core.stores import Changes

log = structlog.get_logger()

T = TypeVar("T")
Step = Callable[[], Awaitable[datetime | None]]
Wake = Callable[[], Awaitable[None]]

_TIME_TO_FINISH_S = 8.0


class Closing(Protocol):
    """A part that holds connections."""

    async def close(self) -> None: ...


class Runner:
    """Runs named parts until each is stopped.

    A part is a step that does what is due now and returns when it wants to be called again. It is
    called earlier when its `wake` returns: by default, when something was committed. After a step
    that failed it is only called when its back-off is over.
    """

    def __init__(self, clock: Clock, changes: Changes, time_to_finish_s: float = _TIME_TO_FINISH_S) -> None:
        """`time_to_finish_s`: what a step under way gets at the end, before it is cut short."""
        self._clock = clock
        self._changes = changes
        self._time_to_finish_s = time_to_finish_s
        self._parts: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._closed = False

    def start(
        self, name: str, step: Step, *, wake: Wake | None = None, closing: Closing | None = None
    ) -> None:
        """Run a part from now on; `closing` is closed when it has stopped. Nothing starts after the end."""
        if self._closed:
            return
        stopping = asyncio.Event()
        task = asyncio.create_task(self._run(name, step, wake, closing, stopping), name=name)
        self._parts[name] = (task, stopping)

    def stop(self, name: str) -> None:
        """Let the step under way finish, however long it takes, and call no other.

        One that was stopped before is left alone: at the end, all are.
        """
        if name not in self._parts:
            return
        task, stopping = self._parts.pop(name)
        stopping.set()
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def stop_all(self) -> None:
        """For good, and soon: what a step has not stored by then never happened."""
        self._closed = True
        for name in list(self._parts):
            self.stop(name)
        if not self._leaving:
            return
        _, late = await asyncio.wait(self._leaving, timeout=self._time_to_finish_s)
        for task in late:
            log.warning("cut short", part=task.get_name())
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1.0)

    async def _run(
        self, name: str, step: Step, wake: Wake | None, closing: Closing | None, stopping: asyncio.Event
    ) -> None:
        try:
            await self._keep_going(name, step, wake, stopping)
        finally:
            if closing:
                await closing.close()

    async def _keep_going(self, name: str, step: Step, wake: Wake | None, stopping: asyncio.Event) -> None:
        failures, told = 0, ""
        while not stopping.is_set():
            seen = self._changes.count
            try:
                until = await step()
                event = wake or partial(self._changes.beyond, seen)
                await self._clock.wait(first_of(event, stopping.wait), until)
                failures, told = 0, ""
            except Exception as error:  # noqa: BLE001 - the one place where a part's failure stays its own
                failures += 1
                if told != str(error):  # the same trouble is told once
                    _log_failure(name, error)
                told = str(error)
                await self._clock.wait(stopping.wait(), self._clock.now() + _back_off(error, failures))


async def alone(
    name: str, step: Callable[[], Awaitable[T]], *, but: tuple[type[Exception], ...] = ()
) -> T | None:
    """Do one thing whose failure must not stop the next; None if it failed, which is logged.

    `but`: what is not this one thing's failure, and is raised.
    """
    try:
        return await step()
    except but:
        raise
    except Exception as error:  # noqa: BLE001 - as above, for a single mail, card or pass
        _log_failure(name, error)
        return None


NOT_ITS_FAULT = (TransientError, Conflict)
"""A database that is away says nothing about the mail or card that was at hand."""


def _back_off(error: Exception, failures: int) -> timedelta:
    """Doubling; longer for other people's servers, which lock out who knocks too often."""
    theirs = isinstance(error, ServerTrouble)
    first, longest = (30, 1_800) if theirs else (1, 300)
    return timedelta(seconds=min(first * (1 << min(failures - 1, 20)), longest))


def _log_failure(name: str, error: Exception) -> None:
    if isinstance(error, FacteurError):
        log.warning("failed", part=name, why=str(error))
    else:
        log.error("failed", part=name, exc_info=error)


async def first_of(*events: Callable[[], Awaitable[object]]) -> None:
    """Return when the first is done; the others are cancelled, also when this is."""
    tasks = [asyncio.ensure_future(event()) for event in events]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
