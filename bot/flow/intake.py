"""Hops 1 and 2: fetch the raw bytes of new mail, store them, only then settle them on the server."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from bot.core.clock import Clock
from bot.core.errors import ServerTrouble, UserError
from bot.core.lists import Certificate, MailingList, certificate_of, mailbox_account
from bot.core.ports import Fetched, Mailbox
from bot.core.posts import Cursor
from bot.core.settings import FirstPoll
from bot.core.stores import Stores
from bot.core.text import Text
from bot.flow.providers import advised
from bot.flow.reading import read
from bot.flow.runner import NOT_ITS_FAULT, alone
from bot.flow.screening import Screening

log = structlog.get_logger()

_SETTLED_AT_ONCE = 50


class Intake:
    """The mailbox of one list, polled and emptied; one that fails backs off alone."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it works on, and the time of those who read the list
        self,
        mlist: MailingList,
        mailbox: Mailbox,
        stores: Stores,
        screening: Screening,
        clock: Clock,
        interval: timedelta,
        zone: ZoneInfo,
    ) -> None:
        self._mlist = mlist
        self._mailbox = mailbox
        self._stores = stores
        self._screening = screening
        self._clock = clock
        self._interval = interval
        self._zone = zone

    async def step(self) -> datetime:
        """One poll; returns when the next one is due. Raises ServerTrouble, which is noted already."""
        await self.poll()
        return self._clock.now() + self._interval

    async def wake(self) -> None:
        """Return when the server says that mail arrived."""
        await self._mailbox.wait(self._interval.total_seconds())

    async def close(self) -> None:
        """Leave the server."""
        await self._mailbox.close()

    async def poll(self) -> Text | None:
        """Take in and screen everything new; which mails could not be, in words, None if all were.

        Raises:
            ServerTrouble: the mailbox cannot be used.
            UserError: it must not be used: another list reads it.
        """
        await self._screen_leftovers()
        try:
            trouble = await self._take_in_all()
        except ServerTrouble as error:
            await self._note(advised(error, self._mlist.settings.host), certificate_of(error))
            raise
        except UserError as error:
            await self._note(error.text)
            raise
        await self._note(trouble)
        return trouble

    async def _note(self, trouble: Text | None, seen: Certificate | None = None) -> None:
        """What ``/lists`` shows of the mailbox; told in the log when it changes."""
        before = (await self._stores.lists.get(self._mlist.id)).poll.trouble
        await self._stores.lists.polled(self._mlist.id, self._clock.now(), trouble, seen)
        if trouble and trouble != before:
            log.warning("mailbox in trouble", list=self._mlist.address, trouble=str(trouble))
        elif before and not trouble:
            log.info("mailbox back", list=self._mlist.address)

    async def _take_in_all(self) -> Text | None:
        cursors, old = await look(self._mlist, self._mailbox, self._stores, self._today())
        missed: list[Text] = []
        settled: list[Cursor] = []
        async for fetched in self._mailbox.fetch(await self._wanted(cursors, old)):
            cursor, error = fetched.cursor, fetched.error
            new = None if error else await self._taken(fetched, old=str(cursor) in old)
            del fetched  # a large mail would be there twice while it is screened
            if new is None:
                missed.append(error.text if error else Text("facteur stumbled over it; the log says more"))
                continue
            for post_id in new:
                await self._screen(post_id)
            settled.append(cursor)
            if len(settled) == _SETTLED_AT_ONCE:
                await self._settle(settled)
        await self._settle(settled)
        if not missed:
            return None
        return Text.counted(
            "{count} mail cannot be fetched: {why}",
            "{count} mails cannot be fetched, the first because: {why}",
            len(missed),
            why=missed[0],
        )

    def _today(self) -> date:
        return self._clock.now().astimezone(self._zone).date()

    async def _wanted(self, cursors: Sequence[Cursor], old: Mapping[str, bool]) -> Sequence[Cursor]:
        """What to fetch: not the old mail that is left, nor (known by its cursor) what was taken in.

        Where mails are deleted or moved, one that is still there was not settled, or its cursor was
        used again: its bytes tell (the unique key of commit 1), so it is fetched once more.
        """
        if self._mlist.settings.first_poll is FirstPoll.LEAVE:
            cursors = [cursor for cursor in cursors if not old.get(str(cursor))]
        if self._mlist.settings.after_intake != "keep":
            return cursors
        taken = await self._stores.posts.taken_in(self._mlist.id, cursors)
        return [cursor for cursor in cursors if str(cursor) not in taken]

    async def _taken(self, fetched: Fetched, *, old: bool) -> Sequence[int] | None:
        """The posts that are to be screened now; None if the mail could not be taken in."""
        return await alone("intake", partial(self._take_in, fetched, old=old), but=NOT_ITS_FAULT)

    async def _take_in(self, fetched: Fetched, *, old: bool) -> Sequence[int]:
        """Commit 1: a crash behind it leaves the post `received`, to be screened later."""
        # a large mail takes a second to read, in which the others go on
        post = await asyncio.to_thread(read, self._mlist.id, fetched.cursor, fetched.raw, self._clock.now())
        log.info("fetched", list=self._mlist.address, cursor=str(fetched.cursor), message_id=post.message_id)
        post_id = await self._stores.posts.take_in(replace(post, old=old))
        if post_id is None:
            log.info("seen before", list=self._mlist.address, cursor=str(fetched.cursor))
            return []
        log.info("received", list=self._mlist.address, post=post_id, message_id=post.message_id)
        return [post_id]

    async def _screen(self, post_id: int) -> None:
        """By the settings as they are now; a post that cannot be screened stays `received`."""
        mlist = await self._stores.lists.get(self._mlist.id)
        await alone("screening", partial(self._screening.screen, mlist, post_id), but=NOT_ITS_FAULT)

    async def _settle(self, cursors: list[Cursor]) -> None:
        if cursors:
            await self._mailbox.settle(cursors)
            log.info("settled", list=self._mlist.address, mails=len(cursors))
            cursors.clear()

    async def _screen_leftovers(self) -> None:
        """Posts that a crash left between commits 1 and 2."""
        for post_id in await self._stores.posts.received(self._mlist.id):
            await self._screen(post_id)


async def look(
    mlist: MailingList, mailbox: Mailbox, stores: Stores, today: date
) -> tuple[Sequence[Cursor], Mapping[str, bool]]:
    """What lies in the mailbox now, and which of it is old mail (see `ListStore.note_old_mail`).

    With ``first_poll=leave`` old mail of today is taken in all the same; and if the list has read
    the mailbox before, all since the day of the last time: nobody would ever see it otherwise.

    Raises:
        ServerTrouble: the mailbox cannot be used.
        UserError: it must not be used: another list reads it.
    """
    cursors, account = await mailbox.listing(), mailbox_account(mlist)
    recent: Collection[Cursor] = ()
    if mlist.settings.first_poll is FirstPoll.LEAVE:
        folders = await stores.lists.not_looked_at(mlist.id, account, cursors)
        asked = [cursor for cursor in cursors if cursor.folder in folders]
        if asked:
            read_at = (await stores.lists.get(mlist.id)).poll.ok_at
            day = min(today, read_at.date()) if read_at else today
            recent = await mailbox.arrived_since(day, asked)
    return cursors, await stores.lists.note_old_mail(mlist.id, account, cursors, recent)
