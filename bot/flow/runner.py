"""Keeps the parts of the service going: one that fails backs off alone and never stops another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

import structlog

from bot.core.clock import Clock
from bot.core.errors import FacteurError
from bot.core.stores import Changes

log = structlog.get_logger()

T = TypeVar("T")
Step = Callable[[], Awaitable[datetime | None]]
Wake = Callable[[], Awaitable[None]]

_FIRST_BACK_OFF = timedelta(seconds=1)
_LONGEST_BACK_OFF = timedelta(minutes=5)
_TIME_TO_FINISH_S = 8.0


class Closing(Protocol):
    """A part that holds connections."""

    async def close(self) -> None: ...


class Runner:
    """Runs named parts until each is stopped.

    A part is a step that does what is due now and returns when it wants to be called again. It is
    called earlier when its `wake` returns: by default, when something was committed.
    """

    def __init__(self, clock: Clock, changes: Changes) -> None:
        self._clock = clock
        self._changes = changes
        self._parts: dict[str, tuple[asyncio.Task[None], asyncio.Event, Closing | None]] = {}
        self._closed = False

    def start(
        self, name: str, step: Step, *, wake: Wake | None = None, closing: Closing | None = None
    ) -> None:
        """Run a part from now on; `closing` is closed when it has stopped. Nothing starts after the end."""
        if self._closed:
            return
        stopping = asyncio.Event()
        task = asyncio.create_task(self._keep_going(name, step, wake, stopping), name=name)
        self._parts[name] = (task, stopping, closing)

    async def stop(self, name: str) -> None:
        """Let the step under way finish, for a few seconds, then end it; nothing half done is stored."""
        task, stopping, closing = self._parts.pop(name)
        stopping.set()
        _, late = await asyncio.wait({task}, timeout=_TIME_TO_FINISH_S)
        for cut_short in late:
            log.warning("cut short", part=name)
            cut_short.cancel()
            await asyncio.wait({cut_short}, timeout=1.0)
        if closing:
            await closing.close()

    async def stop_all(self) -> None:
        """All at once, so that the whole takes no longer than the slowest part; for good."""
        self._closed = True
        await asyncio.gather(*(self.stop(name) for name in list(self._parts)))

    async def once(self, name: str, step: Callable[[], Awaitable[T]]) -> T | None:
        """One step of a part that does not run on; None if it failed, which is logged."""
        try:
            return await step()
        except Exception as error:  # noqa: BLE001 - as below
            _log_failure(name, error)
            return None

    async def _keep_going(self, name: str, step: Step, wake: Wake | None, stopping: asyncio.Event) -> None:
        failures = 0
        while not stopping.is_set():
            seen = self._changes.count
            try:
                until = await step()
                event = wake or partial(self._changes.beyond, seen)
                await self._clock.wait(_first_of(event, stopping.wait), until)
                failures = 0
            except Exception as error:  # noqa: BLE001 - the one place where a part's failure stays its own
                failures += 1
                _log_failure(name, error)
                back_off = min(_FIRST_BACK_OFF * (1 << min(failures - 1, 10)), _LONGEST_BACK_OFF)
                await self._clock.wait(stopping.wait(), self._clock.now() + back_off)


def _log_failure(name: str, error: Exception) -> None:
    if isinstance(error, FacteurError):
        log.warning("failed", part=name, why=str(error))
    else:
        log.error("failed", part=name, exc_info=error)


async def _first_of(*events: Callable[[], Awaitable[object]]) -> None:
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
