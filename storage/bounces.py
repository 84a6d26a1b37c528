"""The port `BounceStore`: points of addresses that mail does not reach."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from tortoise.expressions import F, Q
from tortoise.queryset import QuerySet

from bot.core.addresses import Address
from bot.core.bounces import Bouncing, Failure, Limit, Unnamed
from storage.atomic import Store, atomic, reading
from storage.rows import AddressRow, BounceRow, UnnamedBounceRow
from storage.values import column
from storage.waiting import one_at_a_time


class SqlBounceStore(Store):
    """One row for each address that has points."""

    @atomic
    async def note(self, mlist_id: int, failure: Failure, at: datetime, limit: Limit) -> Bouncing | None:
        if not await AddressRow.filter(address=failure.address).exists():
            return None
        await one_at_a_time("bounces")
        row = await BounceRow.get_or_none(address=failure.address)
        if row is None:
            row = BounceRow(address=failure.address, points=0, last_at=at)
        elif _day(row.last_at) == _day(at):
            return _bouncing(row)
        elif at - row.last_at > limit.forget and not row.suspended_at:
            row.points = 0
        row.mlist_id, row.last_at, row.reason = mlist_id, at, failure.reason
        row.points += 1
        if row.points >= limit.points and not row.suspended_at:
            row.suspended_at = at
        await row.save()
        return _bouncing(row)

    @atomic
    async def note_unnamed(self, mlist_id: int, at: datetime) -> None:
        await one_at_a_time("bounces")
        found = UnnamedBounceRow.filter(mlist_id=mlist_id)
        if not await found.update(count=F("count") + 1, last_at=at):
            await UnnamedBounceRow.create(mlist_id=mlist_id, count=1, last_at=at)

    @reading
    async def suspended(self) -> Collection[Address]:
        return frozenset(await column(BounceRow.exclude(suspended_at=None), "address"))

    @reading
    async def all(self, mlist_ids: Collection[int]) -> Sequence[Bouncing]:
        return await _sorted(BounceRow.filter(Q(mlist_id__in=list(mlist_ids)) | Q(mlist_id=None)))

    @reading
    async def of(self, addresses: Collection[Address]) -> Sequence[Bouncing]:
        return await _sorted(BounceRow.filter(address__in=list(addresses)))

    @reading
    async def unnamed(self, mlist_ids: Collection[int]) -> Sequence[Unnamed]:
        rows = await UnnamedBounceRow.filter(mlist_id__in=list(mlist_ids)).order_by("mlist_id")
        return [Unnamed(row.mlist_id, row.count, row.last_at) for row in rows]

    @atomic
    async def reactivate(self, address: Address) -> bool:
        return bool(await BounceRow.filter(address=address).delete())


async def _sorted(found: QuerySet[BounceRow]) -> list[Bouncing]:
    rows = await found
    rows.sort(key=lambda row: (row.suspended_at is None, -row.last_at.timestamp(), row.address))
    return [_bouncing(row) for row in rows]


def _bouncing(row: BounceRow) -> Bouncing:
    return Bouncing(Address(row.address), row.mlist_id, row.points, row.last_at, row.reason, row.suspended_at)


def _day(moment: datetime) -> object:
    return moment.astimezone(UTC).date()
