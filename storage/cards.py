"""Which cards there are and what they are behind of, in the transaction that changes what they show."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from tortoise.expressions import F, Q
from tortoise.queryset import QuerySet

from bot.core.posts import PostState
from storage.rows import AdminRow, BindingRow, CardRow, MlistRow, PostRow, RoomRow
from storage.values import column
from storage.waiting import together

ROOMS = "rooms"
"""What `storage.waiting` calls rooms and what they are bound to."""

CALM = timedelta(seconds=5)
"""The progress of a distribution is shown at most that often."""


async def raise_cards(post_ids: Collection[int], at: datetime) -> None:
    """Have the posts' cards shown anew at once.

    A room that opens at this moment waits, and then sees the posts as they are; or it has opened
    before.
    """
    await together(ROOMS)
    await _raise(CardRow.filter(post_id__in=post_ids), at)


async def deal_cards(post: PostRow, at: datetime) -> None:
    """Raise the post's cards, and give it one in every room of its list that has none."""
    await raise_cards([post.id], at)
    await _deal([post.id], await rooms_of(post.mlist_id), at)


async def deal_anew(at: datetime) -> None:
    """Each held post has its cards in the rooms of its list; in others, what can still be pressed goes.

    To be called with the rooms held by `one_at_a_time`, after any change of them.
    """
    for mlist_id in await column(MlistRow.all(), "id"):
        rooms = await rooms_of(mlist_id)
        await _deal(await column(_held(mlist_id), "id"), rooms, at)
        there = CardRow.filter(post__mlist_id=mlist_id, room_id__in=rooms, abandoned=True)
        again = await column(there, "id")
        await _raise(CardRow.filter(id__in=again), at)
        await CardRow.filter(id__in=again).update(abandoned=False)
        elsewhere = CardRow.filter(post__mlist_id=mlist_id, abandoned=False).exclude(room_id__in=rooms)
        await _abandon(elsewhere, at)


async def rooms_of(mlist_id: int) -> list[int]:
    """The rooms in which a list's cards are shown."""
    seeing = await column(RoomRow.filter(open=True, sees_all=True), "id")
    bound = await column(BindingRow.filter(mlist_id=mlist_id, room__open=True), "room_id")
    return sorted({*seeing, *(bound or await admins_rooms())})


async def admins_rooms() -> list[int]:
    """Where administrators are told: the rooms bound as theirs, else the private room of each."""
    bound = await column(BindingRow.filter(mlist_id__isnull=True, room__open=True), "room_id")
    if bound:
        return sorted(bound)
    private = RoomRow.filter(open=True, private_of__in=await column(AdminRow.all(), "id"))
    return sorted(await column(private, "id"))


async def note_progress(post_ids: Collection[int], at: datetime) -> None:
    """Raise the cards of running distributions, without hurry."""
    for row in await CardRow.filter(post_id__in=post_ids).select_for_update():
        hurried = row.failures or row.shown < row.urgent  # a back-off or a state change sets the date
        calm_at = row.shown_at + CALM if row.shown_at else at
        due_at = row.due_at if hurried else max(at, calm_at)
        await CardRow.filter(id=row.id).update(wanted=F("wanted") + 1, due_at=due_at)


async def _deal(post_ids: Collection[int], rooms: Collection[int], at: datetime) -> None:
    has = set(await CardRow.filter(post_id__in=post_ids).values_list("post_id", "room_id"))
    await CardRow.bulk_create(
        CardRow(post_id=post_id, room_id=room_id, due_at=at)
        for post_id in post_ids
        for room_id in rooms
        if (post_id, room_id) not in has
    )


async def _abandon(cards: QuerySet[CardRow], at: datetime) -> None:
    """Those that have buttons are shown once more, without; the others stay as they are for good."""
    pressable = Q(post__state__in=(PostState.HELD, PostState.ACCEPTED)) | Q(post__undo_until__gt=at)
    shown = await column(cards.filter(pressable).exclude(message_id=""), "id")
    await CardRow.filter(id__in=await column(cards.exclude(id__in=shown), "id")).delete()
    await CardRow.filter(id__in=shown).update(abandoned=True)
    await _raise(CardRow.filter(id__in=shown), at)


async def _raise(cards: QuerySet[CardRow], at: datetime) -> None:
    await cards.update(wanted=F("wanted") + 1, urgent=F("wanted") + 1, due_at=at)


def _held(mlist_id: int) -> QuerySet[PostRow]:
    return PostRow.filter(mlist_id=mlist_id, state=PostState.HELD).order_by("id")
