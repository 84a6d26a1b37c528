"""One room kept up to date: every card that is behind is posted or edited, in order, with back-off.

Which cards are due is in the database alone, so an outage of the chat network loses nothing and a
restart repeats nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeAlias

import structlog

from bot.chat.bouncing import bounces_card
from bot.chat.cards import card as card_of
from bot.chat.facts import facts_of
from bot.chat.incidents import incident_card
from bot.chat.language import Languages
from bot.chat.reminders import reminder_card
from bot.chat.waves import wave_card
from bot.core.chat import Card, CardKind, Place, Room, Screen, line
from bot.core.clock import Clock
from bot.core.errors import Busy, PermanentError, TransientError, UserError
from bot.core.ports import ChatTransport
from bot.core.stores import Stores
from bot.core.text import Text
from bot.flow.accounts import Accounts
from bot.flow.runner import NOT_ITS_FAULT, alone

CARDS_A_STEP = 20
FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(minutes=10)
AFTER_REFUSAL = timedelta(hours=6)
"""A card that the network refuses for good is tried again, rarely: its rights there may be mended."""

_NOT_ITS_OWN_FAULT = (*NOT_ITS_FAULT, PermanentError)
"""All else is a mistake of ours about one post: those behind it are shown nevertheless."""

Drawn: TypeAlias = tuple[Screen, datetime | None]
"""How a card looks now, and when it will look different by itself."""

_log = structlog.get_logger(__name__)


class RoomWorker:
    """Brings the cards of one room up to date; one task uses it at a time."""

    def __init__(  # noqa: PLR0913 - one of each thing that it needs
        self,
        stores: Stores,
        accounts: Accounts,
        languages: Languages,
        clock: Clock,
        transport: ChatTransport,
        room: Room,
        *,
        rests: bool = True,
    ) -> None:
        """`rests`: a room that cannot be reached is tried a little later, and not at once."""
        self._stores = stores
        self._accounts = accounts
        self._language = languages.of(room.language)
        self._clock = clock
        self._transport = transport
        self._room = room
        # an unreachable room may have been mended without a word: it is tried, rarely
        rest = clock.now() + LONGEST_DELAY if rests and room.unreachable else datetime.min.replace(tzinfo=UTC)
        self._closed_until = dict.fromkeys((True, False), rest)

    async def step(self) -> datetime | None:
        """Show what is due; when there is more to show, None = after the next change.

        What is posted already is edited first: somebody may have tapped it. The network may ask to
        wait with new ones and take edits nevertheless.
        """
        now = self._clock.now()
        await self._stores.rooms.gather(self._room, now, busy=self._closed_until[False] > now)
        again_at = [await self._show_due(posted=posted) for posted in (True, False)]
        return min((moment for moment in again_at if moment), default=None)

    async def _show_due(self, *, posted: bool) -> datetime | None:
        now, rooms = self._clock.now(), self._stores.rooms
        if self._closed_until[posted] <= now:
            cards = await rooms.cards_due(self._room, now, CARDS_A_STEP, posted=posted)
            try:
                await self._show_all(cards)
            except Busy as error:
                self._closed_until[posted] = now + error.delay
        due_at = await rooms.next_due(self._room, posted=posted)
        return max(due_at, self._closed_until[posted]) if due_at else None

    async def _show_all(self, cards: Sequence[Card]) -> None:
        """In their order, as far as it goes. Raises Busy."""
        for card in cards:
            try:
                if not await alone(
                    f"card of {card.kind} {card.about}", partial(self._show, card), but=_NOT_ITS_OWN_FAULT
                ):
                    await self._stores.rooms.postpone(card, self._clock.now() + LONGEST_DELAY)
            except Busy:
                raise
            except TransientError as error:
                delay = min(FIRST_DELAY * 2 ** min(card.failures, 10), LONGEST_DELAY)
                await self._postpone(card, delay, error)
                break  # whatever keeps this one back keeps back the others, and they stay in order
            except PermanentError as error:
                await self._postpone(card, AFTER_REFUSAL, error)

    async def _show(self, card: Card) -> bool:
        """True; what fails is raised."""
        now = self._clock.now()
        drawn = await self._drawn(card)
        if drawn is None:  # there is nothing left to show
            await self._stores.rooms.shown(card, card.message_id, now, None)
            return True
        screen, again_at = drawn
        if card.abandoned and card.kind is CardKind.POST:
            screen, again_at = self._abandoned(screen), None
        message_id = card.message_id
        if message_id:
            await self._transport.edit(card.address, message_id, screen)
        else:
            message_id = await self._transport.post(card.address, replace(screen, key=card.key))
        await self._stores.rooms.shown(card, message_id, now, again_at)
        _log.info("card shown", kind=card.kind.value, about=card.about, room=self._room.id)
        if self._room.unreachable:
            place = Place(self._room.transport, self._room.address)
            await self._stores.rooms.reached(place, None, now)
        return True

    async def _drawn(self, card: Card) -> Drawn | None:
        drawers: Mapping[CardKind, Callable[[int], Awaitable[Drawn | None]]] = {
            CardKind.POST: self._post,
            CardKind.WAVE: self._wave,
            CardKind.SPAM: self._wave,
            CardKind.INCIDENT: self._incident,
            CardKind.REMINDER: partial(self._reminder, CardKind.REMINDER),
            CardKind.FAILURES: partial(self._reminder, CardKind.FAILURES),
            CardKind.BOUNCES: self._bounces,
        }
        return await drawers[card.kind](card.about)

    async def _post(self, post_id: int) -> Drawn | None:
        """None for one that is purged, or whose list is deleted."""
        try:
            post = await self._stores.posts.get(post_id)
            facts = await facts_of(post, self._stores, self._accounts, self._clock)
        except UserError:
            return None
        return card_of(post, facts, self._language)

    async def _incident(self, incident_id: int) -> Drawn | None:
        incident = await self._stores.rooms.incident(incident_id)
        return (incident_card(incident, self._language), None) if incident else None

    async def _reminder(self, kind: CardKind, room_id: int) -> Drawn:
        told = await self._stores.reminders.told_in(room_id, kind)
        return reminder_card(kind, told, self._language), None

    async def _bounces(self, mlist_id: int) -> Drawn | None:
        try:
            mlist = await self._stores.lists.get(mlist_id)
        except UserError:  # deleted just now
            return None
        bounces = self._stores.bounces
        found = [each for each in await bounces.all([mlist_id]) if each.mlist_id == mlist_id]
        return bounces_card(mlist, found, await bounces.unnamed([mlist_id]), self._language), None

    async def _wave(self, wave_id: int) -> Drawn | None:
        wave = await self._stores.rooms.wave(wave_id)
        return (await wave_card(wave, self._stores, self._language), None) if wave else None

    def _abandoned(self, screen: Screen) -> Screen:
        """As it was, with nothing left to press."""
        said = Text("It is no longer decided in this room.").render(self._language)
        return replace(screen, below=(*screen.below, line(said)), buttons=())

    async def _postpone(self, card: Card, delay: timedelta, error: Exception) -> None:
        _log.warning(
            "card not shown", kind=card.kind.value, about=card.about, room=self._room.id, reason=str(error)
        )
        await self._stores.rooms.postpone(card, self._clock.now() + delay)
