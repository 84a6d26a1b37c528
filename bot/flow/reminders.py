"""At some hours of the day, people are told what has waited too long."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from bot.core.clock import Clock
from bot.core.posts import Post
from bot.core.reminders import Overdue
from bot.core.stores import Stores
from bot.flow.notices import Notices
from bot.flow.owners import owners_to_tell

log = structlog.get_logger()

OWNERS_AFTER = 3
"""Reminders of a room, before the owners of its list are told too."""

_OWNER, _TOLD = "reminders", "told"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """Some hours of each day in a time zone.

    One that the clocks leave out is that much later, one that they repeat is the first of the two
    (PEP 495, ``fold`` = 0): each comes once.
    """

    at: Collection[time]
    zone: ZoneInfo

    def last(self, now: datetime) -> datetime | None:
        """The last one that has come; None where there are none."""
        return max((hour for hour in self._around(now) if hour <= now), default=None)

    def next(self, now: datetime) -> datetime | None:
        """The first one to come."""
        return min((hour for hour in self._around(now) if hour > now), default=None)

    def _around(self, now: datetime) -> Iterator[datetime]:
        today = now.astimezone(self.zone).date()
        for day in (today - _DAY, today, today + _DAY):
            for hour in self.at:
                yield datetime.combine(day, hour, self.zone).astimezone(UTC)


class Reminders:
    """Tells rooms at their hours, and keeps what was told right in between."""

    def __init__(self, stores: Stores, clock: Clock, notices: Notices, hours: Hours) -> None:
        self._stores = stores
        self._clock = clock
        self._notices = notices
        self._hours = hours
        self._told_at: datetime | None = None

    async def step(self) -> datetime | None:
        """Remind if an hour has come, once if several went by; returns the next."""
        now = self._clock.now()
        hour = self._hours.last(now)
        if hour and await self._comes(hour, now):
            ages = {
                mlist.id: timedelta(hours=mlist.settings.remind_h) for mlist in await self._stores.lists.all()
            }
            await self._stores.reminders.remind(hour, ages, now)
            await self._note(hour, now)
        await self._stores.reminders.refresh(now)
        for told, post in await self._stores.reminders.unheard(OWNERS_AFTER):
            await self._tell_owners(told, post, now)
        return self._hours.next(now)

    async def _comes(self, hour: datetime, now: datetime) -> bool:
        """Whether nobody has been told at this hour; on the first day nothing was missed."""
        if self._told_at is None:
            noted = await self._stores.notes.recall(_OWNER, _TOLD)
            if not noted:
                await self._note(hour, now)
                return False
            self._told_at = datetime.fromisoformat(noted)
        return self._told_at < hour

    async def _note(self, hour: datetime, now: datetime) -> None:
        await self._stores.notes.keep(_OWNER, {_TOLD: hour.isoformat()}, now)
        self._told_at = hour

    async def _tell_owners(self, told: Overdue, post: Post, now: datetime) -> None:
        mlist = await self._stores.lists.get(told.mlist_id)
        mailings = [
            self._notices.reminder(post, mlist, owner, told.count, now)
            for owner in await owners_to_tell(self._stores, mlist)
        ]
        if await self._stores.reminders.tell_owners(post, mailings):
            log.info("owners told", list=mlist.address, post=post.id, owners=len(mailings))
