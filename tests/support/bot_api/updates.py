"""The queue of updates and the long poll on it.

Rules: core.telegram.org/bots/api#getupdates (offset confirms, a negative offset counts from the end, limit
1 to 100, `allowed_updates` is kept until it is given again, only one poller) and
`process_get_updates_query` in Client.cpp (timeout up to 50 s, the poll that waits is the one that is
ended). Kept here for ever, not 24 hours.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tests.support.bot_api.refusals import Refusal, conflict

LIMIT = 100
TIMEOUT_LIMIT_S = 50
NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
"""Only for those who ask: core.telegram.org/bots/api#getupdates, `allowed_updates`."""


class Updates:
    """What the bot has yet to be told; `received` counts what it confirmed."""

    def __init__(self) -> None:
        self.waiting: list[dict[str, Any]] = []
        self.received = 0
        self.polls = 0
        self.webhook = ""
        self.allowed: list[str] = []
        self._next_id = 1
        self._poll: asyncio.Future[Refusal | None] | None = None

    @property
    def polled(self) -> bool:
        """Whether somebody waits for updates at this moment."""
        return self._poll is not None

    def add(self, kind: str, what: dict[str, Any]) -> int | None:
        """Queue an update unless its kind is not wanted; its id."""
        if kind in NOT_BY_DEFAULT if not self.allowed else kind not in self.allowed:
            return None
        update_id, self._next_id = self._next_id, self._next_id + 1
        self.waiting.append({"update_id": update_id, kind: what})
        self._wake(None)
        return update_id

    def end_poll(self, why: Refusal | None = None) -> None:
        """Answer the poll that waits, with nothing or with a refusal."""
        self._wake(why)

    async def get(self, offset: int, limit: int, timeout_s: float) -> list[dict[str, Any]]:
        """One ``getUpdates``.

        Raises:
            Refusal: 409, another poller came or a webhook is set.
        """
        if self.webhook:
            raise conflict(
                "can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first"
            )
        self.polls += 1
        self._wake(
            conflict(
                "terminated by other getUpdates request; make sure that only one bot instance is running"
            )
        )
        self._confirm(offset)
        if not self.waiting and timeout_s > 0:
            await self._wait(min(timeout_s, TIMEOUT_LIMIT_S))
        return self.waiting[: limit if 1 <= limit <= LIMIT else LIMIT]

    def _confirm(self, offset: int) -> None:
        before = len(self.waiting)
        if offset < 0:
            self.waiting = self.waiting[offset:]
        else:
            self.waiting = [update for update in self.waiting if update["update_id"] >= offset]
        self.received += before - len(self.waiting)

    async def _wait(self, timeout_s: float) -> None:
        poll = self._poll = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_s):
                why = await poll
        except TimeoutError:
            why = None
        finally:
            if self._poll is poll:
                self._poll = None
        if why is not None:
            raise why

    def _wake(self, why: Refusal | None) -> None:
        poll, self._poll = self._poll, None
        if poll is not None and not poll.done():
            poll.set_result(why)
