"""One room kept up to date: every card that is behind is posted or edited, in order, with back-off.

Which cards are due is in the database alone, so an outage of the chat network loses nothing and a
restart repeats nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.chat.cards import card as card_of
from bot.chat.facts import facts_of
from bot.chat.language import Languages
from bot.core.chat import Card, Room
from bot.core.clock import Clock
from bot.core.errors import PermanentError, TransientError, UserError
from bot.core.ports import ChatTransport
from bot.core.stores import Stores
from bot.flow.accounts import Accounts
from bot.flow.runner import NOT_ITS_FAULT, alone

CARDS_A_STEP = 20
FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(minutes=10)
AFTER_REFUSAL = timedelta(hours=6)
"""A card that the network refuses for good is tried again, rarely: its rights there may be mended."""

_NOT_ITS_OWN_FAULT = (*NOT_ITS_FAULT, PermanentError)
"""All else is a mistake of ours about one post: those behind it are shown nevertheless."""

_log = structlog.get_logger(__name__)


class RoomWorker:
    """Brings the cards of one room up to date; one task uses it at a time."""

    def __init__(
        self,
        stores: Stores,
        accounts: Accounts,
        languages: Languages,
        clock: Clock,
        transport: ChatTransport,
        room: Room,
    ) -> None:
        self._stores = stores
        self._accounts = accounts
        self._language = languages.of(room.language)
        self._clock = clock
        self._transport = transport
        self._room = room

    async def step(self) -> datetime | None:
        """Show what is due; when there is more to show, None = after the next change."""
        for card in await self._stores.rooms.cards_due(self._room, self._clock.now(), CARDS_A_STEP):
            try:
                if not await alone(
                    f"card of {card.post_id}", partial(self._show, card), but=_NOT_ITS_OWN_FAULT
                ):
                    await self._stores.rooms.postpone(card, self._clock.now() + LONGEST_DELAY)
            except TransientError as error:
                delay = min(FIRST_DELAY * 2 ** min(card.failures, 10), LONGEST_DELAY)
                await self._postpone(card, delay, error)
                break  # whatever keeps this one back keeps back the others, and they stay in order
            except PermanentError as error:
                await self._postpone(card, AFTER_REFUSAL, error)
        return await self._stores.rooms.next_due(self._room)

    async def _show(self, card: Card) -> bool:
        """True; what fails is raised."""
        now = self._clock.now()
        try:
            post = await self._stores.posts.get(card.post_id)
            facts = await facts_of(post, self._stores, self._accounts, self._clock)
        except UserError:  # purged, or its list deleted: there is nothing left to show
            await self._stores.rooms.shown(card, card.message_id, now, None)
            return True
        screen, again_at = card_of(post, facts, self._language)
        message_id = card.message_id
        if message_id:
            await self._transport.edit(self._room.address, message_id, screen)
        else:
            message_id = await self._transport.post(self._room.address, screen)
        await self._stores.rooms.shown(card, message_id, now, again_at)
        _log.info("card shown", post=post.id, state=post.state, room=self._room.id)
        return True

    async def _postpone(self, card: Card, delay: timedelta, error: Exception) -> None:
        _log.warning("card not shown", post=card.post_id, room=self._room.id, reason=str(error))
        await self._stores.rooms.postpone(card, self._clock.now() + delay)
