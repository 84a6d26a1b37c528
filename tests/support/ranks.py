"""One command of each rank that needs nothing typed behind it: for a look through a chat network."""

from __future__ import annotations

from bot.chat.registry import commands
from bot.core.people import Rank


def one_of_each() -> dict[Rank, str]:
    """By rank, the name of the first such command."""
    found: dict[Rank, str] = {}
    for known in commands().values():
        if not any(param.required for param in known.params):
            found.setdefault(known.rank, known.name)
    return found
