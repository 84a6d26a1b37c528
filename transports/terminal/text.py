"""Text for a terminal: made harmless, measured in columns, wrapped. Pure.

A mail's text may hold anything; nothing of it may reach the terminal as a command (ECMA-48 escape
sequences, C0 and C1 controls) or turn the reading direction round (Unicode bidi overrides).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from prompt_toolkit.utils import get_cwidth

from bot.core.text import unseen

Fragment = tuple[str, str]
"""A style (``class:...``) and text in it, as prompt_toolkit takes them."""

Row = list[Fragment]
"""What stands on one row of the terminal."""

_REPLACEMENT = "\ufffd"
# Terminals disagree on how wide a character with a variation selector or a joined emoji is; without
# them every terminal, and our own counting, agree.
_VISIBLE = {
    **{chr(control): chr(0x2400 + control) for control in range(0x20)},  # U+2400: control pictures
    "\t": "    ",
    "\x7f": "\u2421",
    **dict.fromkeys("\ufe0f\u200d", ""),
}
_WORDS = re.compile(r"\s+|\S+")


def visible(text: str) -> str:
    """The same text on one line with all that a terminal would obey replaced by something to see."""
    return " ".join(_visible(part) for part in _lines(text))


def visible_lines(text: str) -> list[str]:
    """As `visible`, keeping the line ends (CRLF, CR or LF); blank lines at both ends are left out."""
    return [_visible(part).rstrip() for part in _lines(text.strip("\r\n"))] if text.strip() else []


def _visible(part: str) -> str:
    return "".join(_VISIBLE.get(each, _REPLACEMENT if unseen(each) else each) for each in part)


def _lines(text: str) -> list[str]:
    # not splitlines(): that one also breaks at form feeds and other controls, which are to be seen
    return re.split(r"\r\n|\r|\n", text)


def columns(row: Iterable[Fragment]) -> int:
    """How many columns the row fills; wide characters count two."""
    return sum(get_cwidth(text) for _, text in row)


def cut(text: str, width: int) -> str:
    """As much of `text` as fits, with ``…`` where something is missing."""
    if get_cwidth(text) <= width:
        return text
    return next(_chunks(text, max(1, width - 1))).rstrip() + "…"


def wrap(row: Iterable[Fragment], width: int, prefix: Row | None = None) -> list[Row]:
    """Break between words (and within words longer than a row); each row begins with `prefix`."""
    prefix = prefix or []
    room = max(10, width - columns(prefix))
    rows: list[Row] = [[]]
    left = room
    for style, piece in _pieces(row, room):
        need = get_cwidth(piece)
        if need > left:
            rows.append([])
            left = room
            if piece.isspace():
                continue
        rows[-1].append((style, piece))
        left -= need
    return [prefix + wrapped for wrapped in rows]


def _pieces(row: Iterable[Fragment], room: int) -> Iterator[Fragment]:
    for style, text in row:
        for word in _WORDS.findall(text):
            for piece in _chunks(word, room):
                yield style, piece


def _chunks(text: str, width: int) -> Iterator[str]:
    chunk, used = "", 0
    for character in text:
        need = get_cwidth(character)
        if used + need > width:
            yield chunk
            chunk, used = "", 0
        chunk += character
        used += need
    yield chunk
