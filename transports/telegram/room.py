"""Telegram as a chat network: what is said and pressed there, and the screens shown there."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import structlog
from telegram import Document, InlineKeyboardMarkup, Update
from typing_extensions import override

from bot.core.chat import Place, Screen, Sent, Utterance, line
from bot.core.errors import FacteurError
from bot.core.ports import ChatTransport, Listener
from bot.core.text import ENGLISH, Language, Text
from transports.telegram.answers import Answers, Below
from transports.telegram.api import Api
from transports.telegram.budget import Kind
from transports.telegram.inbox import Inbox
from transports.telegram.keyboard import keyboard
from transports.telegram.menu import Menu, offer
from transports.telegram.render import card, clean
from transports.telegram.spots import Spot
from transports.telegram.troubles import Unreachable
from transports.telegram.updates import (
    NAME,
    Event,
    Membership,
    Moved,
    Said,
    Tapped,
    chain_of,
    understood,
)

__all__ = ["Menu", "Telegram"]

_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 60.0
_TIME_TO_FINISH_S = 2.5
_TAP_S = 1.0
"""What waits for a tap to be answered waits no longer than this: the database may be slow."""

_DELETE_IT = Text("Please delete your message: there is a password in it, and I may not do so here.")

_log = structlog.get_logger(__name__)


class _Taps:
    """Presses that were not answered yet: nothing else is sent before."""

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    def __enter__(self) -> None:
        self._count += 1
        self._none.clear()

    def __exit__(self, *_: object) -> None:
        self._count -= 1
        if not self._count:
            self._none.set()

    async def none(self) -> None:
        """Return when none is left, or soon."""
        try:
            await asyncio.wait_for(self._none.wait(), _TAP_S)
        except TimeoutError:
            pass


class Telegram(ChatTransport):
    """A bot's account on Telegram.

    Args:
        token: what @BotFather gave.
        base_url: of a Bot API server of one's own; empty = Telegram's.
        language: that of the transport's own few words.
        menus: the commands to offer, by language.
        admins: ids of actors to whom all of them are offered.
        now: the clock that the limits are kept by, in seconds.
    """

    name = NAME

    def __init__(
        self,
        token: str,
        *,
        base_url: str = "",
        language: Language = ENGLISH,
        menus: Sequence[Menu] = (),
        admins: Collection[str] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._language = language
        self._menus = menus
        self._admins = [
            int(who)
            for network, _, who in (each.partition(":") for each in admins)
            if network == NAME and who.isdigit()
        ]
        self._api = Api(token, base_url, self._has_moved, now)
        self._answers = Answers(self._api, language)
        self._taps = _Taps()
        self._listener: Listener | None = None
        self._known: dict[int, set[str]] = {}
        self._welcomes: Counter[int] = Counter()

    @override
    async def run(self, listener: Listener) -> None:
        """Listen until cancelled; an answer under way is finished first."""
        self._listener = listener
        inbox = self._inbox()
        try:
            await self._greeted()
            menus = asyncio.create_task(offer(self._api, self._menus, self._admins))
            try:
                await inbox.listen()
            finally:
                menus.cancel()
        finally:
            await inbox.finish(_TIME_TO_FINISH_S)
            await self._answers.finish(_TIME_TO_FINISH_S)
            await self._api.close()

    @override
    async def drain(self, listener: Listener) -> None:
        self._listener = listener
        await self._api.hello()
        await self._inbox().drain()

    @override
    async def check(self, address: str = "") -> Text | None:
        me = await self._api.hello()
        if address:
            await self._api.look_at(Spot.at(address))
        elif me.can_read_all_group_messages:
            return Text(
                "In groups this bot gets to read everything, and needs only what is said to it: @BotFather, "
                "/setprivacy, Enable; then take it out of the group and in again."
            )
        return None

    @override
    async def part_of(self, place: Place, title: str, among: Collection[str]) -> Place:
        spot = Spot.at(place.address)
        for other in map(Spot.at, among):
            if other.chat == spot.chat and other.thread and not spot.thread:
                return replace(place, address=str(other))
        topic = 0 if spot.thread or spot.private else await self._api.new_topic(spot, title)
        return replace(place, address=str(Spot(spot.chat, topic))) if topic else place

    @override
    async def post(self, address: str, screen: Screen) -> str:
        spot = Spot.at(address)
        await self._taps.none()
        with_buttons = await self._keyboard(spot, screen)
        async with self._reaching(spot):
            message = await self._api.send(spot, card(screen), Kind.CARD, markup=with_buttons)
        if screen.files:
            self._answers.post(Below(spot, reply_to=message), [Screen(lines=(), files=screen.files)])
        return str(message)

    @override
    async def edit(self, address: str, message_id: str, screen: Screen) -> None:
        spot = Spot.at(address)
        await self._taps.none()
        with_buttons = await self._keyboard(spot, screen)
        async with self._reaching(spot):
            await self._api.edit(spot, int(message_id), card(screen), with_buttons)

    @override
    async def close(self) -> None:
        await self._answers.finish(_TIME_TO_FINISH_S)
        await self._api.close()

    async def _greeted(self) -> None:
        """Know who the bot is, which tells what is said to it; for as long as it takes."""
        delay_s, told = _FIRST_DELAY_S, ""
        while not self._api.me:
            try:
                await self._api.hello()
            except FacteurError as error:
                if told != str(error):
                    told = str(error)
                    _log.warning("telegram away", why=told)
                    await self._away(error.text)
                await asyncio.sleep(delay_s)
                delay_s = min(2 * delay_s, _LONGEST_DELAY_S)

    def _inbox(self) -> Inbox:
        return Inbox(self._api, self._handle, lambda update: chain_of(self._understood(update)), self._away)

    async def _away(self, why: Text | None) -> None:
        if self._listener:
            await self._listener.away(NAME, why)

    def _understood(self, update: Update) -> Event | None:
        assert self._api.me
        return understood(update, self._api.me, self._api.links, self._language)

    async def _handle(self, update: Update) -> None:
        listener = self._listener
        assert listener
        match self._understood(update):
            case Tapped() as tapped:
                await self._pressed(listener, tapped)
            case Said() as said:
                await self._said(listener, said)
            case Moved(before, after):
                await listener.moved(NAME, str(before), str(after))
            case Membership(place, why):
                await self._reachable(listener, place, why)
            case None:
                pass

    async def _pressed(self, listener: Listener, tapped: Tapped) -> None:
        """The sentence first, before anything else leaves; then what is to be seen."""
        with self._taps:
            answer = await listener.pressed(tapped.press)
            if tapped.query:
                await self._answer_press(tapped.query, answer.text)
        screens = answer.screens
        if answer.text and not tapped.query:  # a link led here: there is no other place for the sentence
            screens = (Screen(lines=(line(answer.text),)), *screens)
        below = Below(tapped.spot, tapped.message, tapped.user, tapped.press.speaker.name)
        if answer.instead and tapped.message:
            self._answers.turn(below, answer.instead)
        elif answer.instead:
            screens = (answer.instead, *screens)
        self._answers.post(below, screens)

    async def _answer_press(self, query: str, text: str) -> None:
        try:
            await self._api.answer_press(query, text)
        except FacteurError as error:  # most of all: pressed while we were down, which is too long ago
            _log.info("press not answered", why=str(error))

    async def _said(self, listener: Listener, said: Said) -> None:
        files = tuple(self._sent(each) for each in (said.file,) if each)
        answer = await listener.said(Utterance(said.speaker, said.place, said.text, files, said.forwarded))
        if answer is None:
            return
        screens = answer.screens
        if answer.text:
            screens = (Screen(lines=(line(answer.text),)), *screens)
        if answer.secret and not await self._deleted(said):
            screens = (*screens, Screen(lines=(line(_DELETE_IT.render(self._language), strong=True),)))
        self._answers.post(_below(said, deleted=answer.secret), screens)

    async def _deleted(self, said: Said) -> bool:
        """Whether a message with a password is gone from the chat."""
        try:
            await self._answers.patiently(lambda: self._api.delete(said.spot, said.message))
        except FacteurError as error:
            _log.warning("message with a password not deleted", chat=said.spot.chat, why=str(error))
            return False
        return True

    def _sent(self, file: Document) -> Sent:
        fetch = partial(self._api.download, file.file_id)
        return Sent(clean(file.file_name or "file"), file.file_size or 0, fetch)

    async def _keyboard(self, spot: Spot, screen: Screen) -> InlineKeyboardMarkup | None:
        leads_away = not spot.private and any(button.private for row in screen.buttons for button in row)
        if leads_away and not self._api.me:
            await self._api.hello()
        return keyboard(screen, links=self._api.links, private=spot.private)

    @asynccontextmanager
    async def _reaching(self, spot: Spot) -> AsyncIterator[None]:
        """Whoever watches over rooms is told when one cannot be written to."""
        self._known.setdefault(spot.chat, set()).add(str(spot))
        before = self._welcomes[spot.chat]
        try:
            yield
        except Unreachable as error:
            if self._listener and before == self._welcomes[spot.chat]:  # else it is older than what was told
                await self._listener.unreachable(Place(NAME, str(spot), private=spot.private), error.text)
            raise

    async def _reachable(self, listener: Listener, place: Place, why: Text | None) -> None:
        """What befalls the bot in a group befalls it in each of its topics."""
        chat = Spot.at(place.address).chat
        if why is None:
            self._welcomes[chat] += 1
        for address in {place.address} | self._known.get(chat, set()):
            await listener.unreachable(replace(place, address=address), why)

    async def _has_moved(self, before: Spot, after: Spot) -> None:
        if self._listener:
            await self._listener.moved(NAME, str(before), str(after))


def _below(said: Said, *, deleted: bool = False) -> Below:
    """Answers in groups refer to what they answer, unless that is gone."""
    return Below(said.spot, 0 if deleted or said.place.private else said.message)
