"""Terminals for tests: a listener that follows a script, and readers that wait for what is shown."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import struct
import termios
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TextIO

from prompt_toolkit.utils import get_cwidth
from typing_extensions import override

from bot.core.chat import Answer, Button, Place, Press, Screen, Span, Tone, Utterance, line
from bot.core.people import Actor
from bot.core.text import Text
from tests.support.patience import WAIT_S

_PIECES = re.compile(r"\x1b\[([0-9;?]*) ?([A-Za-z])|(.)", re.DOTALL)
_MOVES = {"A": (-1, 0), "B": (1, 0), "C": (0, 1), "D": (0, -1), "\n": (1, 0), "\b": (0, -1)}
"""Rows down and columns right, of control functions (ECMA-48) and control characters."""


def held(number: int, subject: str = "Vegetables", quote: str = "Good morning") -> Screen:
    """A card as the moderators get it, with the five buttons."""
    labels = (
        ("✅ Distribute", "d", Tone.SUCCESS),
        ("❌ Reject", "r", Tone.DANGER),
        ("🔇 Silently", "s", Tone.PLAIN),
    )
    more = (("👁 Read", "R", Tone.PLAIN), ("More", "m", Tone.PLAIN))
    return Screen(
        lines=((Span(f"#{number} adherents", strong=True), Span(f" · {subject}")), line("Anne <anne@a.org>")),
        quote=quote,
        buttons=tuple(
            tuple(Button(label, f"{number}:{key}", tone) for label, key, tone in row)
            for row in (labels, more)
        ),
    )


def decided(number: int, said: str, *buttons: Button, subject: str = "Vegetables") -> Screen:
    """The card of the same post afterwards."""
    title = (Span(f"#{number} adherents", strong=True), Span(f" · {subject}"))
    return Screen(lines=(title, line(said)), buttons=(buttons,) if buttons else ())


@dataclass
class ScriptedListener:
    """Keeps what it is told and answers from its script; waits for `gate` before each answer."""

    answers: dict[str, Answer] = field(default_factory=dict)
    screens: dict[str, Sequence[Screen]] = field(default_factory=dict)
    presses: list[Press] = field(default_factory=list)
    utterances: list[Utterance] = field(default_factory=list)
    gate: asyncio.Event | None = None
    wants_secret: bool = False

    async def said(self, utterance: Utterance) -> Answer | None:
        self.utterances.append(utterance)
        if self.gate:
            await self.gate.wait()
        screens = self.screens.get(utterance.text)
        return Answer(screens=tuple(screens)) if screens else None

    async def reminded(self, speaker: Actor, place: Place) -> Answer | None:
        return None

    async def expects_secret(self, speaker: Actor, place: Place) -> bool:
        return self.wants_secret

    async def pressed(self, press: Press) -> Answer:
        self.presses.append(press)
        return self.answers.get(press.data, Answer(f"pressed {press.data}"))

    async def moved(self, transport: str, before: str, after: str) -> None:
        raise AssertionError(before)

    async def unreachable(self, place: Place, why: Text | None) -> None:
        raise AssertionError(place)

    async def away(self, transport: str, why: Text | None) -> None:
        raise AssertionError(transport)


class Watcher:
    """Reads everything from a file descriptor and waits for words in it."""

    def __init__(self, source: int) -> None:
        self.raw = b""
        self._source = source
        self._grown = asyncio.Event()
        asyncio.get_running_loop().add_reader(source, self._read)

    @property
    def text(self) -> str:
        return self.raw.decode(errors="replace")

    def _read(self) -> None:
        try:
            octets = os.read(self._source, 65_536)
        except OSError:  # the other end of a pseudo-terminal was closed
            octets = b""
        if not octets:
            self.stop()
        self.raw += octets
        self._grown.set()

    def stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._source)

    async def until(self, words: str, since: int = 0) -> int:
        """Wait until `words` stand in the text behind `since`; return where they end."""
        await self.until_true(lambda: words in self.text[since:], words)
        return self.text.index(words, since) + len(words)

    async def until_true(self, condition: Callable[[], bool], why: str) -> None:
        try:
            async with asyncio.timeout(WAIT_S):
                while not condition():
                    self._grown.clear()
                    await self._grown.wait()
        except TimeoutError:
            raise AssertionError(f"no {why!r} in: {self.text}") from None


class Glass(Watcher):
    """Sees what a person sees: the scrollback and, at its end, the screen."""

    @property
    @override
    def text(self) -> str:
        rows: list[list[str]] = [[]]
        row = column = 0
        for argument, command, character in _PIECES.findall(self.raw.decode(errors="replace")):
            down, right = _MOVES.get(command or (character if character < " " else ""), (0, 0))
            steps = int(argument) if argument.isdecimal() else 1
            row, column = row + down * steps, column + right * steps
            rows.extend([] for _ in range(row + 1 - len(rows)))
            if character == "\r":
                column = 0
            elif command in {"J", "K"}:
                del rows[row][column:]
                del rows[row + 1 if command == "J" else len(rows) :]
            elif character >= " ":
                column = _put(rows[row], column, character)
        return "\n".join("".join(cells).rstrip() for cells in rows)


def _put(cells: list[str], column: int, character: str) -> int:
    """Write one character, wide ones into two cells; the column behind it."""
    width = get_cwidth(character)
    cells.extend(" " * (column + width - len(cells)))
    cells[column : column + width] = [character, ""][:width]
    return column + width


def set_size(terminal: int, width: int, height: int) -> None:
    """Make a pseudo-terminal so many columns and rows large."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


@contextmanager
def pipes() -> Iterator[tuple[TextIO, TextIO, int, int]]:
    """The terminal's input and output, and the person's ends of both."""
    source, keyboard = os.pipe()
    watched, sink = os.pipe()
    with os.fdopen(source, encoding="utf-8") as lines_in, os.fdopen(sink, "w", encoding="utf-8") as lines_out:
        yield lines_in, lines_out, keyboard, watched
    for end in (keyboard, watched):
        close(end)


@contextmanager
def pseudo_terminal(width: int = 100, height: int = 40) -> Iterator[tuple[TextIO, TextIO, int]]:
    """Both of the terminal's files, and the end of the person, who sees and types there."""
    person, terminal = os.openpty()
    set_size(terminal, width, height)
    # two descriptors, as standard input and output are
    other = os.dup(terminal)
    with (
        suppress(OSError),  # closing flushes, which fails where the person has hung up
        os.fdopen(terminal, encoding="utf-8") as source,
        os.fdopen(other, "w", encoding="utf-8") as sink,
    ):
        yield source, sink, person
    close(person)


def close(end: int) -> None:
    with suppress(OSError):  # the test may have closed it itself
        os.close(end)
