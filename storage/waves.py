"""The part of the port `RoomStore` about waves and digests: many held posts that one card shows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from tortoise.expressions import F, Q, Subquery
from tortoise.queryset import QuerySet

from bot.core.chat import CardKind, Room, Wave
from bot.core.posts import PostState
from storage.atomic import atomic, reading
from storage.cards import ROOMS, note_waves, raise_calmly
from storage.rows import CardRow, PostRow
from storage.showing import SqlCardStore
from storage.values import column, in_groups
from storage.waiting import together

SINGLE = 5
"""So many unseen posts get a card each; more become a wave."""

YOUNG = timedelta(seconds=60)
"""So long a wave takes in what comes."""

YOUNG_IF_BUSY = timedelta(minutes=10)
"""So long if nothing else could be posted: an edit of an older card is not noticed any more."""

DIGEST = timedelta(days=1)
"""So long after a card of probable spam no other is posted: what comes meanwhile is one digest."""

_ASKED_AT_ONCE = 500
_LAST_PAGE = 1_000_000
_SPAM_RULE = "spam"


@dataclass(frozen=True, slots=True)
class _Gathering:
    """Posts that one card shows, if they are more than `single`; others join while it is `young`."""

    kind: CardKind
    single: int
    young: timedelta

    @property
    def is_of_spam(self) -> bool:
        return self.kind is CardKind.SPAM


_WAVE = _Gathering(CardKind.WAVE, SINGLE, YOUNG)
_DIGEST = _Gathering(CardKind.SPAM, 1, DIGEST)
_KINDS = (_WAVE.kind, _DIGEST.kind)


class SqlWaveStore(SqlCardStore):
    """Waves are cards, and know the cards which they show."""

    async def gather(self, room: Room, now: datetime, *, busy: bool) -> None:
        """Looked up first without a transaction: most of the time there is nothing to do."""
        if not room.sees_all and await self._unseen(room, now):
            await self._gather(room, now, busy=busy)

    @reading
    async def wave(self, wave_id: int) -> Wave | None:
        row = await CardRow.get_or_none(id=wave_id, kind__in=_KINDS)
        if row is None:
            return None
        shown = CardRow.filter(wave_id=wave_id)
        posts = PostRow.filter(id__in=Subquery(shown.values("about"))).order_by("id")
        states = dict(await posts.values_list("id", "state"))
        held = frozenset(post_id for post_id, state in states.items() if state == PostState.HELD)
        return Wave(row.id, row.room_id, tuple(states), held, row.page, spam=row.kind == CardKind.SPAM)

    @atomic
    async def turn(self, wave_id: int, page: int, at: datetime) -> None:
        await CardRow.filter(id=wave_id, kind__in=_KINDS).update(page=page)
        await note_waves([wave_id], at)

    @atomic
    async def take_out(self, room: Room, post_id: int, at: datetime) -> bool:
        await together(ROOMS)
        card = CardRow.filter(room_id=room.id, kind=CardKind.POST, about=post_id, wave_id__isnull=False)
        row = await card.first()
        if row is None or row.wave_id is None:
            return False
        revisions = {"wanted": F("wanted") + 1, "urgent": F("wanted") + 1}
        if await card.update(wave_id=None, message_id="", failures=0, due_at=at, **revisions):
            await note_waves([row.wave_id], at)
        return True

    @reading
    async def _unseen(self, room: Room, now: datetime) -> list[int]:
        return await column(_unseen(room, now), "id")

    @atomic
    async def _gather(self, room: Room, now: datetime, *, busy: bool) -> None:
        await together(ROOMS)
        for gathering in (_WAVE, _DIGEST):
            unseen = await column(_unseen(room, now, gathering).select_for_update(), "id")
            if not unseen:
                continue
            wave = await _open_wave(room, now, gathering, busy=busy)
            if wave:
                await _join(unseen, wave)
                if gathering.is_of_spam:  # it is turned to what is new
                    await CardRow.filter(id=wave.id).update(page=_LAST_PAGE)
                await raise_calmly(wave, now)
            elif len(unseen) + await _shown_lately(room, now, gathering) > gathering.single:
                await _join(unseen, await _new_wave(room, now, gathering))


def _unseen(room: Room, now: datetime, gathering: _Gathering | None = None) -> QuerySet[CardRow]:
    """Cards of held posts that were never shown; what was taken out of a wave counts as shown there."""
    held = PostRow.filter(state=PostState.HELD)
    if gathering:
        held = held.filter(rule=_SPAM_RULE) if gathering.is_of_spam else held.exclude(rule=_SPAM_RULE)
    return CardRow.filter(
        room_id=room.id,
        kind=CardKind.POST,
        shown=0,
        message_id="",
        wave_id__isnull=True,
        abandoned=False,
        due_at__lte=now,
        about__in=Subquery(held.values("id")),
    )


async def _shown_lately(room: Room, now: datetime, gathering: _Gathering) -> int:
    """How many posts had a card of their own there, which count among those that come now."""
    if not gathering.is_of_spam:
        return 0
    cards = CardRow.filter(room_id=room.id, kind=CardKind.POST, wave_id=None, shown_at__gt=now - DIGEST)
    return await PostRow.filter(rule=_SPAM_RULE, id__in=Subquery(cards.values("about"))).count()


async def _open_wave(room: Room, now: datetime, gathering: _Gathering, *, busy: bool) -> CardRow | None:
    """The wave that takes in others."""
    since = now - (YOUNG_IF_BUSY - YOUNG) if busy else now
    waves = CardRow.filter(room_id=room.id, kind=gathering.kind, abandoned=False)
    still = waves.filter(Q(message_id="") | Q(gathers_until__gt=since))
    wave = await still.order_by("-id").select_for_update().first()
    if wave and gathering.is_of_spam:
        # whoever has dealt with all of it would not look at it again
        shown = CardRow.filter(wave_id=wave.id)
        waiting = PostRow.filter(state=PostState.HELD, id__in=Subquery(shown.values("about")))
        return wave if await waiting.exists() else None
    return wave


async def _new_wave(room: Room, now: datetime, gathering: _Gathering) -> CardRow:
    """A card about itself, whose number is known once it is there."""
    until = now + gathering.young
    wave = await CardRow.create(
        kind=gathering.kind, about=0, room_id=room.id, due_at=now, gathers_until=until
    )
    await CardRow.filter(id=wave.id).update(about=wave.id)
    return wave


async def _join(card_ids: Collection[int], wave: CardRow) -> None:
    for group in in_groups(list(card_ids), _ASKED_AT_ONCE):
        await CardRow.filter(id__in=group).update(wave_id=wave.id, shown=F("wanted"), due_at=None)
