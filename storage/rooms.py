"""The port `RoomStore`: rooms and what they are bound to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tortoise.expressions import F

from bot.core.chat import CardKind, Place, Room
from bot.core.posts import PostState
from bot.core.text import Text
from storage.atomic import atomic, reading
from storage.cards import REMINDERS, ROOMS, admins_rooms, deal_anew, pressable, rooms_of, waves_of
from storage.incidents import forget_incidents, note_health
from storage.rows import BindingRow, CardRow, IncidentRow, PostRow, RoomRow
from storage.values import column, room_of
from storage.waiting import one_at_a_time, together
from storage.waves import SqlWaveStore


class SqlRoomStore(SqlWaveStore):
    """Rooms; their cards are in the base classes."""

    @atomic
    async def open(self, transport: str, address: str, language: str, now: datetime) -> Room:
        await one_at_a_time(ROOMS)
        values = {"language": language, "open": True, "sees_all": True}
        row, _ = await RoomRow.update_or_create(transport=transport, address=address, defaults=values)
        await CardRow.filter(room_id=row.id).delete()
        await deal_anew(now)
        return await _room(row)

    @atomic
    async def close(self, room: Room) -> None:
        await one_at_a_time(ROOMS)
        await RoomRow.filter(id=room.id).update(open=False)
        await CardRow.filter(room_id=room.id).delete()

    @atomic
    async def meet(self, place: Place, actor_id: str, at: datetime) -> None:
        await one_at_a_time(ROOMS)
        row = await _row(place)
        if not row.sees_all:
            await RoomRow.filter(id=row.id).update(private_of=actor_id)
            await deal_anew(at)

    @reading
    async def at(self, place: Place) -> Room | None:
        row = await RoomRow.get_or_none(transport=place.transport, address=place.address)
        return await _room(row) if row else None

    @reading
    async def running(self, transport: str) -> Sequence[Room]:
        rows = RoomRow.filter(transport=transport, open=True).order_by("id")
        return [await _room(row) for row in await rows]

    @reading
    async def of(self, mlist_id: int | None) -> Sequence[Room]:
        ids = await admins_rooms() if mlist_id is None else await rooms_of(mlist_id)
        return [await _room(row) for row in await RoomRow.filter(id__in=ids).order_by("id")]

    @atomic
    async def bind(self, place: Place, mlist_id: int | None, at: datetime) -> bool:
        await one_at_a_time(ROOMS)
        row = await _row(place)
        if await _binding(row.id, mlist_id):
            return False
        await BindingRow.create(room_id=row.id, mlist_id=mlist_id)
        await deal_anew(at)
        return True

    @atomic
    async def unbind(self, place: Place, mlist_id: int | None, at: datetime) -> bool:
        await one_at_a_time(ROOMS)
        row = await _row(place)
        binding = await _binding(row.id, mlist_id)
        if binding is None:
            return False
        await binding.delete()
        await deal_anew(at)
        return True

    @atomic
    async def speak(self, place: Place, language: str) -> None:
        await one_at_a_time(ROOMS)
        await RoomRow.filter(id=(await _row(place)).id).update(language=language)

    @atomic
    async def moved(self, transport: str, before: str, after: str, at: datetime) -> None:
        await one_at_a_time(ROOMS)
        left = await RoomRow.get_or_none(transport=transport, address=before)
        if left is None:  # told before
            return
        row = await RoomRow.get_or_none(transport=transport, address=after)
        if row is None:
            await RoomRow.filter(id=left.id).update(address=after, unreachable=None)
            await note_health(f"room {left.id}", Text("The room {room}", room=left.title or after), None, at)
            await _post_anew(left.id, at)
            return
        known = await column(BindingRow.filter(room_id=row.id), "mlist_id")
        for binding in await BindingRow.filter(room_id=left.id):
            if binding.mlist_id in known:
                await binding.delete()
            else:
                await BindingRow.filter(id=binding.id).update(room_id=row.id)
        await CardRow.filter(room_id=left.id).delete()
        await forget_incidents(f"room {left.id}")
        await left.delete()
        await deal_anew(at)

    @atomic
    async def reached(self, place: Place, why: Text | None, at: datetime) -> None:
        row = await RoomRow.get_or_none(transport=place.transport, address=place.address)
        if row:
            await RoomRow.filter(id=row.id).update(unreachable=why.dump() if why else None)
            if row.unreachable and why is None:
                await _try_again(row.id, at)
            what = Text("The room {room}", room=row.title or row.address)
            await note_health(f"room {row.id}", what, why, at)

    @atomic
    async def works(self, key: str, what: Text, trouble: Text | None, at: datetime) -> None:
        await note_health(key, what, trouble, at)


async def _row(place: Place) -> RoomRow:
    """The room of a place, which is known from now on."""
    identity: dict[str, Any] = {"transport": place.transport, "address": place.address}
    row, _ = await RoomRow.get_or_create(**identity, defaults={"title": place.title})
    if place.title and row.title != place.title:
        await RoomRow.filter(id=row.id).update(title=place.title)
    return row


async def _binding(room_id: int, mlist_id: int | None) -> BindingRow | None:
    bound = BindingRow.filter(room_id=room_id)
    bound = bound.filter(mlist_id__isnull=True) if mlist_id is None else bound.filter(mlist_id=mlist_id)
    return await bound.first()


async def _try_again(room_id: int, at: datetime) -> None:
    """What could not be shown there waits for hours, or is being refused at this moment; now it can."""
    await together(ROOMS)
    behind = CardRow.filter(room_id=room_id, shown__lt=F("wanted"))
    await behind.update(failures=0, wanted=F("wanted") + 1, urgent=F("wanted") + 1, due_at=at)


async def _post_anew(room_id: int, at: datetime) -> None:
    """What was posted under another address cannot be edited, and its number may be another message's here.

    What is not over is posted once more; the rest stays as it is, and has no card any more.
    """
    held = await column(PostRow.filter(state=PostState.HELD), "id")
    posts = await column(PostRow.filter(pressable(at)), "id")
    lasting = await column(IncidentRow.filter(closed_at__isnull=True), "id")
    cards = CardRow.filter(room_id=room_id, abandoned=False)
    waves = await waves_of(cards.filter(kind=CardKind.POST, about__in=held))
    incidents = cards.filter(kind=CardKind.INCIDENT, about__in=lasting)
    single = await column(cards.filter(kind=CardKind.POST, about__in=posts, wave_id__isnull=True), "id")
    others = [*waves, *await column(incidents, "id"), *await column(cards.filter(kind__in=REMINDERS), "id")]
    shown_by_waves = await column(cards.filter(wave_id__in=waves), "id")
    await CardRow.filter(room_id=room_id).exclude(id__in=[*single, *others, *shown_by_waves]).delete()
    raised = {"wanted": F("wanted") + 1, "urgent": F("wanted") + 1}
    anew = {"message_id": "", "failures": 0, "due_at": at, **raised}
    await CardRow.filter(id__in=single).update(shown=0, **anew)  # many of them are a wave there
    await CardRow.filter(id__in=others).exclude(message_id="").update(**anew)


async def _room(row: RoomRow) -> Room:
    bound = await column(BindingRow.filter(room_id=row.id), "mlist_id")
    return room_of(row, bound)
