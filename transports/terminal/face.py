"""What the terminal's room asks of the two ways to show it: redrawn in place, or line by line."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from transports.terminal.board import Board, Shown
from transports.terminal.layout import Phrases

Heard = Callable[[str], Awaitable[None]]
"""Is told each line that was typed."""

_FAREWELLS = frozenset({"/quit", "/exit", "!quit", "!exit"})
_PASSWORD = re.compile(r"""(password=)("[^"]*"?|'[^']*'?|\S+)""", re.IGNORECASE)
_WORD = re.compile(r"^(\s*[/!](?:setting\s.*?)?(?:smtp_)?password\s+)\S.*", re.IGNORECASE | re.DOTALL)
"""``/password LIST PASSWORD`` and ``/setting LIST password PASSWORD``, LIST perhaps left out."""


class Face(Protocol):
    """How the board is shown and where lines come from.

    Every method that shows may be called at any time, also before `run`; all raise OSError when
    the terminal is gone.
    """

    def furnish(self, board: Board, phrases: Phrases, commands: Sequence[tuple[str, str]]) -> None:
        """Called once, first: what to show, in which words, and (name, summary) of the commands."""
        ...

    async def run(self, heard: Heard) -> None:
        """Tell of each line, one at a time; return when the person leaves or the input ends."""
        ...

    def show(self, shown: Shown) -> None:
        """A screen was put on the board, changed or closed."""
        ...

    def say(self, words: str) -> None:
        """One line of the bot's."""
        ...

    def echo(self, line: str) -> None:
        """What the person typed, for the history on the screen."""
        ...

    def hide(self, secret: bool) -> None:
        """Whether what is typed from now on is a password: it is shown nowhere and not remembered."""
        ...

    def refresh(self) -> None:
        """Show again what is open."""
        ...


def is_farewell(line: str) -> bool:
    """Whether these words end the session."""
    return line.strip().lower() in _FAREWELLS


def without_passwords(line: str) -> str:
    """The line as it may stay on the screen and in the history."""
    return _WORD.sub(r"\1***", _PASSWORD.sub(r"\1***", line))
