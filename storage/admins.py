"""The port `AdminStore`: who may do everything, and which person a chat account is of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from bot.core.addresses import Address
from bot.core.errors import UserError
from bot.core.people import Person, Role
from bot.core.text import Text
from storage.atomic import Store, atomic, reading
from storage.cards import ROOMS, deal_anew
from storage.persons import find_person, person_at
from storage.roles import roles_everywhere
from storage.rows import AdminRow, LinkRow
from storage.values import column
from storage.waiting import one_at_a_time


class SqlAdminStore(Store):
    """Administrators, and the roles of linked accounts."""

    @reading
    async def all(self) -> Mapping[str, bool]:
        rows = sorted(await AdminRow.all(), key=lambda row: row.id)
        return {row.id: row.configured for row in rows}

    @atomic
    async def configure(self, ids: Collection[str], at: datetime) -> None:
        await one_at_a_time(ROOMS)
        configured = set(await column(AdminRow.filter(configured=True), "id"))
        if configured == set(ids):
            return
        await AdminRow.filter(id__in=configured | set(ids)).delete()
        await AdminRow.bulk_create(AdminRow(id=actor_id, configured=True) for actor_id in set(ids))
        await deal_anew(at)

    @atomic
    async def add(self, actor_id: str, at: datetime) -> bool:
        await one_at_a_time(ROOMS)
        _, new = await AdminRow.get_or_create(id=actor_id, defaults={"configured": False})
        if new:
            await deal_anew(at)
        return new

    @atomic
    async def remove(self, actor_id: str, at: datetime) -> bool:
        await one_at_a_time(ROOMS)
        row = await AdminRow.get_or_none(id=actor_id)
        if row is None:
            return False
        if row.configured:
            raise UserError(
                Text("{id} is an administrator by the configuration: take it from admins there.", id=actor_id)
            )
        await row.delete()
        await deal_anew(at)
        return True

    @reading
    async def roles(self, actor_id: str) -> Mapping[int, Collection[Role]]:
        link = await LinkRow.get_or_none(actor_id=actor_id)
        return await roles_everywhere(link.person_id) if link else {}

    @reading
    async def linked(self, actor_id: str) -> Person | None:
        link = await LinkRow.get_or_none(actor_id=actor_id)
        return await person_at(link.person_id) if link else None

    @atomic
    async def link(self, actor_id: str, address: Address) -> Person | None:
        person = await find_person(address)
        if person is None:
            return None
        row = await LinkRow.get_or_none(actor_id=actor_id)
        if row is None:
            await LinkRow.create(actor_id=actor_id, person_id=person.id)
        elif row.person_id != person.id:
            await LinkRow.filter(actor_id=actor_id).update(person_id=person.id)
        return person

    @atomic
    async def unlink(self, actor_id: str) -> bool:
        return bool(await LinkRow.filter(actor_id=actor_id).delete())
