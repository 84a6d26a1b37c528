"""Which cards there are and what they are behind of, in the transaction that changes what they show."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from tortoise.expressions import F, Q, Subquery
from tortoise.queryset import QuerySet

from bot.core.chat import CardKind
from bot.core.posts import PostState
from storage.rows import AdminRow, BindingRow, BounceRow, CardRow, IncidentRow, MlistRow, PostRow, RoomRow
from storage.values import column
from storage.waiting import together

ROOMS = "rooms"
"""What `storage.waiting` calls rooms and what they are bound to."""

REMINDERS = (CardKind.REMINDER, CardKind.FAILURES)
"""Cards about the room that they are in."""

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""Any moment that has passed: what is due then is due at once."""

CALM = timedelta(seconds=5)
"""The progress of a distribution is shown at most that often."""


async def raise_cards(post_ids: Collection[int], at: datetime) -> None:
    """Have the posts' cards shown anew at once.

    A room that opens at this moment waits, and then sees the posts as they are; or it has opened
    before.
    """
    await together(ROOMS)
    await raise_all(_of_posts(post_ids), at)
    # after the cards: one that joins a wave at this moment has joined by now, or sees the change
    await note_waves(await waves_of(_of_posts(post_ids)), at)


async def deal_cards(post: PostRow, at: datetime) -> None:
    """Raise the post's cards, and give it one in every room of its list that has none."""
    await raise_cards([post.id], at)
    await deal(CardKind.POST, [post.id], await rooms_of(post.mlist_id), at)


async def deal_anew(at: datetime) -> None:
    """Each held post has its cards in the rooms of its list; in others, what can still be pressed goes.

    To be called with the rooms held by `one_at_a_time`, after any change of them.
    """
    for mlist_id in await column(MlistRow.all(), "id"):
        rooms = await rooms_of(mlist_id)
        await deal(CardKind.POST, await column(_held(mlist_id), "id"), rooms, at)
        posts = PostRow.filter(mlist_id=mlist_id)
        cards = CardRow.filter(kind=CardKind.POST, about__in=Subquery(posts.values("id")))
        again = await column(cards.filter(room_id__in=rooms, abandoned=True), "id")
        await raise_all(CardRow.filter(id__in=again), at)
        await CardRow.filter(id__in=again).update(abandoned=False)
        await _abandon(cards.filter(abandoned=False).exclude(room_id__in=rooms), posts, at)
    await _deal_to_admins(at)


async def _deal_to_admins(at: datetime) -> None:
    """Where administrators are now, they are told what lasts; where they were, nothing more."""
    told = await incident_rooms()
    theirs = CardRow.filter(kind__in=(CardKind.INCIDENT, CardKind.BOUNCES))
    await theirs.exclude(room_id__in=told).delete()
    lasting = await column(IncidentRow.filter(closed_at__isnull=True), "id")
    await deal(CardKind.INCIDENT, lasting, told, at)
    suspended = BounceRow.filter(suspended_at__isnull=False, mlist_id__isnull=False)
    await deal(CardKind.BOUNCES, await column(suspended.distinct(), "mlist_id"), told, at)


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


async def incident_rooms() -> list[int]:
    """Where incidents and bounces are told: the administrators' rooms, and consoles."""
    seeing = await column(RoomRow.filter(open=True, sees_all=True), "id")
    return sorted({*seeing, *await admins_rooms()})


async def note_progress(post_ids: Collection[int], at: datetime) -> None:
    """Raise the cards of running distributions, without hurry."""
    for row in await _of_posts(post_ids).filter(wave_id__isnull=True).select_for_update():
        await raise_calmly(row, at)


async def raise_calmly(row: CardRow, at: datetime) -> None:
    """Have it shown anew, but not at once if it was just shown."""
    hurried = row.failures or row.shown < row.urgent  # a back-off or a state change sets the date
    calm_at = row.shown_at + CALM if row.shown_at else at
    due_at = (row.due_at if hurried else None) or max(at, calm_at)
    await CardRow.filter(id=row.id).update(wanted=F("wanted") + 1, due_at=due_at)


async def waves_of(cards: QuerySet[CardRow]) -> list[int]:
    """The waves that show these cards."""
    return await column(cards.filter(wave_id__isnull=False).distinct(), "wave_id")


async def note_waves(wave_ids: Collection[int], at: datetime) -> None:
    """Raise waves of which something has changed; those that show nothing any more go."""
    if not wave_ids:
        return
    alive = await column(CardRow.filter(wave_id__in=wave_ids).distinct(), "wave_id")
    empty = CardRow.filter(id__in=set(wave_ids) - set(alive))
    await empty.filter(message_id="").delete()
    await empty.update(abandoned=True)
    await raise_all(CardRow.filter(id__in=wave_ids), at)


async def deal(kind: CardKind, abouts: Collection[int], rooms: Collection[int], at: datetime) -> None:
    """Give each of them a card in every of these rooms that has none."""
    has = set(await CardRow.filter(kind=kind, about__in=abouts).values_list("about", "room_id"))
    await CardRow.bulk_create(
        CardRow(kind=kind, about=about, room_id=room_id, due_at=at)
        for about in abouts
        for room_id in rooms
        if (about, room_id) not in has
    )


async def delete_cards(post_ids: Collection[int]) -> None:
    """The posts are gone, soon. What a wave showed of those that waited goes from there too."""
    held = await column(PostRow.filter(id__in=post_ids, state=PostState.HELD), "id")
    waiting = set(await waves_of(_of_posts(held)))
    others = set(await waves_of(_of_posts(post_ids))) - waiting
    await _of_posts(post_ids).delete()
    await note_waves(waiting, LONG_AGO)
    left = await column(CardRow.filter(wave_id__in=others).distinct(), "wave_id")
    await CardRow.filter(id__in=others - set(left)).delete()


async def _abandon(cards: QuerySet[CardRow], posts: QuerySet[PostRow], at: datetime) -> None:
    """Those that have buttons are shown once more, without; the others stay as they are for good."""
    still = cards.filter(about__in=Subquery(posts.filter(pressable(at)).values("id")))
    shown = await column(still.exclude(message_id=""), "id")
    gone = CardRow.filter(id__in=await column(cards.exclude(id__in=shown), "id"))
    waves = await waves_of(gone)
    await gone.delete()
    await note_waves(waves, at)
    await CardRow.filter(id__in=shown).update(abandoned=True)
    await raise_all(CardRow.filter(id__in=shown), at)


def pressable(at: datetime) -> Q:
    """Of posts: their cards have buttons at this moment."""
    return Q(state__in=(PostState.HELD, PostState.ACCEPTED)) | Q(undo_until__gt=at)


async def raise_all(cards: QuerySet[CardRow], at: datetime) -> None:
    """Have them shown anew at once."""
    await cards.update(wanted=F("wanted") + 1, urgent=F("wanted") + 1, due_at=at)


def _of_posts(post_ids: Collection[int]) -> QuerySet[CardRow]:
    return CardRow.filter(kind=CardKind.POST, about__in=post_ids)


def _held(mlist_id: int) -> QuerySet[PostRow]:
    return PostRow.filter(mlist_id=mlist_id, state=PostState.HELD).order_by("id")
