"""The part of the port `RoomStore` that a room's worker uses: which cards are behind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tortoise.expressions import F
from tortoise.queryset import QuerySet

from bot.core.chat import Card, Incident, Room
from storage.atomic import Store, atomic, reading
from storage.cards import CALM
from storage.rows import CardRow, IncidentRow, RoomRow
from storage.values import card_of, incident_of


class SqlCardStore(Store):
    """Cards that are to be shown."""

    @reading
    async def cards_due(
        self, room: Room, now: datetime, limit: int, *, posted: bool | None = None
    ) -> Sequence[Card]:
        due = _behind(room, posted=posted).filter(due_at__lte=now).order_by("id").limit(limit)
        place = await RoomRow.get_or_none(id=room.id)
        return [card_of(row, place.address) for row in await due] if place else []

    @reading
    async def incident(self, incident_id: int) -> Incident | None:
        row = await IncidentRow.get_or_none(id=incident_id)
        return incident_of(row) if row else None

    @reading
    async def next_due(self, room: Room, *, posted: bool | None = None) -> datetime | None:
        row = await _behind(room, posted=posted).order_by("due_at").first()
        return row.due_at if row else None

    @atomic
    async def shown(self, card: Card, message_id: str, at: datetime, again_at: datetime | None) -> None:
        # a card that was to be posted anew meanwhile keeps that wish: its message_id is another
        same = _row(card).filter(message_id=card.message_id)
        row = await same.select_for_update().first()
        if row is None or not await RoomRow.filter(id=card.room_id, address=card.address).exists():
            return  # or the room has moved: it has to be posted there
        if row.abandoned and row.wanted == card.wanted:
            await row.delete()
            return
        values: dict[str, Any] = {"shown": card.wanted, "message_id": message_id, "shown_at": at}
        if again_at is not None and row.wanted == card.wanted:
            values |= {"wanted": row.wanted + 1, "due_at": again_at}
        elif row.wanted == card.wanted:
            values |= {"due_at": None}
        elif row.urgent <= card.wanted:  # only progress since: it waits its turn
            values |= {"due_at": max(row.due_at or at, at + CALM)}
        await CardRow.filter(id=row.id).update(failures=0, **values)

    @atomic
    async def postpone(self, card: Card, until: datetime) -> None:
        tried = _row(card).filter(urgent__lte=card.wanted)  # what changed since was not: it is due as it is
        await tried.update(failures=F("failures") + 1, due_at=until)


def _row(card: Card) -> QuerySet[CardRow]:
    return CardRow.filter(room_id=card.room_id, kind=card.kind, about=card.about)


def _behind(room: Room, *, posted: bool | None) -> QuerySet[CardRow]:
    due = CardRow.filter(room_id=room.id, due_at__isnull=False)  # by their index: a room has thousands
    behind = due.filter(room__open=True, shown__lt=F("wanted"), wave_id__isnull=True)
    if posted is None:
        return behind
    return behind.exclude(message_id="") if posted else behind.filter(message_id="")
