"""The port `ReminderStore`: what has waited too long, and the cards that say so."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tortoise.expressions import F
from tortoise.queryset import QuerySet

from bot.core.chat import CardKind
from bot.core.deliveries import DeliveryState, NewMailing
from bot.core.posts import Post, PostState
from bot.core.reminders import Overdue
from storage.atomic import Store, atomic, reading
from storage.cards import REMINDERS, ROOMS, deal, incident_rooms, rooms_of
from storage.mailings import add_mailings
from storage.rows import CardRow, DeliveryRow, MlistRow, PostRow, ReminderRow
from storage.values import column, post_of
from storage.waiting import lock_posts, together


@dataclass(frozen=True, slots=True)
class _Waiting:
    """How much of a list waits, and since when the oldest of it does."""

    count: int
    oldest_at: datetime


class SqlReminderStore(Store):
    """Reminders."""

    @atomic
    async def remind(self, hour: datetime, ages: Mapping[int, timedelta], now: datetime) -> None:
        await together(ROOMS)
        for kind in REMINDERS:
            rows = {row.mlist_id: row for row in await ReminderRow.filter(kind=kind)}
            for mlist_id in sorted({*rows, *ages}):
                row = rows.get(mlist_id)
                if row is None or row.told_at < hour:
                    await _tell(kind, mlist_id, row, now - ages.get(mlist_id, timedelta()), now)
            affected = await ReminderRow.filter(kind=kind, told_at=now).exists()
            rooms = await _rooms(kind)
            await _close(kind, rooms, now)
            if affected:
                await CardRow.filter(kind=kind, room_id__in=rooms).update(abandoned=False)
                await _raise(CardRow.filter(kind=kind, room_id__in=rooms), now)
                for room_id in rooms:
                    await deal(kind, [room_id], [room_id], now)

    async def refresh(self, now: datetime) -> None:
        # most looks find nothing changed: they must not queue for the write lock
        if await self._has_changed():
            await self._refresh(now)

    @reading
    async def _has_changed(self) -> bool:
        for kind in REMINDERS:
            if await _changes(kind) or await _cards_over(kind, await _rooms(kind)).exists():
                return True
        return False

    @atomic
    async def _refresh(self, now: datetime) -> None:
        await together(ROOMS)
        for kind in REMINDERS:
            changes = await _changes(kind)
            rooms = await _rooms(kind, [row.mlist_id for row, _ in changes])
            for row, waiting in changes:
                same = ReminderRow.filter(id=row.id)
                if waiting:
                    await same.update(count=waiting.count, oldest_at=waiting.oldest_at)
                else:
                    await same.delete()
            left = await _rooms(kind)
            await _raise(CardRow.filter(kind=kind, room_id__in=rooms & left), now)
            await _close(kind, left, now)

    @reading
    async def told_in(self, room_id: int, kind: CardKind) -> Sequence[Overdue]:
        rows = await ReminderRow.filter(kind=kind)
        here = [row for row in rows if room_id in await _rooms(kind, [row.mlist_id])]
        return sorted(await _overdue(here), key=lambda told: told.list_address)

    @reading
    async def unheard(self, hours: int) -> Sequence[tuple[Overdue, Post]]:
        rows = await ReminderRow.filter(kind=CardKind.REMINDER, hours__gte=hours, owners_told=False)
        oldest = {row.mlist_id: await _held(row.mlist_id, row.before).first() for row in rows}
        return [
            (told, post_of(post))
            for told in await _overdue(rows)
            if (post := oldest[told.mlist_id]) is not None
        ]

    @atomic
    async def tell_owners(self, post: Post, mailings: Sequence[NewMailing]) -> bool:
        await lock_posts([post.id])
        row = await PostRow.get_or_none(id=post.id, state=PostState.HELD)
        if row is None:
            return False
        spell = ReminderRow.filter(kind=CardKind.REMINDER, mlist_id=post.mlist_id, owners_told=False)
        if await spell.update(owners_told=True):
            await add_mailings(row, mailings)
        return True


async def _tell(
    kind: CardKind, mlist_id: int, row: ReminderRow | None, before: datetime, now: datetime
) -> None:
    waiting = await _waiting(kind, mlist_id, before, now)
    if waiting is None:
        await ReminderRow.filter(kind=kind, mlist_id=mlist_id).delete()
        return
    told: dict[str, Any] = {
        "told_at": now,
        "before": before,
        "count": waiting.count,
        "oldest_at": waiting.oldest_at,
    }
    if row is None:
        await ReminderRow.create(kind=kind, mlist_id=mlist_id, **told)
    else:
        await ReminderRow.filter(id=row.id).update(hours=F("hours") + 1, **told)


async def _changes(kind: CardKind) -> list[tuple[ReminderRow, _Waiting | None]]:
    """What differs from what was told; of deliveries, which come and go, only that none is left."""
    found = []
    for row in await ReminderRow.filter(kind=kind).order_by("id"):
        waiting = await _waiting(kind, row.mlist_id, row.before, row.told_at)
        same = waiting == _Waiting(row.count, row.oldest_at)
        if not (same or (waiting and kind is CardKind.FAILURES)):
            found.append((row, waiting))
    return found


async def _waiting(kind: CardKind, mlist_id: int, before: datetime, now: datetime) -> _Waiting | None:
    if kind is CardKind.REMINDER:
        posts = _held(mlist_id, before)
        count, since = await posts.count(), await column(posts.limit(1), "received_at")
    else:
        failing = DeliveryRow.filter(mlist_id=mlist_id, state=DeliveryState.DEFERRED)
        count = await failing.count()
        tried = failing.exclude(first_attempt_at__isnull=True).order_by("first_attempt_at")
        since = await column(tried.limit(1), "first_attempt_at") or [now]  # to be tried anew
    return _Waiting(count, since[0]) if count and since else None


async def _rooms(kind: CardKind, mlist_ids: Collection[int] | None = None) -> set[int]:
    """Where these lists, or for None all of which something is told, are told of."""
    if mlist_ids is None:
        mlist_ids = await column(ReminderRow.filter(kind=kind), "mlist_id")
    if kind is CardKind.FAILURES:
        return set(await incident_rooms()) if mlist_ids else set()
    return {room_id for mlist_id in mlist_ids for room_id in await rooms_of(mlist_id)}


async def _close(kind: CardKind, rooms: Collection[int], at: datetime) -> None:
    """Where nothing is told of any more, that is said on the card, once: the next is another."""
    over = _cards_over(kind, rooms)
    shown = await column(over.exclude(message_id=""), "id")
    await CardRow.filter(id__in=await column(over.filter(message_id=""), "id")).delete()
    await CardRow.filter(id__in=shown).update(abandoned=True)
    await _raise(CardRow.filter(id__in=shown), at)


def _cards_over(kind: CardKind, rooms: Collection[int]) -> QuerySet[CardRow]:
    return CardRow.filter(kind=kind, abandoned=False).exclude(room_id__in=list(rooms))


async def _raise(cards: QuerySet[CardRow], at: datetime) -> None:
    await cards.update(wanted=F("wanted") + 1, urgent=F("wanted") + 1, due_at=at)


async def _overdue(rows: Collection[ReminderRow]) -> list[Overdue]:
    names = dict(await MlistRow.filter(id__in=[row.mlist_id for row in rows]).values_list("id", "address"))
    return [Overdue(row.mlist_id, names[row.mlist_id], row.count, row.oldest_at) for row in rows]


def _held(mlist_id: int, before: datetime) -> QuerySet[PostRow]:
    """The oldest first."""
    held = PostRow.filter(mlist_id=mlist_id, state=PostState.HELD, received_at__lte=before)
    return held.order_by("received_at", "id")
