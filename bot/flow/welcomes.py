"""Those who have become members of a list are told how to write to it and how to leave, if it wants that.

However they came (by hand, by a sheet, by a group's source), members whom the list does not know are
found by comparing. Where they outnumber those whom it knows, that is how a list begins (its first
import), and nobody is greeted unless somebody asks for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.core.addresses import Address, Mailbox, is_deliverable
from bot.core.clock import Clock
from bot.core.deliveries import NewMailing
from bot.core.lists import MailingList
from bot.core.notices import NoticeKind
from bot.core.people import Person, Role
from bot.core.stores import Stores
from bot.flow.notices import Notices
from bot.flow.runner import alone

log = structlog.get_logger()

_EVERY = timedelta(minutes=1)


class Welcomes:
    """Greets newcomers; each is a delivery like any other."""

    def __init__(self, stores: Stores, clock: Clock, notices: Notices) -> None:
        self._stores = stores
        self._clock = clock
        self._notices = notices

    async def step(self) -> datetime:
        """Look at every list that greets; returns when to look again."""
        for mlist in await self._stores.lists.all():
            if mlist.settings.notify_welcome:
                await alone("welcome", partial(self._look, mlist))
        return self._clock.now() + _EVERY

    async def wake(self) -> None:
        """Nothing that happens makes it more urgent."""
        await asyncio.Event().wait()

    async def greet(self, mlist: MailingList, people: Sequence[Person]) -> int:
        """Greet these members, whenever they came; how many that are."""
        language = self._notices.language(mlist)
        own = await self._stores.templates.text(mlist.id, NoticeKind.WELCOME, language)
        excluded = set(await self._stores.people.addresses_of(mlist, Role.EXCLUDED))
        mailings = {person.id: self._written(mlist, person, excluded, own) for person in people}
        greeted = await self._stores.welcomes.know(mlist, mailings)
        log.info("welcome", list=mlist.address, greeted=greeted)
        return greeted

    async def _look(self, mlist: MailingList) -> None:
        newcomers = await self._stores.welcomes.newcomers(mlist)
        if not newcomers:
            return
        if len(newcomers) > await self._stores.welcomes.known(mlist):
            await self._stores.welcomes.know(mlist, {person.id: None for person in newcomers})
            log.info("members known", list=mlist.address, people=len(newcomers))
            return
        await self.greet(mlist, newcomers)

    def _written(
        self, mlist: MailingList, person: Person, excluded: set[Address], own: str
    ) -> NewMailing | None:
        """To one address of theirs; None for those who get no mail of the list."""
        reached = [
            address
            for address in person.addresses
            if is_deliverable(address) and address not in excluded and address != mlist.address
        ]
        if not reached:
            return None
        return self._notices.welcome(mlist, Mailbox(person.name, reached[0]), self._clock.now(), own)
