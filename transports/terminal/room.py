"""The terminal as a moderators' room: what is open stays at the bottom, history scrolls away above."""

from __future__ import annotations

import asyncio
import re
import secrets
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from prompt_toolkit.utils import is_dumb_terminal
from typing_extensions import override

from bot.core.chat import File, Place, Press, Screen, Utterance
from bot.core.errors import TransientError
from bot.core.people import Actor
from bot.core.ports import ChatTransport, Listener
from bot.core.text import Text
from transports.terminal.board import Board, Shown
from transports.terminal.face import Face
from transports.terminal.files import save
from transports.terminal.layout import Phrases
from transports.terminal.live import LiveFace
from transports.terminal.plain import PlainFace

__all__ = ["ROOM", "Phrases", "Terminal", "face_for"]

ROOM = "console"
"""The address of the only room."""

PLACE = Place("terminal", ROOM, private=True)

_HIDDEN = "••••••"
_NUMBER = re.compile(r"(?P<slash>[/!]?)(?P<number>[0-9]{1,9})")


def face_for(source: TextIO, sink: TextIO) -> Face:
    """Redrawn in place if both are a terminal that can do so, else line by line."""
    if source.isatty() and sink.isatty() and not is_dumb_terminal():
        return LiveFace.on(source, sink)
    return PlainFace(source, sink)


class Terminal(ChatTransport):
    """One room with one person in it.

    Args:
        speaker: the person at the keyboard, as whom everything is said and pressed.
        downloads: the folder for the files of screens, made when first needed.
        commands: (name, one-line summary) of each command, for completion.
        phrases: the terminal's own words in the reader's language.
        face: where it is shown; by default the standard input and output.
    """

    name = PLACE.transport

    def __init__(
        self,
        speaker: Actor,
        *,
        downloads: Path,
        commands: Sequence[tuple[str, str]] = (),
        phrases: Phrases | None = None,
        face: Face | None = None,
    ) -> None:
        self._speaker = speaker
        self._downloads = downloads
        self._phrases = phrases or Phrases()
        self._board = Board()
        self._face = face or face_for(sys.stdin, sys.stdout)
        self._face.furnish(self._board, self._phrases, commands)
        self._gone = False
        self._explained = False
        self._secret = False

    @override
    async def run(self, listener: Listener) -> None:
        """Listen until the person leaves (``/quit``, Ctrl-D) or the terminal closes."""
        reminding = asyncio.create_task(self._remind(listener))

        async def heard(line: str) -> None:
            await asyncio.wait({reminding})  # it puts the question anew, which an answer to it must not meet
            await self._heard(listener, line.strip())
            await self._look_away(listener)

        try:
            await self._face.run(heard)
        except (OSError, TransientError):
            pass  # hung up or closed: the same as leaving
        finally:
            self._gone = True
            reminding.cancel()
            await asyncio.wait({reminding})

    @override
    async def drain(self, listener: Listener) -> None:
        """Nothing is said while nobody is there."""

    @override
    async def check(self, address: str = "") -> Text | None:
        """It is always there."""
        return None

    @override
    async def part_of(self, place: Place, title: str, among: Collection[str]) -> Place:
        return place

    @override
    async def close(self) -> None:
        """There is nothing to leave."""

    @override
    async def post(self, address: str, screen: Screen) -> str:
        # not a small number: after a restart it must not be taken for a screen of this session
        message_id = secrets.token_hex(8)
        self._show(self._board.put(message_id, screen))
        await self._save(screen.files)
        return message_id

    @override
    async def edit(self, address: str, message_id: str, screen: Screen) -> None:
        """Show the new version; one of an earlier session, which is not known, is shown anew."""
        shown = self._board.put(message_id, screen)
        if shown.before != screen:
            self._show(shown)

    async def _heard(self, listener: Listener, line: str) -> None:
        if not line:
            self._face.refresh()
        elif number := self._pressed(line):
            await self._press(listener, number)
        else:
            self._face.echo(_HIDDEN if self._secret else line)
            answer = await listener.said(Utterance(self._speaker, PLACE, line))
            if answer is None:
                self._explain(line)
            else:
                await self._answer(answer.screens)

    def _pressed(self, line: str) -> int:
        """The button that is meant, 0 = none; where a password is asked for, digits alone are one."""
        found = _NUMBER.fullmatch(line)
        number = int(found["number"]) if found and (found["slash"] or not self._secret) else 0
        return number if number <= self._board.highest else 0

    async def _remind(self, listener: Listener) -> None:
        """What was asked before this terminal was opened is not to be seen in it."""
        if waiting := await listener.reminded(self._speaker, PLACE):
            await self._answer(waiting.screens)
            await self._look_away(listener)

    async def _look_away(self, listener: Listener) -> None:
        """While a password is asked for, nothing typed is to be seen: others may look on, or scroll back."""
        self._secret = await listener.expects_secret(self._speaker, PLACE)
        self._face.hide(self._secret)
        if self._secret:
            self._say(self._phrases.secret.format(number=max(1, self._board.highest)))

    def _explain(self, line: str) -> None:
        """Why nothing happens: of words at the first time only, somebody may be talking to themselves."""
        if line.isdigit():
            self._say(self._phrases.unknown_number.format(number=line))
        elif not self._explained:
            self._explained = True
            self._say(self._phrases.no_command)

    async def _press(self, listener: Listener, number: int) -> None:
        target = self._board.target(number)
        if not target:
            self._say(self._phrases.no_button.format(number=number))
        elif target.data is None:
            self._board.look_at(target.id)
            self._face.refresh()
        else:
            self._face.echo(f"{number} {target.label}")
            self._board.pressed(target.id)
            answer = await listener.pressed(Press(self._speaker, PLACE, target.data))
            if answer.text:
                self._say(answer.text)
            elif answer.instead and not answer.screens:  # what scrolled away is not edited: the page below
                await self._answer([answer.instead])
            await self._answer(answer.screens)

    async def _answer(self, screens: Sequence[Screen]) -> None:
        """Print at once, with numbers for buttons; answers are never edited, so never on the board."""
        for screen in screens:
            shown = Shown(secrets.token_hex(8), None, screen, live=False, closed=False)
            self._show(shown)
            await self._save(screen.files)

    def _show(self, shown: Shown) -> None:
        with self._somebody_there():
            self._face.show(shown)

    def _say(self, words: str) -> None:
        with self._somebody_there():
            self._face.say(words)

    @contextmanager
    def _somebody_there(self) -> Iterator[None]:
        """Raises TransientError when nobody is at the terminal any more."""
        gone = TransientError(Text("The terminal is closed: start it again with facteur console."))
        if self._gone:
            raise gone
        try:
            yield
        except OSError as error:
            self._gone = True
            raise gone from error

    async def _save(self, files: Sequence[File]) -> None:
        for file in files:
            try:
                path = await asyncio.to_thread(save, self._downloads, file.name, file.content)
            except OSError as error:
                reason = error.strerror or str(error)
                self._say(self._phrases.not_saved.format(name=file.name, reason=reason))
            else:
                self._say(self._phrases.saved.format(path=path))
