"""What the bot shows: screens and their reactions, answers in threads, files each by itself."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from nio.events import Event

from bot.core.chat import Answer, File, Screen, line
from bot.core.errors import Busy, FacteurError, PermanentError, TransientError
from transports.matrix.api import Api
from transports.matrix.budget import Urgency
from transports.matrix.keyboard import keys_of
from transports.matrix.render import Phrases, edit, harmless, message
from transports.matrix.screens import Posted, Screens
from transports.matrix.troubles import Refused

_MESSAGE = "m.room.message"
_PAUSE_AFTER_TROUBLE_S = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Below:
    """Where an answer goes: below an event, `event_id`, in the thread `root` if that is not empty."""

    room_id: str
    event_id: str
    root: str = ""

    @property
    def relation(self) -> dict[str, Any]:
        """``m.relates_to``; clients without threads show it as a reply."""
        reply = {"m.in_reply_to": {"event_id": self.event_id}}
        if not self.root:
            return reply
        falling_back = self.root == self.event_id
        return {"rel_type": "m.thread", "event_id": self.root, "is_falling_back": falling_back, **reply}


class Show:
    """Shows screens in the rooms of one login."""

    def __init__(self, api: Api, screens: Screens, phrases: Phrases) -> None:
        self._api = api
        self._screens = screens
        self._phrases = phrases
        self._more = asyncio.Event()

    async def post(self, room_id: str, screen: Screen, key: str) -> str:
        """Post a card; one that was posted under this key before a crash is brought up to date instead."""
        content = message(screen, self._phrases)
        event_id = await self._api.send(room_id, _MESSAGE, content, key, Urgency.CARD)
        before = self._screens.get(event_id)
        if before and before.looks != _looks(content):
            await self._replace(room_id, event_id, content, Urgency.CARD)
        await self._note(event_id, Posted(room_id), screen, content)
        return event_id

    async def edit(
        self, room_id: str, event_id: str, screen: Screen, urgency: Urgency = Urgency.CARD
    ) -> None:
        """Replace a screen in place, if it looks different; reactions follow."""
        before = self._screens.get(event_id)
        content = message(screen, self._phrases, notice=bool(before and before.answer))
        if not before or before.looks != _looks(content):
            await self._replace(room_id, event_id, content, urgency)
        await self._note(event_id, before or Posted(room_id), screen, content)

    async def answer(self, answer: Answer, below: Below, key: str) -> None:
        """The sentence, then each screen with its files; what fails does not stop what comes behind it."""
        screens = [*([Screen((line(answer.text),))] if answer.text else []), *answer.screens]
        for number, screen in enumerate(screens):
            await self._screen_below(screen, below, f"{key}.{number}")

    async def say(self, words: str, below: Below, key: str) -> None:
        """A line of the transport's own."""
        await self._send_below(message(Screen((line(words),)), self._phrases, notice=True), below, key)

    async def ask_again(self, room_id: str, event: Event) -> None:
        """For what cannot be decrypted."""
        room = self._api.client.rooms.get(room_id)
        name = (room.user_name(event.sender) if room else None) or event.sender
        words = self._phrases.unreadable.format(name=name)
        try:
            await self.say(words, Below(room_id, event.event_id), f"{event.event_id}.unreadable")
        except FacteurError as error:
            _log.warning("not answered", room=room_id, why=str(error))

    async def erase(self, below: Below) -> None:
        """Take away a message that held a password, or ask its writer to."""
        try:
            await self._api.redact(below.room_id, below.event_id, Urgency.ANSWER)
        except PermanentError:
            await self.say(self._phrases.erase, below, f"{below.event_id}.erase")

    async def react(self) -> None:
        """Keep the bot's reactions as the screens want them; for ever."""
        while True:
            try:
                await self.settle()
            except FacteurError as error:
                _log.warning("reaction not set", why=str(error))
                await asyncio.sleep(_PAUSE_AFTER_TROUBLE_S)
            else:
                await self._more.wait()
                self._more.clear()

    async def settle(self) -> None:
        """Bring the reactions that are there to those that are wanted, as fast as the homeserver allows.

        Those of one screen come in their order, those of several at the same time.
        """
        budget = self._api.budget
        while work := self._screens.with_work():
            if wait := budget.wait(Urgency.REACTION):
                await asyncio.sleep(wait)
                continue
            each = [self._react_once(*screen) for screen in work[: budget.together]]
            failed = await asyncio.gather(*each, return_exceptions=True)
            for error in failed:
                if error and not isinstance(error, Busy):  # of that the budget knows
                    raise error

    async def _react_once(self, event_id: str, posted: Posted) -> None:
        if posted.to_add:
            await self._add(event_id, posted.room_id, posted.to_add[0])
            return
        emoji, reaction = next(iter(posted.to_remove.items()))
        try:
            await self._api.redact(posted.room_id, reaction, Urgency.REACTION)
        except PermanentError:
            pass  # gone already, or the bot is no longer there
        await self._screens.reacted(event_id, emoji, "")

    async def _add(self, event_id: str, room_id: str, emoji: str) -> None:
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": emoji}
        # another key each time: it may have been there, gone, and be wanted again
        content, key = {"m.relates_to": relation}, uuid.uuid4().hex
        try:
            reaction = await self._api.send(room_id, "m.reaction", content, key, Urgency.REACTION)
        except Refused as error:
            if error.code != "M_DUPLICATE_ANNOTATION":
                await self._screens.given_up(event_id, emoji)
                return
            reaction = await self._api.own_reaction(room_id, event_id, emoji)
        except PermanentError:
            await self._screens.given_up(event_id, emoji)
            return
        await self._screens.reacted(event_id, emoji, reaction)

    async def _screen_below(self, screen: Screen, below: Below, key: str) -> None:
        content = message(screen, self._phrases, notice=True)
        event_id = await self._send_below(content, below, key)
        if screen.buttons:
            posted = Posted(below.room_id, answer=True, thread=below.root)
            await self._note(event_id, posted, screen, content)
        for number, file in enumerate(screen.files):
            await self._file_below(file, below, f"{key}.{number}")

    async def _file_below(self, file: File, below: Below, key: str) -> None:
        try:
            await self._send_below(await self._api.upload(below.room_id, file), below, key)
        except (TransientError, PermanentError) as error:
            _log.warning("file not handed out", why=str(error))
            words = self._phrases.file_failed.format(name=harmless(file.name), reason=error.text)
            await self.say(words, below, f"{key}.failed")

    async def _send_below(self, content: Mapping[str, Any], below: Below, key: str) -> str:
        related = {**content, "m.relates_to": below.relation}
        return await self._api.send(below.room_id, _MESSAGE, related, key, Urgency.ANSWER)

    async def _replace(self, room_id: str, event_id: str, content: dict[str, Any], urgency: Urgency) -> None:
        await self._api.send(room_id, _MESSAGE, edit(event_id, content), uuid.uuid4().hex, urgency)

    async def _note(self, event_id: str, posted: Posted, screen: Screen, content: Mapping[str, Any]) -> None:
        await self._screens.posted(event_id, posted, keys_of(screen), _looks(content))
        self._more.set()


def _looks(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
