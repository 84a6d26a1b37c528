"""From what is said or tapped to what is shown: parse, test the right, run, answer.

The only place where every exception is caught: somebody who asked gets an answer, whatever happens,
and never more than the answer.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from bot.chat import incidents, presses
from bot.chat.commands.general import RANKS
from bot.chat.desk import Call, Desk, Option, Reply, Row, mistakes
from bot.chat.kinds import known_post
from bot.chat.language import BabelLanguage
from bot.chat.permissions import Permissions
from bot.chat.readable import harmless
from bot.chat.registry import Command, find
from bot.chat.words import Typed, typed
from bot.core.audit import acting
from bot.core.chat import Answer, Button, File, Line, Place, Press, Screen, Utterance, line
from bot.core.errors import Conflict, FacteurError, UserError
from bot.core.lists import MailingList
from bot.core.people import Actor, Rank
from bot.core.posts import Post
from bot.core.settings import SECRETS
from bot.core.text import Text
from bot.flow.runner import alone

_SCRIPT = Place("local", "", private=True)
"""Where ``facteur do`` speaks."""

_SCREEN_CHARACTERS = 3_500

_SECRET = re.compile(rf"\b({'|'.join(SECRETS)})\s*=\s*\S", re.IGNORECASE)
"""A password in a line, whatever the rest of it is worth."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a script gets of a command; `rows` are JSON values and complete."""

    ok: bool
    text: str
    rows: Sequence[Row]
    files: tuple[File, ...] = ()
    written: Path | None = None


@dataclass(frozen=True, slots=True)
class _Shown:
    """A reply, its lines and its screens in the reader's language."""

    reply: Reply
    text: str
    screens: tuple[Screen, ...]


class Dispatcher:
    """The `Listener` of every chat network, and of ``facteur do``."""

    def __init__(self, desk: Desk, permissions: Permissions) -> None:
        self._desk = desk
        self._permissions = permissions

    async def said(self, utterance: Utterance) -> Answer | None:
        """Answer a command; words that are none are not for the bot."""
        spoken = typed(utterance.text)
        if spoken is None:
            return None

        async def run(call: Call) -> Reply:
            return await self._command(spoken, replace(call, files=utterance.files))

        shown = await self._guarded(spoken.name, utterance.speaker, utterance.place, run)
        return Answer(screens=shown.screens, secret=bool(_SECRET.search(utterance.text)))

    async def pressed(self, press: Press) -> Answer:
        """Answer a tap, be it on a card or on a button that carries a command line."""
        shown = await self._guarded("press", press.speaker, press.place, partial(self._press, press.data))
        if typed(press.data) is not None or shown.reply.options:
            return Answer(screens=shown.screens)
        return Answer(shown.text, shown.reply.screens)

    async def moved(self, transport: str, before: str, after: str) -> None:
        """A room has another address now: it keeps what it is bound to."""
        _log.info("room moved", transport=transport, before=before, after=after)
        moved = partial(self._desk.stores.rooms.moved, transport, before, after, self._desk.clock.now())
        await alone("room moved", moved)

    async def unreachable(self, place: Place, why: Text | None) -> None:
        """The bot cannot write there; for None, it can again."""
        _log.info("room", transport=place.transport, address=place.address, trouble=str(why or ""))
        reached = partial(self._desk.stores.rooms.reached, place, why, self._desk.clock.now())
        await alone("room reached", reached)

    async def run_line(self, text: str, speaker: Actor, place: Place = _SCRIPT) -> Outcome:
        """Run one command line for a script: all rows at once, nothing is asked."""
        spoken = typed(text if text.lstrip().startswith(("/", "!")) else f"/{text}")

        async def run(call: Call) -> Reply:
            if spoken is None:
                raise UserError(Text("A command is a word such as /lists or /help, and what belongs to it."))
            return await self._command(spoken, replace(call, paged=False))

        shown = await self._guarded(spoken.name if spoken else "", speaker, place, run)
        reply = shown.reply
        return Outcome(reply.ok, _flat(shown.screens), reply.rows, reply.files, reply.written)

    async def _press(self, data: str, call: Call) -> Reply:
        spoken = typed(data)
        if spoken is not None:
            return await self._command(spoken, call)
        if incident := incidents.trusting(data):
            _require(Rank.ADMIN, call.rank, call)
            return await incidents.trust(self._desk, *incident)
        what = presses.tap(data)
        _require(Rank.MODERATOR, call.rank, call)
        post = known_post(await self._desk.stores.posts.get(what.post_id), call)
        rank = call.rights.on(post.mlist_id)
        return await presses.pressed(self._desk, replace(call, rank=rank), post, what)

    async def _command(self, spoken: Typed, call: Call) -> Reply:
        known = find(spoken.name)
        _require(known.rank, call.rank, call, known)
        call = replace(call, needed=known.rank)
        arguments = await known.parsed(spoken.rest, self._desk, call)
        mlist = await self._list_of(arguments)
        rank = call.rights.on(mlist.id) if mlist else call.rank
        _require(known.rank_for(arguments), rank, call, known)
        return await known.run(self._desk, replace(call, rank=rank), **arguments)

    async def _call(self, speaker: Actor, place: Place) -> Call:
        """Who speaks, where, and what they may do; an administrator's own room is remembered."""
        rooms = self._desk.stores.rooms
        room = await rooms.at(place)
        own = place.private and not speaker.is_login and (room is None or room.private_of != speaker.id)
        if own and await self._permissions.is_admin(speaker):
            await rooms.meet(place, speaker.id, self._desk.clock.now())
            room = await rooms.at(place)
        rights = await self._permissions.rights(speaker, room)
        language = self._desk.languages.of(room.language if room else "")
        return Call(speaker, place, rights, rights.highest, Rank.MODERATOR, language)

    async def _list_of(self, arguments: Mapping[str, Any]) -> MailingList | None:
        """The list that a command concerns; None for several or none."""
        for value in arguments.values():
            if isinstance(value, MailingList):
                return value
            if isinstance(value, Post):
                return await self._desk.stores.lists.get(value.mlist_id)
        return None

    async def _guarded(
        self, name: str, speaker: Actor, place: Place, run: Callable[[Call], Awaitable[Reply]]
    ) -> _Shown:
        """Run it and draw the answer; whatever goes wrong becomes a sentence."""
        language = self._desk.languages.default

        async def called() -> Reply:
            nonlocal language
            call = await self._call(speaker, place)
            language = call.language
            with acting(speaker, _where(place)):
                return await run(call)

        try:
            return _drawn(await self._replied(name, speaker, called), language)
        except Exception:  # noqa: BLE001 - see above
            _log.exception("command crashed", command=name, speaker=speaker.id)
            sorry = Text("Sorry, that went wrong here. Nothing of it is lost; the log says more.")
            return _drawn(Reply(said=(sorry,), ok=False), language)

    async def _replied(self, name: str, speaker: Actor, run: Callable[[], Awaitable[Reply]]) -> Reply:
        """What it says, or what is wrong. The line itself is not logged: it may hold a password."""
        try:
            reply = await run()
        except UserError as error:
            _log.info("refused", command=name, speaker=speaker.id)
            return Reply(said=mistakes(error), ok=False)
        except Conflict:
            return Reply(
                said=(Text("Somebody changed that at the same moment: please try again."),), ok=False
            )
        except FacteurError as error:
            _log.warning("command failed", command=name, speaker=speaker.id, reason=str(error))
            return Reply(said=(error.text,), ok=False)
        _log.info("command", command=name, speaker=speaker.id, ok=reply.ok)
        return reply


