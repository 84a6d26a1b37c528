"""A clock that tests turn by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from typing_extensions import override

from bot.core.clock import Clock

T = TypeVar("T")


class ManualClock(Clock):
    """Stands still until `advance`, which wakes whoever waits for a moment that has come."""

    def __init__(self, moment: datetime) -> None:
        self._now = moment
        self._turned = asyncio.Event()
        self._sleepers: list[datetime] = []
        self._slept = asyncio.Event()

    @override
    def now(self) -> datetime:
        return self._now

    @override
    async def wait(self, event: Awaitable[object], until: datetime | None) -> None:
        waiting = asyncio.ensure_future(event)
        try:
            while not waiting.done() and (until is None or self._now < until):
                turned = asyncio.ensure_future(self._turned.wait())
                try:
                    with self._asleep_until(until):
                        await asyncio.wait({waiting, turned}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    turned.cancel()
            if waiting.done():
                waiting.result()
        finally:
            waiting.cancel()

    def advance(self, by: timedelta) -> datetime:
        """Turn the clock; the new moment."""
        self._now += by
        self._turned.set()
        self._turned = asyncio.Event()
        return self._now

    async def run_until(self, event: Awaitable[T]) -> T:
        """Let time go by until `event` is done: turn from one moment that somebody waits for to the next."""
        waiting = asyncio.ensure_future(event)
        try:
            while not waiting.done():
                if ahead := [moment for moment in self._sleepers if moment > self._now]:
                    self.advance(min(ahead) - self._now)
                slept = asyncio.ensure_future(self._slept.wait())
                await asyncio.wait({waiting, slept}, return_when=asyncio.FIRST_COMPLETED)
                slept.cancel()
            return waiting.result()
        finally:
            waiting.cancel()

    @contextmanager
    def _asleep_until(self, moment: datetime | None) -> Iterator[None]:
        """Somebody waits for that moment, as `run_until` sees."""
        if moment is None:
            yield
            return
        self._sleepers.append(moment)
        self._slept.set()
        self._slept = asyncio.Event()
        try:
            yield
        finally:
            self._sleepers.remove(moment)


class RunningClock(ManualClock):
    """Goes by itself from where it is set: for tests in which another program limits what is done when."""

    def __init__(self, moment: datetime) -> None:
        super().__init__(moment)
        self._began = time.monotonic()

    @override
    def now(self) -> datetime:
        return self._now + timedelta(seconds=time.monotonic() - self._began)

    @override
    async def wait(self, event: Awaitable[object], until: datetime | None) -> None:
        await Clock.wait(self, event, until)


@pytest.fixture
def clock() -> ManualClock:
    """A spring morning on which no clock changes."""
    return ManualClock(datetime(2026, 3, 10, 9, 0, tzinfo=UTC))
