"""What has waited too long, and that people are told of it at some hours of the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.chat import CardKind
from bot.core.deliveries import NewMailing
from bot.core.posts import Post


@dataclass(frozen=True, slots=True)
class Overdue:
    """What of one list has waited too long: held posts, or deliveries that are tried again."""

    mlist_id: int
    list_address: str
    count: int
    oldest_at: datetime


class ReminderStore(Protocol):
    """Reminders: one card of each kind in a room, edited in place until nothing old waits there.

    Held posts are told of in the rooms of their lists, deliveries that fail where administrators are.
    A spell begins when something old is told of for the first time, and ends when nothing of that list
    is old any more.
    """

    async def remind(self, hour: datetime, ages: Mapping[int, timedelta], now: datetime) -> None:
        """An hour of reminders has come: tell of what is old by now; any number of times for the same hour.

        `ages`: by list, how long a post may be held.
        """
        ...

    async def refresh(self, now: datetime) -> None:
        """What was told of has become less, or nothing; what has become old since is left to its hour."""
        ...

    async def told_in(self, room_id: int, kind: CardKind) -> Sequence[Overdue]:
        """What a room's card of this kind says; nothing = it is over."""
        ...

    async def unheard(self, hours: int) -> Sequence[tuple[Overdue, Post]]:
        """Lists whose rooms were told so many times, but not their owners yet; the oldest post of each."""
        ...

    async def tell_owners(self, post: Post, mailings: Sequence[NewMailing]) -> bool:
        """Store what tells them, once in a spell. False = somebody decided the post."""
        ...
