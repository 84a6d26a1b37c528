"""The addresses of rooms: ``-100123``, and ``-100123:45`` for the topic 45 of a forum. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from typing_extensions import override

from bot.core.errors import PermanentError
from bot.core.text import Text

_ADDRESS = re.compile(r"(-?[0-9]{1,18})(?::([0-9]{1,10}))?")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where messages go: `chat` below 0 is a group, `thread` is 0 but in a topic."""

    chat: int
    thread: int = 0

    @classmethod
    def at(cls, address: str) -> Spot:
        """Raises PermanentError where it is not an address of Telegram."""
        match = _ADDRESS.fullmatch(address)
        if not match:
            raise PermanentError(Text("{address} is not a room on Telegram.", address=address))
        return cls(int(match[1]), int(match[2] or 0))

    @override
    def __str__(self) -> str:
        return f"{self.chat}:{self.thread}" if self.thread else str(self.chat)

    @property
    def private(self) -> bool:
        return self.chat > 0
