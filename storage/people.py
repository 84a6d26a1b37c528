"""The port `PeopleStore`: the directory, and the roles of people and groups."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from bot.core.addresses import Address, Mailbox, local_part_of
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import Group, Holder, Person, Profile, Role, Standing
from bot.core.posts import PostState
from bot.core.stores import Listing, Page
from bot.core.text import Text, folded
from storage.atomic import Database, Store, atomic, reading
from storage.bounces import forget_bounces
from storage.forgetting import forget
from storage.persons import find_person, person_at, person_for
from storage.profiles import profile_of
from storage.roles import bearers, contains, group_of, listed, member_since, people_where, roles_of
from storage.rows import AddressRow, GroupRoleRow, GroupRow, PersonRow, PostRow, RoleRow
from storage.values import address_key, column, words_of

_SHORTEST_NAME = 3
"""Letters of a name that make two people look alike."""


class SqlPeopleStore(Store):
    """People and their roles."""

    def __init__(self, database: Database, always: Collection[str] = ()) -> None:
        """`always`: the names of the groups that are members of every list."""
        super().__init__(database)
        self._always = always

    @atomic
    async def grant(self, mlist: MailingList, role: Role, who: Mailbox) -> tuple[Person, bool]:
        person = await person_for(who)
        _, fresh = await RoleRow.get_or_create(mlist_id=mlist.id, person_id=person.id, role=role)
        return person, fresh

    @atomic
    async def revoke(self, mlist: MailingList, role: Role, address: Address) -> Person | None:
        person = await find_person(address)
        if person is None:
            return None
        had = await RoleRow.filter(mlist_id=mlist.id, person_id=person.id, role=role).delete()
        return person if had else None

    @atomic
    async def leave(self, mlist: MailingList, person_id: int) -> Holder:
        person = await person_at(person_id)
        await RoleRow.filter(mlist_id=mlist.id, person_id=person_id, role=Role.MEMBER).delete()
        ways = (await (await bearers(mlist, Role.MEMBER, self._always)).ways(person_id)).get(person_id, [])
        if ways:
            await RoleRow.get_or_create(mlist_id=mlist.id, person_id=person_id, role=Role.EXCLUDED)
        return Holder(person, tuple(sorted(ways)))

    @atomic
    async def grant_group(self, mlist: MailingList, role: Role, group: Group) -> bool:
        _, fresh = await GroupRoleRow.get_or_create(mlist_id=mlist.id, group_id=group.id, role=role)
        return fresh

    @atomic
    async def revoke_group(self, mlist: MailingList, role: Role, group: Group) -> bool:
        return bool(await GroupRoleRow.filter(mlist_id=mlist.id, group_id=group.id, role=role).delete())

    @reading
    async def groups_of(self, mlist: MailingList, role: Role) -> Sequence[Group]:
        given = await column(GroupRoleRow.filter(mlist_id=mlist.id, role=role), "group_id")
        found = Q(id__in=given)
        if role is Role.MEMBER:
            found |= Q(name__in=list(self._always))
        return sorted(map(group_of, await GroupRow.filter(found)), key=lambda group: group.name)

    @reading
    async def holders(self, mlist: MailingList, role: Role, words: str, page: Page) -> Listing[Holder]:
        found = await bearers(mlist, role, self._always)
        return await listed(found.among("person_id"), await found.ways(), words, page)

    @reading
    async def holder(self, mlist: MailingList, role: Role, address: Address) -> Holder | None:
        person = await find_person(address)
        if person is None:
            return None
        ways = (await (await bearers(mlist, role, self._always)).ways(person.id)).get(person.id)
        return Holder(person, tuple(sorted(ways))) if ways else None

    @reading
    async def addresses_of(self, mlist: MailingList, role: Role) -> Sequence[Address]:
        found = AddressRow.filter((await bearers(mlist, role, self._always)).among("person_id"))
        return [Address(address) for address in await column(found.order_by("id"), "address")]

    @reading
    async def standing(self, mlist: MailingList, address: Address) -> Standing:
        person = await find_person(address)
        roles = await roles_of(mlist, person.id, self._always) if person else frozenset[Role]()
        addresses = person.addresses if person else ()
        posts = _written_from(addresses or (address,)).filter(mlist_id=mlist.id)
        refused = posts.filter(state__in=(PostState.REJECTED, PostState.DISCARDED))
        joined_at = await member_since(mlist, person.id, self._always) if person else None
        return Standing(
            member_since=joined_at,
            known=person is not None,
            roles=roles,
            name=person.name if person else "",
            addresses=addresses,
            posts_accepted=await posts.filter(state__in=(PostState.ACCEPTED, PostState.DISTRIBUTED)).count(),
            posts_refused=await refused.exclude(decided_by_id="").count(),  # by people, not by rules
        )

    @reading
    async def find(self, address: Address) -> Person | None:
        return await find_person(address)

    @reading
    async def search(self, words: str, limit: int) -> Sequence[Person]:
        wanted = words_of(words)
        return [person for person in await people_where(Q()) if contains(person, wanted)][:limit]

    @reading
    async def alike(self, who: Mailbox, limit: int) -> Sequence[Person]:
        words = {word for word in words_of(who.name) if len(word) >= _SHORTEST_NAME}
        local = folded(local_part_of(who.address))
        ranked = []
        for person in await people_where(Q()):
            shared = len(words.intersection(words_of(person.name)))
            same = any(folded(local_part_of(each)) == local for each in person.addresses)
            if shared or same:
                ranked.append((-shared - 2 * same, folded(person.name), person.id, person))
        return [person for *_, person in sorted(ranked)[:limit]]

    @reading
    async def profile(self, person_id: int) -> Profile:
        person = await person_at(person_id)
        return await profile_of(person, self._always, await _written_from(person.addresses).count())

    @atomic
    async def rename(self, person_id: int, name: str) -> Person:
        await PersonRow.filter(id=person_id).update(name=name)
        return await person_at(person_id)

    @atomic
    async def add_address(self, person_id: int, address: Address) -> Person:
        person = await person_at(person_id)
        owner = await find_person(address)
        if owner and owner.id != person_id:
            raise UserError(
                Text("{address} is an address of {name} already.", address=address, name=owner.written)
            )
        if owner is None:
            await AddressRow.create(person_id=person.id, address=address)
        return await person_at(person_id)

    @atomic
    async def remove_address(self, address: Address) -> Person:
        person = await find_person(address)
        if person is None:
            raise UserError(Text("Nobody has the address {address}.", address=address))
        await PersonRow.filter(id=person.id).select_for_update().only("id")  # nobody takes the others
        if await AddressRow.filter(person_id=person.id).count() == 1:
            raise UserError(
                Text(
                    "{address} is the only address of {name}: give them another first, or /forget {address}.",
                    address=address,
                    name=person.written,
                )
            )
        await AddressRow.filter(address=address).delete()
        await forget_bounces([address])
        return await person_at(person.id)

    @atomic
    async def forget(self, person_id: int) -> int:
        return await forget(await person_at(person_id))


def _written_from(addresses: Collection[Address]) -> QuerySet[PostRow]:
    keys = [address_key(address) for address in addresses if address]
    return PostRow.filter(author__in=keys)
