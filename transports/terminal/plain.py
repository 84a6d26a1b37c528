"""The terminal's room where there is no terminal: lines in, lines out, for scripts and pipes."""

from __future__ import annotations

import asyncio
import codecs
import os
from collections.abc import AsyncIterator, Sequence
from typing import TextIO

from transports.terminal.board import Board, Shown
from transports.terminal.face import Heard, is_farewell
from transports.terminal.layout import Phrases, button_rows, summary, whole
from transports.terminal.text import Row, visible

_UNWRAPPED = 1_000_000
_READ_OCTETS = 65_536


class PlainFace:
    """Prints each screen in full, and of each edit the first line (``#12 ...``) and what changed."""

    def __init__(self, source: TextIO, sink: TextIO) -> None:
        self._source = source
        self._sink = sink
        self._board = Board()
        self._phrases = Phrases()

    def furnish(self, board: Board, phrases: Phrases, commands: Sequence[tuple[str, str]]) -> None:
        """See `Face`; there is no completion here."""
        del commands
        self._board = board
        self._phrases = phrases

    async def run(self, heard: Heard) -> None:
        """See `Face`; a line is answered before the next one is looked at."""
        async for line in _lines_from(self._source.fileno()):
            if is_farewell(line):
                return
            await heard(line)

    def show(self, shown: Shown) -> None:
        """See `Face`."""
        if shown.before is None:
            self._print(whole(shown, self._board, self._phrases, _UNWRAPPED))
            return
        known = self._board.highest
        buttons = self._board.buttons(shown.id, shown.after)
        new = [button for button in buttons if button.number > known]
        note: Row = [("", summary(shown.before, shown.after))]
        self._print([note, *button_rows(new, _UNWRAPPED), []])

    def say(self, words: str) -> None:
        """See `Face`."""
        self._print([[("", visible(words))]])

    def echo(self, line: str) -> None:
        """Whoever writes into a pipe knows what was written."""

    def hide(self, secret: bool) -> None:
        """See `echo`."""

    def refresh(self) -> None:
        """Print every open screen again."""
        for sheet in self._board.sheets:
            shown = Shown(sheet.id, None, sheet.screen, live=True, closed=False)
            self._print(whole(shown, self._board, self._phrases, _UNWRAPPED))

    def _print(self, rows: Sequence[Row]) -> None:
        text = "".join("".join(piece for _, piece in row) + "\n" for row in rows)
        # not through the buffer of the file: what a closed pipe refused would come up again at exit
        octets = text.encode(self._sink.encoding or "utf-8", "replace")
        while octets:
            octets = octets[os.write(self._sink.fileno(), octets) :]


async def _lines_from(source: int) -> AsyncIterator[str]:
    """Each line without its end; what stands behind the last line end counts too."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    async for octets in _octets_from(source):
        *lines, rest = (rest + decoder.decode(octets)).split("\n")
        for line in lines:
            yield line
    if rest:
        yield rest


async def _octets_from(source: int) -> AsyncIterator[bytes]:
    while True:
        await _readable(source)
        try:
            octets = os.read(source, _READ_OCTETS)
        except OSError:  # a terminal that hung up
            return
        if not octets:
            return
        yield octets


async def _readable(source: int) -> None:
    """Wait until reading will not block; at once for a file, which never does."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(source, ready.set)
    except PermissionError:  # epoll(7): the target file does not support it, as files do not
        return
    try:
        await ready.wait()
    finally:
        loop.remove_reader(source)
