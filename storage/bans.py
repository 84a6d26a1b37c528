"""The port `BanStore`: authors who are not heard."""

from __future__ import annotations

from collections.abc import Sequence

from tortoise.expressions import Q

from bot.core.people import Ban
from storage.atomic import Store, atomic, reading
from storage.rows import BanRow
from storage.waiting import one_at_a_time


class SqlBanStore(Store):
    """Bans of one list, or of all."""

    @atomic
    async def add(self, ban: Ban) -> bool:
        await one_at_a_time("bans")
        if await BanRow.filter(_concerned(ban.mlist_id), pattern=ban.pattern).exists():
            return False
        await BanRow.create(mlist_id=ban.mlist_id, pattern=ban.pattern, by=ban.by, at=ban.at)
        return True

    @atomic
    async def remove(self, pattern: str, mlist_id: int | None) -> bool:
        return bool(await BanRow.filter(_concerned(mlist_id), pattern=pattern).delete())

    @reading
    async def concerning(self, mlist_id: int | None) -> Sequence[Ban]:
        which = _concerned(None) if mlist_id is None else _concerned(None) | _concerned(mlist_id)
        rows = await BanRow.filter(which).order_by("id")
        return [Ban(row.pattern, row.mlist_id, row.by, row.at) for row in rows]


def _concerned(mlist_id: int | None) -> Q:
    return Q(mlist_id__isnull=True) if mlist_id is None else Q(mlist_id=mlist_id)
