"""The port `BounceStore`: points of addresses that mail does not reach."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from tortoise.expressions import F, Q
from tortoise.queryset import QuerySet

from bot.core.addresses import Address
from bot.core.bounces import Bouncing, Failure, Limit, Unnamed
from bot.core.chat import CardKind
from storage.atomic import Store, atomic, reading
from storage.cards import LONG_AGO, ROOMS, deal, incident_rooms, raise_all
from storage.rows import AddressRow, BounceRow, CardRow, UnnamedBounceRow
from storage.values import column
from storage.waiting import one_at_a_time, together

ONE_CARD = timedelta(days=1)
"""So long a card is edited, before the next thing to tell is posted anew."""


class SqlBounceStore(Store):
    """One row for each address that has points, or that lately refused a mail as such."""

    @atomic
    async def note(
        self, mlist_id: int, failure: Failure, at: datetime, limit: Limit, report: int | None = None
    ) -> Bouncing | None:
        if not await AddressRow.filter(address=failure.address).exists():
            return None
        await one_at_a_time("bounces")
        row = await BounceRow.get_or_none(address=failure.address)
        if row is None:
            row = BounceRow(address=failure.address, points=0, last_at=LONG_AGO)
        counts, bounced, today = not failure.blames_mail, row.points > 0, _day(row.last_at) == _day(at)
        if (bounced and today) if counts else (bounced or today):
            return _bouncing(row)  # nothing new
        if at - row.last_at > limit.forget and not row.suspended_at:
            row.points = 0
        row.mlist_id, row.last_at, row.reason, row.report = mlist_id, at, failure.reason, report
        row.points += counts
        if row.points >= limit.points and not row.suspended_at:
            row.suspended_at = at
        await row.save()
        await _tell(mlist_id, at)
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
        return await forget_bounces([address])


async def forget_bounces(addresses: Collection[str]) -> bool:
    """Nothing counts against them any more, and the cards that told of it follow. False = nothing did."""
    found = BounceRow.filter(address__in=list(addresses))
    mlist_ids = set(await column(found, "mlist_id"))
    if not await found.delete():
        return False
    await together(ROOMS)
    await raise_all(_cards([mlist_id for mlist_id in mlist_ids if mlist_id is not None]), LONG_AGO)
    return True


async def forget_cards_of_bounces(mlist_id: int) -> None:
    """The list goes: what was posted stays as it is."""
    await _cards([mlist_id]).delete()


async def _tell(mlist_id: int, at: datetime) -> None:
    await together(ROOMS)
    await deal(CardKind.BOUNCES, [mlist_id], await incident_rooms(), at)
    cards = _cards([mlist_id])
    old = cards.filter(Q(gathers_until=None) | Q(gathers_until__lte=at))
    await old.update(message_id="", failures=0, gathers_until=at + ONE_CARD)
    await raise_all(cards, at)


def _cards(mlist_ids: Collection[int]) -> QuerySet[CardRow]:
    return CardRow.filter(kind=CardKind.BOUNCES, about__in=list(mlist_ids))


async def _sorted(found: QuerySet[BounceRow]) -> list[Bouncing]:
    rows = await found
    rows.sort(key=lambda row: (row.suspended_at is None, -row.last_at.timestamp(), row.address))
    return [_bouncing(row) for row in rows]


def _bouncing(row: BounceRow) -> Bouncing:
    return Bouncing(
        Address(row.address),
        row.mlist_id,
        row.points,
        row.last_at,
        row.reason,
        row.suspended_at,
        row.report,
    )


def _day(moment: datetime) -> object:
    return moment.astimezone(UTC).date()
