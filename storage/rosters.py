"""The port `RosterStore`: what a sheet changes, planned and done in one unit of work."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from tortoise import Model
from tortoise.expressions import Q

from bot.core.addresses import Address
from bot.core.lists import MailingList
from bot.core.people import Group, Person, Role
from bot.core.rosters import Line, Plan, Planner, Wanted
from storage.atomic import Database, Store, atomic, reading
from storage.persons import PEOPLE
from storage.roles import bearers, people_where
from storage.rows import AddressRow, GroupRoleRow, MembershipRow, PersonRow, RoleRow
from storage.values import column, in_groups
from storage.waiting import one_at_a_time

_AT_ONCE = 500
_TRUSTED = (Role.MODERATOR, Role.UNMODERATED, Role.OWNER)


class SqlRosterStore(Store):
    """Sheets against lists and groups."""

    def __init__(self, database: Database, always: Collection[str] = ()) -> None:
        """`always`: the names of the groups that are members of every list."""
        super().__init__(database)
        self._always = always

    @reading
    async def preview(
        self, target: MailingList | Group, lines: Sequence[Line], wanted: Wanted, *, by_source: bool = False
    ) -> Plan:
        return await self._planned(target, lines, wanted, by_source=by_source)

    @atomic
    async def apply(
        self, target: MailingList | Group, lines: Sequence[Line], wanted: Wanted, *, by_source: bool = False
    ) -> Plan:
        await one_at_a_time(PEOPLE)  # the ids of new people are read back
        plan = await self._planned(target, lines, wanted, by_source=by_source)
        for person_id, name in plan.renamed.items():
            await PersonRow.filter(id=person_id).update(name=name)
        await _create(
            AddressRow(person_id=person_id, address=address)
            for person_id, addresses in plan.further.items()
            for address in addresses
        )
        joining = [*plan.joining, *await _added(plan.new)]
        if isinstance(target, Group):
            rows: Any = MembershipRow.filter(group_id=target.id, by_source=by_source)
            await _create(
                MembershipRow(group_id=target.id, person_id=each, by_source=by_source) for each in joining
            )
        else:
            rows = RoleRow.filter(mlist_id=target.id, role=Role.MEMBER)
            await _create(RoleRow(mlist_id=target.id, person_id=each, role=Role.MEMBER) for each in joining)
        for some in in_groups(plan.leaving, _AT_ONCE):
            await rows.filter(person_id__in=some).delete()
        return plan

    async def _planned(
        self, target: MailingList | Group, lines: Sequence[Line], wanted: Wanted, *, by_source: bool
    ) -> Plan:
        known: dict[Address, Person] = {}
        for person in await people_where(Q()):
            known.update(dict.fromkeys(person.addresses, person))
        if isinstance(target, Group):
            members = MembershipRow.filter(group_id=target.id)
            own = set(await column(members.filter(by_source=by_source), "person_id"))
            present = own if by_source else set(await column(members, "person_id"))
        else:
            own = set(await column(RoleRow.filter(mlist_id=target.id, role=Role.MEMBER), "person_id"))
            present = set(await (await bearers(target, Role.MEMBER, self._always)).ways())
        planner = Planner(known, present, own, await _trusted(), wanted)
        return await asyncio.to_thread(planner.plan, lines)  # seconds, for the largest


async def _trusted() -> set[int]:
    """Who does more on some list than to receive, by hand or by a group."""
    by_hand = await column(RoleRow.filter(role__in=_TRUSTED), "person_id")
    groups = await column(GroupRoleRow.filter(role__in=_TRUSTED), "group_id")
    return {*by_hand, *await column(MembershipRow.filter(group_id__in=groups), "person_id")}


async def _added(new: Sequence[tuple[str, Collection[Address]]]) -> list[int]:
    """Add people; their ids, in the same order."""
    newest = await PersonRow.all().order_by("-id").first()
    await _create(PersonRow(name=name) for name, _ in new)
    ids = await column(PersonRow.filter(id__gt=newest.id if newest else 0).order_by("id"), "id")
    await _create(
        AddressRow(person_id=person_id, address=address)
        for person_id, (_, addresses) in zip(ids, new, strict=True)
        for address in addresses
    )
    return ids


async def _create(rows: Iterable[Model]) -> None:
    """Some at a time: meanwhile nobody else in this process is served."""
    for some in in_groups(rows, _AT_ONCE):
        await type(some[0]).bulk_create(some)
