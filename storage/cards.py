"""Raising the wanted revision of cards, in the transaction that changes what they show."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from tortoise.expressions import F

from storage.rows import CardRow, RoomRow
from storage.values import column
from storage.waiting import together

ROOMS = "rooms"
"""What `storage.waiting` calls the opening and closing of rooms."""

CALM = timedelta(seconds=5)
"""The progress of a distribution is shown at most that often."""


async def raise_cards(post_ids: Collection[int], at: datetime) -> None:
    """Have the posts' cards shown anew at once.

    A room that opens at this moment waits, and then sees the posts as they are; or it has opened
    before.
    """
    await together(ROOMS)
    await CardRow.filter(post_id__in=post_ids).update(
        wanted=F("wanted") + 1, urgent=F("wanted") + 1, due_at=at
    )


async def deal_cards(post_id: int, at: datetime) -> None:
    """Raise the post's cards, and give it one in every open room that has none."""
    await raise_cards([post_id], at)
    rooms = await column(RoomRow.filter(open=True), "id")
    has = set(await column(CardRow.filter(post_id=post_id), "room_id"))
    await CardRow.bulk_create(
        CardRow(post_id=post_id, room_id=room_id, due_at=at) for room_id in rooms if room_id not in has
    )


async def note_progress(post_ids: Collection[int], at: datetime) -> None:
    """Raise the cards of running distributions, without hurry."""
    for row in await CardRow.filter(post_id__in=post_ids).select_for_update():
        hurried = row.failures or row.shown < row.urgent  # a back-off or a state change sets the date
        calm_at = row.shown_at + CALM if row.shown_at else at
        due_at = row.due_at if hurried else max(at, calm_at)
        await CardRow.filter(id=row.id).update(wanted=F("wanted") + 1, due_at=due_at)
