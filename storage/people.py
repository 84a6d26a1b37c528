"""The port `PeopleStore`: the directory and the roles in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.core.addresses import Address, Mailbox
from bot.core.lists import MailingList
from bot.core.people import Holder, Person, Role, Standing
from bot.core.posts import PostState
from bot.core.stores import Listing, Page
from bot.core.text import folded
from storage.atomic import Store, atomic, reading
from storage.rows import ADDRESS_LENGTH, AddressRow, PersonRow, PostRow, RoleRow
from storage.values import address_key, column, person_of, words_of


class SqlPeopleStore(Store):
    """People and their roles."""

    @atomic
    async def grant(self, mlist: MailingList, role: Role, who: Mailbox) -> tuple[Person, bool]:
        person_id = await _person_id(who.address)
        if person_id is None:
            person_id = (await PersonRow.create(name=who.name)).id
            await AddressRow.create(person_id=person_id, address=who.address)
        elif who.name:
            await PersonRow.filter(id=person_id, name="").update(name=who.name)
        _, fresh = await RoleRow.get_or_create(mlist_id=mlist.id, person_id=person_id, role=role)
        return await _person(person_id), fresh

    @atomic
    async def revoke(self, mlist: MailingList, role: Role, address: Address) -> Person | None:
        person_id = await _person_id(address)
        if person_id is None:
            return None
        had = await RoleRow.filter(mlist_id=mlist.id, person_id=person_id, role=role).delete()
        return await _person(person_id) if had else None

    @reading
    async def holders(self, mlist: MailingList, role: Role, words: str, page: Page) -> Listing[Holder]:
        """Everybody is loaded and sorted here: no database sorts names as readers expect."""
        rows = await PersonRow.filter(roles__mlist_id=mlist.id, roles__role=role).prefetch_related(
            "addresses"
        )
        wanted = words_of(words)
        people = [person for row in rows if _contains(person := person_of(row), wanted)]
        people.sort(key=lambda person: (folded(person.name), person.addresses))
        start = 0
        if page.after is not None:
            start = next((n for n, p in enumerate(people, 1) if p.id == page.after), len(people))
        end = len(people) if page.size is None else start + page.size
        shown = people[start:end]
        more = end < len(people) and bool(shown)
        return Listing(tuple(Holder(person) for person in shown), len(people), shown[-1].id if more else None)

    @reading
    async def addresses_of(self, mlist: MailingList, roles: Collection[Role]) -> Sequence[Address]:
        holders = await RoleRow.filter(mlist_id=mlist.id, role__in=list(roles)).values_list(
            "person__addresses__id", "person__addresses__address"
        )
        return [Address(address) for _, address in sorted(set(holders))]

    @reading
    async def standing(self, mlist: MailingList, address: Address) -> Standing:
        person_id = await _person_id(address)
        addresses, roles, name = tuple[Address, ...](), frozenset[Role](), ""
        if person_id is not None:
            person = await _person(person_id)
            addresses, name = person.addresses, person.name
            held = await column(RoleRow.filter(mlist_id=mlist.id, person_id=person_id), "role")
            roles = frozenset(Role(role) for role in held)
        written_from = [address_key(item) for item in addresses or [address] if item]
        posts = PostRow.filter(mlist_id=mlist.id, author__in=written_from)
        refused = posts.filter(state__in=(PostState.REJECTED, PostState.DISCARDED))
        return Standing(
            known=person_id is not None,
            roles=roles,
            name=name,
            addresses=addresses,
            posts_accepted=await posts.filter(state__in=(PostState.ACCEPTED, PostState.DISTRIBUTED)).count(),
            posts_refused=await refused.exclude(decided_by_id="").count(),  # by people, not by rules
        )


async def _person_id(address: Address) -> int | None:
    if len(address) > ADDRESS_LENGTH:
        return None
    row = await AddressRow.get_or_none(address=address)
    return row.person_id if row else None


async def _person(person_id: int) -> Person:
    return person_of(await PersonRow.get(id=person_id).prefetch_related("addresses"))


def _contains(person: Person, words: Sequence[str]) -> bool:
    text = folded(" ".join([person.name, *person.addresses]))
    return all(word in text for word in words)
