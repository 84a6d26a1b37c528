"""The screens that have buttons: which emoji presses what, and the reactions that the bot put there.

Known again after a restart from notes, so a reaction to anything else presses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta

from bot.core.clock import Clock
from bot.core.stores import NoteStore
from transports.matrix.keyboard import Keys, missing, plain
from transports.matrix.login import OWNER

_CARD, _ANSWER = "screen ", "answer "
_ANSWERS_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Posted:
    """A screen in a room.

    Attributes:
        room_id: where it is.
        data: what a reaction presses, by its plain emoji.
        shown: the emoji that the bot puts there, in order.
        ours: the ids of its reactions, by plain emoji.
        looks: tells whether an edit changes anything.
        answer: it was an answer to somebody and is never edited by a card's worker.
        thread: the event that the thread begins with in which it stands; empty outside of threads.
    """

    room_id: str
    data: Mapping[str, str] = field(default_factory=dict)
    shown: tuple[str, ...] = ()
    ours: Mapping[str, str] = field(default_factory=dict)
    looks: str = ""
    answer: bool = False
    thread: str = ""

    @property
    def to_add(self) -> list[str]:
        """The emoji that the bot has still to put there."""
        return missing(self.shown, self.ours)

    @property
    def to_remove(self) -> dict[str, str]:
        """The reactions that it has still to take away, by plain emoji."""
        wanted = {plain(emoji) for emoji in self.shown}
        return {emoji: event for emoji, event in self.ours.items() if emoji not in wanted}


class Screens:
    """All screens with buttons, by event id, the newest last."""

    def __init__(self, notes: NoteStore, clock: Clock) -> None:
        self._notes = notes
        self._clock = clock
        self._known: dict[str, Posted] = {}

    async def load(self) -> None:
        """Once, at the start."""
        await self._notes.forget(OWNER, _ANSWER, self._clock.now() - _ANSWERS_KEPT)
        for prefix in (_ANSWER, _CARD):
            for event_id, stored in (await self._notes.recall_all(OWNER, prefix)).items():
                values = json.loads(stored)
                self._known[event_id] = Posted(**{**values, "shown": tuple(values["shown"])})

    def get(self, event_id: str) -> Posted | None:
        return self._known.get(event_id)

    async def posted(self, event_id: str, new: Posted, keys: Keys, looks: str) -> None:
        """A screen is in the room now (`new` tells where), or looks different from now on."""
        before = self._known.get(event_id) or new
        await self._put(event_id, replace(before, data=dict(keys.data), shown=keys.shown, looks=looks))

    async def reacted(self, event_id: str, emoji: str, reaction: str) -> None:
        """The bot's reaction is there; an empty id = it is gone."""
        posted = self._known.get(event_id)
        if posted:
            others = {each: event for each, event in posted.ours.items() if each != plain(emoji)}
            ours = {**others, plain(emoji): reaction} if reaction else others
            await self._put(event_id, replace(posted, ours=ours))

    async def given_up(self, event_id: str, emoji: str) -> None:
        """The bot may not react like that there; people still may."""
        posted = self._known.get(event_id)
        if posted:
            shown = tuple(each for each in posted.shown if each != emoji)
            await self._put(event_id, replace(posted, shown=shown))

    def with_work(self) -> list[tuple[str, Posted]]:
        """The screens that lack a reaction, then those that have one too many; the newest first."""
        newest_first = list(reversed(self._known.items()))
        lacking = [(event_id, posted) for event_id, posted in newest_first if posted.to_add]
        done = [(event_id, posted) for event_id, posted in newest_first if not posted.to_add]
        return lacking + [(event_id, posted) for event_id, posted in done if posted.to_remove]

    async def _put(self, event_id: str, posted: Posted) -> None:
        name = f"{_ANSWER if posted.answer else _CARD}{event_id}"
        closed = not posted.data and not posted.ours
        if closed:
            self._known.pop(event_id, None)
        else:
            self._known[event_id] = posted
        stored = "" if closed else json.dumps(asdict(posted))
        await self._notes.keep(OWNER, {name: stored}, self._clock.now())
