"""What people do in rooms, as words and presses for the listener; each is answered where it was said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import structlog
from nio import MatrixRoom
from nio.events import Event, ReactionEvent, RoomMessageText
from nio.events.room_events import RoomEncryptedFile, RoomMessageFile

from bot.core.chat import Answer, Place, Press, Screen, Sent, Utterance
from bot.core.errors import FacteurError
from bot.core.people import Actor
from bot.core.ports import Listener
from transports.matrix.api import Api
from transports.matrix.budget import Urgency
from transports.matrix.keyboard import plain
from transports.matrix.login import OWNER
from transports.matrix.screens import Screens
from transports.matrix.showing import Below, Show
from transports.matrix.words import is_edit, mapping, replied_to, said, thread_of

Showing: TypeAlias = Callable[[], Awaitable[None]]
"""Shows the answer; what was asked has been done before."""

_log = structlog.get_logger(__name__)


class Hearing:
    """Tells the listener of events. What it answers is to be shown later: the homeserver may ask to wait."""

    def __init__(self, api: Api, show: Show, screens: Screens, listener: Listener) -> None:
        self._api = api
        self._show = show
        self._screens = screens
        self._listener = listener

    async def heard(self, room_id: str, event: Event) -> Showing | None:
        """Do what one event of somebody else's asks for; most are not for the bot."""
        if isinstance(event, ReactionEvent):
            return await self._pressed(room_id, event)
        if isinstance(event, RoomMessageText):
            return await self._said(room_id, event)
        if isinstance(event, RoomMessageFile | RoomEncryptedFile):
            return await self._handed_in(room_id, event)
        return None

    async def _pressed(self, room_id: str, event: ReactionEvent) -> Showing | None:
        posted = self._screens.get(event.reacts_to)
        data = posted.data.get(plain(event.key)) if posted and posted.room_id == room_id else None
        if posted is None or data is None:
            return None
        press = Press(self._actor(room_id, event.sender), self.place(room_id), data)
        answer = await self._listener.pressed(press)
        # a screen that stands in a thread cannot begin another (client-server API, "Threading")
        below = Below(room_id, event.reacts_to, posted.thread or event.reacts_to)
        return partial(self._show_pressed, below, answer, event.event_id)

    async def _show_pressed(self, below: Below, answer: Answer, key: str) -> None:
        if answer.instead and await self._turned(below.room_id, below.event_id, answer.instead):
            answer = replace(answer, text="", instead=None)  # it says the same
        await self._show.answer(_whole(answer), below, key)

    async def _turned(self, room_id: str, event_id: str, screen: Screen) -> bool:
        """Whether it stands in the place of the screen now."""
        try:
            await self._show.edit(room_id, event_id, screen, Urgency.ANSWER)
        except FacteurError as error:
            _log.warning("page not turned", room=room_id, why=str(error))
            return False
        return True

    async def _said(self, room_id: str, event: RoomMessageText) -> Showing | None:
        content = event.source.get("content", {})
        if is_edit(content):
            return None
        words = said(event.body, content, self._names(room_id))
        replied = replied_to(content) if words.startswith(("!", "/")) else ""
        handed_in = await self._replied_to(room_id, replied) if replied else None
        return await self._told(room_id, event, words, self._sent(handed_in))  # for clients without captions

    async def _replied_to(self, room_id: str, event_id: str) -> Event | None:
        """None where it cannot be had: what was said counts without it."""
        try:
            return await self._api.event(room_id, event_id)
        except FacteurError as error:
            _log.warning("event not fetched", room=room_id, why=str(error))
            return None

    async def _handed_in(self, room_id: str, event: RoomMessageFile | RoomEncryptedFile) -> Showing | None:
        """A file whose caption is a command, or that may be an answer."""
        content = event.source.get("content", {})
        words = said(event.body, content, self._names(room_id))
        if content.get("filename", event.body) == event.body or not words.startswith(("!", "/")):
            words = ""
        return await self._told(room_id, event, words, self._sent(event))

    def _sent(self, event: Event | None) -> tuple[Sent, ...]:
        """The file that an event hands in, if it does."""
        if not isinstance(event, RoomMessageFile | RoomEncryptedFile):
            return ()
        content = event.source.get("content", {})
        size, name = mapping(content.get("info")).get("size"), str(content.get("filename", event.body))
        fetch = partial(self._api.download, content)
        return (Sent(name, size if isinstance(size, int) else 0, fetch),)

    async def _told(self, room_id: str, event: Event, words: str, files: tuple[Sent, ...]) -> Showing | None:
        speaker = self._actor(room_id, event.sender)
        answer = await self._listener.said(Utterance(speaker, self.place(room_id), words, files))
        return None if answer is None else partial(self._show_told, room_id, event, answer)

    async def _show_told(self, room_id: str, event: Event, answer: Answer) -> None:
        below = _below(room_id, event)
        if answer.secret:
            await self._show.erase(below)
        await self._show.answer(_whole(answer), below, event.event_id)

    def place(self, room_id: str) -> Place:
        """The room; private if one person is alone with the bot in it."""
        room = self._room(room_id)
        if room is None:
            return Place(OWNER, room_id)
        return Place(OWNER, room_id, private=room.member_count <= 2, title=room.display_name)

    def _actor(self, room_id: str, user_id: str) -> Actor:
        """Who it was; a display name that several have comes with the id (nio's `user_name`)."""
        room = self._room(room_id)
        name = room.user_name(user_id) if room else None
        return Actor(f"{OWNER}:{user_id}", name or user_id)

    def _names(self, room_id: str) -> tuple[str, ...]:
        user_id = self._api.login.user_id
        room = self._room(room_id)
        shown: Any = room.user_name(user_id) if room else None
        return (str(shown or ""), user_id[1:].partition(":")[0], user_id)

    def _room(self, room_id: str) -> MatrixRoom | None:
        found: MatrixRoom | None = self._api.client.rooms.get(room_id)
        return found


def _whole(answer: Answer) -> Answer:
    """Where no screen is there to be replaced: it is shown below, and the sentence stands in it."""
    if answer.instead is None:
        return answer
    return Answer(screens=(answer.instead, *answer.screens))


def _below(room_id: str, event: Event) -> Below:
    return Below(room_id, event.event_id, thread_of(event.source.get("content", {})))
