"""From what is said or tapped to what is shown: parse, test the right, run, answer.

The only place where every exception is caught: somebody who asked gets an answer, whatever happens,
and never more than the answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from bot.chat import presses
from bot.chat.commands.general import RANKS
from bot.chat.desk import Call, Desk, Option, Reply, Row, mistakes
from bot.chat.language import BabelLanguage
from bot.chat.permissions import Permissions
from bot.chat.readable import harmless
from bot.chat.registry import Command, find
from bot.chat.words import Typed, typed
from bot.core.chat import Answer, Button, File, Line, Place, Press, Screen, Utterance, line
from bot.core.errors import Conflict, FacteurError, UserError
from bot.core.lists import MailingList
from bot.core.people import Actor, Rank
from bot.core.posts import Post
from bot.core.text import Text

_SCRIPT = Place("local", "", private=True)
"""Where ``facteur do`` speaks."""

_SCREEN_CHARACTERS = 3_500

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
        speaker, place = utterance.speaker, utterance.place
        shown = await self._guarded(spoken.name, speaker, lambda: self._command(spoken, speaker, place))
        return Answer(screens=shown.screens)

    async def pressed(self, press: Press) -> Answer:
        """Answer a tap, be it on a card or on a button that carries a command line."""
        shown = await self._guarded("press", press.speaker, lambda: self._press(press))
        if typed(press.data) is not None or shown.reply.options:
            return Answer(screens=shown.screens)
        return Answer(shown.text, shown.reply.screens)

    async def run_line(self, text: str, speaker: Actor, place: Place = _SCRIPT) -> Outcome:
        """Run one command line for a script: all rows at once, nothing is asked."""
        spoken = typed(text if text.lstrip().startswith(("/", "!")) else f"/{text}")

        async def run() -> Reply:
            if spoken is None:
                raise UserError(Text("A command is a word such as /lists or /help, and what belongs to it."))
            return await self._command(spoken, speaker, place, paged=False)

        shown = await self._guarded(spoken.name if spoken else "", speaker, run)
        reply = shown.reply
        return Outcome(reply.ok, _flat(shown.screens), reply.rows, reply.files, reply.written)

    async def _press(self, press: Press) -> Reply:
        spoken = typed(press.data)
        if spoken is not None:
            return await self._command(spoken, press.speaker, press.place)
        what = presses.tap(press.data)
        await self._require(Rank.MODERATOR, press.speaker, press.place, None)
        post = await self._desk.stores.posts.get(what.post_id)
        mlist = await self._desk.stores.lists.get(post.mlist_id)
        rank = await self._require(Rank.MODERATOR, press.speaker, press.place, mlist)
        return await presses.pressed(self._desk, Call(press.speaker, rank, self._language()), post, what)

    async def _command(self, spoken: Typed, speaker: Actor, place: Place, *, paged: bool = True) -> Reply:
        known = find(spoken.name)
        await self._require(known.rank, speaker, place, None, known)
        arguments = await known.parsed(spoken.rest, self._desk)
        mlist = await self._list_of(arguments)
        rank = await self._require(known.rank_for(arguments), speaker, place, mlist, known)
        return await known.run(self._desk, Call(speaker, rank, self._language(), paged), **arguments)

    async def _require(
        self,
        needed: Rank,
        speaker: Actor,
        place: Place,
        mlist: MailingList | None,
        known: Command | None = None,
    ) -> Rank:
        """The rank of the speaker. Raises UserError if it is below what is needed."""
        rank = await self._permissions.rank(speaker, place, mlist)
        if rank >= needed:
            return rank
        name = f"/{known.name}" if known else "✅ ❌ 🔇"
        raise UserError(
            Text(
                "{name} is for {rank}. Your id here is {id}: an administrator can let you in.",
                name=name,
                rank=Text(RANKS[needed]),
                id=speaker.id,
            )
        )

    async def _list_of(self, arguments: Mapping[str, Any]) -> MailingList | None:
        """The list that a command concerns; None for several or none."""
        for value in arguments.values():
            if isinstance(value, MailingList):
                return value
            if isinstance(value, Post):
                return await self._desk.stores.lists.get(value.mlist_id)
        return None

    async def _guarded(self, name: str, speaker: Actor, run: Callable[[], Awaitable[Reply]]) -> _Shown:
        """Run it and draw the answer; whatever goes wrong becomes a sentence."""
        try:
            return _drawn(await self._replied(name, speaker, run), self._language())
        except Exception:  # noqa: BLE001 - see above
            _log.exception("command crashed", command=name, speaker=speaker.id)
            sorry = Text("Sorry, that went wrong here. Nothing of it is lost; the log says more.")
            return _drawn(Reply(said=(sorry,), ok=False), self._language())

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

    def _language(self) -> BabelLanguage:
        return self._desk.languages.default


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
