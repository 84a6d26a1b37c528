"""The port `GroupStore`: groups and who is in them."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.addresses import Address, Mailbox
from bot.core.audit import Subject, Values
from bot.core.chat import WaitingSheet
from bot.core.errors import UserError
from bot.core.people import BY_HAND, Following, Group, GroupFacts, Holder, Person, Role, Way, source_shown
from bot.core.settings import Box
from bot.core.stores import Listing, Page
from bot.core.text import Text
from storage.atomic import Database, Store, atomic, reading
from storage.incidents import forget_incidents, note_health
from storage.persons import find_person, person_for
from storage.roles import Ways, group_of, in_groups, listed
from storage.rows import AddressRow, GroupRoleRow, GroupRow, MembershipRow, PersonRow
from storage.tracing import leave_trail
from storage.values import text_of


class SqlGroupStore(Store):
    """Groups, by hand or following a source; where that is, is sealed in the database."""

    def __init__(self, database: Database, box: Box) -> None:
        super().__init__(database)
        self._box = box

    @reading
    async def all(self) -> Sequence[GroupFacts]:
        rows = sorted(await GroupRow.all(), key=lambda row: row.name)
        return [await self._facts(row) for row in rows]

    @reading
    async def named(self, name: str) -> Group | None:
        row = await GroupRow.get_or_none(name=name)
        return group_of(row) if row else None

    @reading
    async def facts(self, group: Group) -> GroupFacts:
        row = await GroupRow.get_or_none(id=group.id)
        if row is None:
            raise _deleted(group)
        return await self._facts(row)

    @atomic
    async def add(self, name: str, source: str) -> Group:
        if await GroupRow.filter(name=name).exists():
            raise UserError(Text("There is a group {group} already.", group=f"@{name}"))
        sealed = self._box.seal(source) if source else ""
        row = await GroupRow.create(name=name, source=sealed, shown=source_shown(source))
        return group_of(row)

    @atomic
    async def follow(self, group: Group, source: str) -> Group:
        row = await GroupRow.get_or_none(id=group.id)
        if row is None:
            raise _deleted(group)
        await forget_incidents(_source_key(group))
        row.source, row.shown = self._box.seal(source), source_shown(source)
        row.seen, row.tried_at, row.trouble, row.waiting = {}, None, None, {}
        await row.save()
        return group_of(row)

    @reading
    async def following(self) -> Sequence[Following]:
        rows = sorted(await GroupRow.exclude(source=""), key=lambda row: row.name)
        return [self._following(row) for row in rows]

    @atomic
    async def looked(self, now: Following, found: Values) -> None:
        await GroupRow.filter(id=now.group.id).update(
            seen=dict(now.seen),
            tried_at=now.tried_at,
            trouble=now.trouble.dump() if now.trouble else None,
            waiting=dict(now.waiting),
        )
        leave_trail(Subject.SYNC, now.group.written, found)
        if now.tried_at:
            what = Text("The source of {group}", group=now.group.written)
            sheet = WaitingSheet(now.group.id, now.waiting["sha256"]) if now.waiting else None
            await note_health(_source_key(now.group), what, now.trouble, now.tried_at, sheet=sheet)

    @atomic
    async def delete(self, group: Group) -> None:
        await forget_incidents(_source_key(group))
        for belongings in (GroupRoleRow, MembershipRow):
            await belongings.filter(group_id=group.id).delete()
        await GroupRow.filter(id=group.id).delete()

    @atomic
    async def join(self, group: Group, who: Mailbox) -> tuple[Person, bool]:
        person = await person_for(who)
        _, fresh = await MembershipRow.get_or_create(group_id=group.id, person_id=person.id, by_source=False)
        return person, fresh

    @atomic
    async def leave(self, group: Group, address: Address) -> Person | None:
        person = await find_person(address)
        if person is None:
            return None
        rows = MembershipRow.filter(group_id=group.id, person_id=person.id, by_source=False)
        return person if await rows.delete() else None

    @reading
    async def holders(self, group: Group, words: str, page: Page) -> Listing[Holder]:
        ways: Ways = {}
        rows = MembershipRow.filter(group_id=group.id)
        for person_id, by_source in await rows.values_list("person_id", "by_source"):
            ways.setdefault(person_id, []).append(_way(group, by_source=by_source))
        return await listed(in_groups("person_id", [group.id]), ways, words, page)

    @reading
    async def holder(self, group: Group, address: Address) -> Holder | None:
        person = await find_person(address)
        if person is None:
            return None
        rows = await MembershipRow.filter(group_id=group.id, person_id=person.id)
        ways = sorted(_way(group, by_source=row.by_source) for row in rows)
        return Holder(person, tuple(ways)) if ways else None

    async def _facts(self, row: GroupRow) -> GroupFacts:
        given = GroupRoleRow.filter(group_id=row.id)
        roles = await given.values_list("mlist__address", "role")
        return GroupFacts(
            group=group_of(row),
            people=await PersonRow.filter(in_groups("id", [row.id])).count(),
            addresses=await AddressRow.filter(in_groups("person_id", [row.id])).count(),
            roles=tuple(sorted((Address(address), Role(role)) for address, role in roles)),
            following=self._following(row) if row.source else None,
        )

    def _following(self, row: GroupRow) -> Following:
        try:
            source = self._box.unseal(row.source)
        except ValueError:
            source = None
        return Following(group_of(row), source, row.seen, row.tried_at, text_of(row.trouble), row.waiting)


def _deleted(group: Group) -> UserError:
    return UserError(Text("{group} was deleted.", group=group.written))


def _source_key(group: Group) -> str:
    """What `storage.incidents` calls the source of a group."""
    return f"source {group.id}"


def _way(group: Group, *, by_source: bool) -> Way:
    return Way(group.source or group.written) if by_source else BY_HAND
