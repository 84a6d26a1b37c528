"""The port `WelcomeStore`: which members a list knows already, and which of them it has greeted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from tortoise.expressions import Q, Subquery

from bot.core.deliveries import NewMailing
from bot.core.lists import MailingList
from bot.core.people import Person, Role
from storage.atomic import Database, Store, atomic, reading
from storage.mailings import add_mailing
from storage.roles import bearers, people_where
from storage.rows import PersonRow, WelcomeRow
from storage.values import column, in_groups
from storage.waiting import one_at_a_time

_AT_ONCE = 500


class SqlWelcomeStore(Store):
    """Newcomers of lists."""

    def __init__(self, database: Database, always: Collection[str] = ()) -> None:
        """`always`: the names of the groups that are members of every list."""
        super().__init__(database)
        self._always = always

    @reading
    async def newcomers(self, mlist: MailingList) -> Sequence[Person]:
        ids = await self._unknown(mlist)
        return [
            person
            for some in in_groups(ids, _AT_ONCE)
            for person in await people_where(Q(person_id__in=some))
        ]

    @reading
    async def known(self, mlist: MailingList) -> int:
        return await WelcomeRow.filter(mlist_id=mlist.id).count()

    @reading
    async def not_greeted(self, mlist: MailingList) -> Sequence[Person]:
        greeted = WelcomeRow.filter(mlist_id=mlist.id, greeted=True)
        ids = set(await column(greeted, "person_id"))
        members = await people_where((await bearers(mlist, Role.MEMBER, self._always)).among("person_id"))
        return [person for person in members if person.id not in ids]

    @atomic
    async def know(self, mlist: MailingList, people: Mapping[int, NewMailing | None]) -> int:
        await one_at_a_time(f"welcome {mlist.id}")  # two processes greet nobody twice
        ids, written = list(people), 0
        for some in in_groups(ids, _AT_ONCE):
            there = WelcomeRow.filter(mlist_id=mlist.id, person_id__in=some)
            greeted = {row.person_id: row.greeted for row in await there}
            still_there = await column(PersonRow.filter(id__in=some), "id")
            for person_id in still_there:
                mailing = people[person_id]
                if mailing and not greeted.get(person_id):
                    await add_mailing(mailing, mlist.id)
                    written += 1
            await WelcomeRow.bulk_create(
                WelcomeRow(mlist_id=mlist.id, person_id=person_id, greeted=people[person_id] is not None)
                for person_id in still_there
                if person_id not in greeted
            )
            told = [person_id for person_id in some if people[person_id]]
            await there.filter(person_id__in=told).update(greeted=True)
        return written

    async def _unknown(self, mlist: MailingList) -> list[int]:
        members = (await bearers(mlist, Role.MEMBER, self._always)).among("id")
        known = WelcomeRow.filter(mlist_id=mlist.id).values("person_id")
        return await column(PersonRow.filter(members & Q(id__not_in=Subquery(known))), "id")
