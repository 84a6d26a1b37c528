"""The port `RoomStore`: rooms and the cards in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tortoise.expressions import F
from tortoise.queryset import QuerySet

from bot.core.chat import Card, Room
from bot.core.posts import PostState
from storage.atomic import Store, atomic, reading
from storage.cards import CALM, ROOMS
from storage.rows import CardRow, PostRow, RoomRow
from storage.values import card_of, column, room_of
from storage.waiting import one_at_a_time


class SqlRoomStore(Store):
    """Rooms and their cards."""

    @atomic
    async def open(self, transport: str, address: str, language: str, now: datetime) -> Room:
        await one_at_a_time(ROOMS)
        row, _ = await RoomRow.get_or_create(
            transport=transport, address=address, defaults={"language": language}
        )
        await RoomRow.filter(id=row.id).update(language=language, open=True)
        row.language = language
        held = await column(PostRow.filter(state=PostState.HELD).order_by("id"), "id")
        await CardRow.filter(room_id=row.id, post_id__in=held).delete()
        await CardRow.bulk_create(CardRow(post_id=post_id, room_id=row.id, due_at=now) for post_id in held)
        return room_of(row)

    @atomic
    async def close(self, room: Room) -> None:
        await one_at_a_time(ROOMS)
        await RoomRow.filter(id=room.id).update(open=False)
        await CardRow.filter(room_id=room.id).delete()

    @reading
    async def cards_due(self, room: Room, now: datetime, limit: int) -> Sequence[Card]:
        due = _behind(room).filter(due_at__lte=now).order_by("post_id").limit(limit)
        return [card_of(row) for row in await due]

    @reading
    async def next_due(self, room: Room) -> datetime | None:
        row = await _behind(room).order_by("due_at").first()
        return row.due_at if row else None

    @atomic
    async def shown(self, card: Card, message_id: str, at: datetime, again_at: datetime | None) -> None:
        # a card that was to be posted anew meanwhile keeps that wish: its message_id is another
        same = CardRow.filter(post_id=card.post_id, room_id=card.room_id, message_id=card.message_id)
        row = await same.select_for_update().first()
        if row is None:
            return
        values: dict[str, Any] = {"shown": card.wanted, "message_id": message_id, "shown_at": at}
        if again_at is not None and row.wanted == card.wanted:
            values |= {"wanted": row.wanted + 1, "due_at": again_at}
        elif row.urgent <= card.wanted:  # only progress since: it waits its turn
            values |= {"due_at": max(row.due_at, at + CALM)}
        await CardRow.filter(id=row.id).update(failures=0, **values)

    @atomic
    async def postpone(self, card: Card, until: datetime) -> None:
        await CardRow.filter(post_id=card.post_id, room_id=card.room_id).update(
            failures=F("failures") + 1, due_at=until
        )


def _behind(room: Room) -> QuerySet[CardRow]:
    return CardRow.filter(room_id=room.id, room__open=True, shown__lt=F("wanted"))