def _require(needed: Rank, rank: Rank, call: Call, known: Command | None = None) -> None:
    """Raises UserError if `rank` is below what is needed."""
    if rank >= needed:
        return
    name = f"/{known.name}" if known else "✅ ❌ 🔇"
    raise UserError(
        Text(
            "{name} is for {rank}. Your id here is {id}: an administrator can let you in.",
            name=name,
            rank=Text(RANKS[needed]),
            id=call.speaker.id,
        )
    )


def _where(place: Place) -> str:
    """A place as the trail of changes names it: ``telegram Modération``."""
    return f"{place.transport} {place.title or place.address}".strip()


def _drawn(reply: Reply, language: BabelLanguage) -> _Shown:
    """The reply in the reader's words: its own screens, or its lines with its buttons and files."""
    said = [harmless(text.render(language)) for text in reply.said]
    return _Shown(reply, "\n".join(said), reply.screens or _screens(reply, said, language))


def _screens(reply: Reply, said: Sequence[str], language: BabelLanguage) -> tuple[Screen, ...]:
    lines = tuple(line(text, strong=len(said) > 1 and number == 0) for number, text in enumerate(said))
    buttons = tuple(tuple(_button(option, language) for option in row) for row in reply.options)
    *before, last = _split(lines)
    return (*(Screen(lines=part) for part in before), Screen(lines=last, buttons=buttons, files=reply.files))


def _split(lines: tuple[Line, ...]) -> list[tuple[Line, ...]]:
    """Lines in parts that every network can show at once."""
    parts: list[list[Line]] = [[]]
    length = 0
    for each in lines:
        length += sum(len(span.text) for span in each) + 1
        if length > _SCREEN_CHARACTERS and parts[-1]:
            parts.append([])
            length = 0
        parts[-1].append(each)
    return [tuple(part) for part in parts]


def _button(option: Option, language: BabelLanguage) -> Button:
    return Button(option.label.render(language), option.data, option.tone)


def _flat(screens: Sequence[Screen]) -> str:
    """Screens as plain text."""
    parts = []
    for screen in screens:
        parts += ["".join(span.text for span in each) for each in screen.lines]
        parts += [screen.quote] if screen.quote else []
        parts += ["".join(span.text for span in each) for each in screen.below]
    return "\n".join(parts)
