"""Hops 1 and 2: fetch the raw bytes of new mail, store them, only then settle them on the server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from bot.core.clock import Clock
from bot.core.errors import FacteurError, ServerTrouble
from bot.core.lists import MailingList
from bot.core.ports import Fetched, Mailbox
from bot.core.posts import Cursor
from bot.core.stores import Stores
from bot.core.text import Text
from bot.flow.reading import read
from bot.flow.screening import Screening

log = structlog.get_logger()

_SETTLED_AT_ONCE = 50
_FIRST_BACK_OFF = timedelta(seconds=30)
_LONGEST_BACK_OFF = timedelta(minutes=30)


class Intake:
    """The mailbox of one list, polled and emptied; one that fails backs off alone."""

    def __init__(
        self, mlist: MailingList, mailbox: Mailbox, stores: Stores, screening: Screening, clock: Clock,
        interval: timedelta,
    ) -> None:  # fmt: skip
        self._mlist = mlist
        self._mailbox = mailbox
        self._stores = stores
        self._screening = screening
        self._clock = clock
        self._interval = interval
        self._failures = 0

    async def step(self) -> datetime:
        """One poll; returns when the next one is due."""
        trouble = await self.poll()
        self._failures = self._failures + 1 if trouble else 0
        if not trouble:
            return self._clock.now() + self._interval
        back_off = min(_FIRST_BACK_OFF * (1 << min(self._failures - 1, 10)), _LONGEST_BACK_OFF)
        return self._clock.now() + max(back_off, self._interval)

    async def wake(self) -> None:
        """Return when the server says that mail arrived (never, while it is in trouble)."""
        if self._failures:
            await asyncio.Event().wait()
        try:
            await self._mailbox.wait(self._interval.total_seconds())
        except ServerTrouble:
            return  # the poll that follows meets the same trouble, and tells it

    async def close(self) -> None:
        """Leave the server."""
        await self._mailbox.close()

    async def poll(self) -> Text | None:
        """Take in and screen everything new; what went wrong, in words, None if nothing did."""
        stores, mlist = self._stores, self._mlist
        await self._screen_leftovers()
        try:
            trouble = await self._take_in_all()
        except ServerTrouble as error:
            trouble = error.text
        before = (await stores.lists.get(mlist.id)).poll.trouble
        await stores.lists.polled(mlist.id, self._clock.now(), trouble)
        if trouble and trouble != before:
            log.warning("mailbox in trouble", list=mlist.address, trouble=str(trouble))
        elif before and not trouble:
            log.info("mailbox back", list=mlist.address)
        return trouble

    async def _take_in_all(self) -> Text | None:
        cursors = await self._mailbox.listing()
        await self._stores.lists.note_old_mail(self._mlist.id, cursors)
        missed: list[FacteurError] = []
        settled: list[Cursor] = []
        async for fetched in self._mailbox.fetch(await self._wanted(cursors)):
            if fetched.error:
                missed.append(fetched.error)
                continue
            await self._take_in(fetched)
            settled.append(fetched.cursor)
            if len(settled) == _SETTLED_AT_ONCE:
                await self._settle(settled)
        await self._settle(settled)
        if not missed:
            return None
        return Text.counted(
            "{count} mail cannot be fetched: {why}",
            "{count} mails cannot be fetched, the first because: {why}",
            len(missed),
            why=missed[0].text,
        )

    async def _wanted(self, cursors: Sequence[Cursor]) -> Sequence[Cursor]:
        """What to fetch: mails that stay on the server are known by their cursor.

        Where mails are deleted or moved, one that is still there was not settled, or its cursor was
        used again: its bytes tell (the unique key of commit 1), so it is fetched once more.
        """
        if self._mlist.settings.after_intake != "keep":
            return cursors
        taken = await self._stores.posts.taken_in(self._mlist.id, cursors)
        return [cursor for cursor in cursors if str(cursor) not in taken]

    async def _take_in(self, fetched: Fetched) -> None:
        """Commit 1, then screening: a crash between leaves the post `received`, to be screened later."""
        post = read(self._mlist.id, fetched.cursor, fetched.raw, self._clock.now())
        log.info("fetched", list=self._mlist.address, cursor=str(fetched.cursor), message_id=post.message_id)
        post_id = await self._stores.posts.take_in(post)
        if post_id is None:
            log.info("seen before", list=self._mlist.address, cursor=str(fetched.cursor))
            return
        log.info("received", list=self._mlist.address, post=post_id, message_id=post.message_id)
        await self._screening.screen(await self._stores.lists.get(self._mlist.id), post_id)

    async def _settle(self, cursors: list[Cursor]) -> None:
        if cursors:
            await self._mailbox.settle(cursors)
            log.info("settled", list=self._mlist.address, mails=len(cursors))
            cursors.clear()

    async def _screen_leftovers(self) -> None:
        """Posts that a crash left between commits 1 and 2."""
        for post_id in await self._stores.posts.received(self._mlist.id):
            await self._screening.screen(await self._stores.lists.get(self._mlist.id), post_id)
