"""The long poll: every update is handled, and only then confirmed to Telegram.

What was not confirmed comes again, so a crash loses nothing that was said; what was being handled
then is handled once more. While something slow is under way, news are looked for in short steps:
nothing before the slow one can be confirmed, and Telegram answers at once as long as that is so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog
from telegram import Update

from bot.core.errors import Busy, FacteurError, ServerTrouble, Trouble
from bot.core.text import Text
from transports.telegram.api import LONG_POLL, Api

_AT_ONCE = timedelta(0)
_STEP_S = 0.2
_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 60.0
_LISTENS_TWICE_S = 10.0
"""After a conflict: two that poll in turn would only take each other's place again and again."""

_CALM_S = 60.0
"""Of two that poll in turn each hears something now and then: only after so long the other has gone."""

Tell = Callable[[Text | None], Awaitable[None]]
"""Why nobody is heard, or None."""

Handle = Callable[[Update], Awaitable[None]]
Key = Callable[[Update], str]

_log = structlog.get_logger(__name__)


class Inbox:
    """Hands on updates, each in a task of its own; those with the same key one after the other."""

    def __init__(self, api: Api, handle: Handle, key: Key, tell: Tell) -> None:
        self._api = api
        self._handle = handle
        self._key = key
        self._open: dict[int, asyncio.Task[None]] = {}
        self._handled: set[int] = set()
        self._last: dict[str, asyncio.Task[None]] = {}
        self._offset: int | None = None
        self._tell = tell
        self._told: str | None = None
        self._shared_until = 0.0

    async def listen(self) -> None:
        """For ever; what fails is tried again, from the first second on."""
        delay_s = _FIRST_DELAY_S
        while True:
            try:
                await self._round(_AT_ONCE if self._open or self._may_hear() else LONG_POLL)
            except FacteurError as error:
                await self._failed(error)
                await asyncio.sleep(_pause(error, delay_s))
                delay_s = min(2 * delay_s, _LONGEST_DELAY_S)
            else:
                delay_s = _FIRST_DELAY_S
                await self._heard()

    async def drain(self) -> None:
        """All that was said until now, and no more. Raises as `Api.updates`."""
        while await self._round(_AT_ONCE) or self._open or self._offset is not None:
            pass

    async def finish(self, within_s: float) -> None:
        """Let what is under way end; what does not is heard again at the next start."""
        if self._open:
            _, late = await asyncio.wait(self._open.values(), timeout=within_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)

    async def _round(self, patience: timedelta) -> int:
        """One look; the number of updates that Telegram still had."""
        updates = await self._api.updates(self._offset, patience=patience)
        for update in updates:
            if update.update_id not in self._handled:
                self._begin(update)
        if self._open:
            await asyncio.wait(self._open.values(), timeout=_STEP_S)
        self._confirm(updates)
        return len(updates)

    def _begin(self, update: Update) -> None:
        number, key = update.update_id, self._key(update)
        task = asyncio.create_task(self._in_turn(update, self._last.get(key) if key else None))
        self._open[number] = task
        self._handled.add(number)
        if key:
            self._last[key] = task
            task.add_done_callback(lambda done: self._last.pop(key) if self._last.get(key) is done else None)
        task.add_done_callback(lambda done: self._ended(number, done))

    async def _in_turn(self, update: Update, before: asyncio.Task[None] | None) -> None:
        if before:
            await asyncio.wait({before})
        await self._handle(update)

    def _ended(self, number: int, task: asyncio.Task[None]) -> None:
        del self._open[number]
        if not task.cancelled() and (error := task.exception()):
            _log.error("update not handled", update=number, exc_info=error)

    def _confirm(self, updates: Sequence[Update]) -> None:
        """The next poll confirms all before its offset.

        Once nothing is left it names none: after a quiet week Telegram begins to count elsewhere,
        and a large offset of ours would hide what comes (Bot API, Update: update_id).
        """
        if self._open:
            self._offset = min(self._open)
            self._handled = {number for number in self._handled if number >= self._offset}
        elif updates:
            self._offset = max(update.update_id for update in updates) + 1
        else:
            self._offset, self._handled = None, set()

    async def _heard(self) -> None:
        if self._may_hear():
            if self._told:
                _log.info("telegram heard again")
            self._told = ""
            await self._tell(None)

    def _may_hear(self) -> bool:
        """Whether one round that succeeds shows that people are heard again, which was not told yet."""
        return self._told != "" and asyncio.get_running_loop().time() >= self._shared_until

    async def _failed(self, error: FacteurError) -> None:
        if self._told != str(error):
            _log.warning("telegram away", why=str(error))
            self._told = str(error)
            if not isinstance(error, Busy):
                await self._tell(error.text)
        if _in_use(error):
            self._shared_until = asyncio.get_running_loop().time() + _CALM_S
        await self._api.hang_up()  # a connection that hangs would hang again


def _pause(error: FacteurError, delay_s: float) -> float:
    if isinstance(error, Busy):
        return error.delay.total_seconds()
    return max(delay_s, _LISTENS_TWICE_S) if _in_use(error) else delay_s


def _in_use(error: FacteurError) -> bool:
    return isinstance(error, ServerTrouble) and error.trouble is Trouble.IN_USE
