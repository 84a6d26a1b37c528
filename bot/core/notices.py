"""The mails that facteur writes to authors, and the texts that people may write for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from bot.core.deliveries import NewMailing
from bot.core.lists import MailingList
from bot.core.people import Person
from bot.core.text import N_
from bot.core.worded import Worded


class NoticeKind(Worded):
    """What an author is told about a post, and (the last) what a new member is told."""

    HELD = "held", N_("your post waits")
    DISTRIBUTED = "distributed", N_("your post was distributed")
    AUTO_DISTRIBUTED = "auto_distributed", N_("your post was distributed, without moderation")
    REJECTED = "rejected", N_("your post was rejected")
    WELCOME = "welcome", N_("welcome to a new member")


class TemplateStore(Protocol):
    """Texts of notices that somebody wrote; the shipped ones are not among them."""

    async def text(self, mlist_id: int | None, kind: NoticeKind, language: str) -> str:
        """The list's own text, else that of all lists; empty if there is neither."""
        ...

    async def own(self, mlist_id: int | None) -> Mapping[tuple[NoticeKind, str], str]:
        """The texts of one list, or (None) those of all lists, by kind and language."""
        ...

    async def write(self, mlist_id: int | None, kind: NoticeKind, language: str, text: str) -> None:
        """An empty text takes it away."""
        ...


class WelcomeStore(Protocol):
    """Which members a list knows, and which of them it has greeted."""

    async def newcomers(self, mlist: MailingList) -> Sequence[Person]:
        """The members whom it does not know yet."""
        ...

    async def known(self, mlist: MailingList) -> int:
        """How many it knows, also of those who have left."""
        ...

    async def not_greeted(self, mlist: MailingList) -> Sequence[Person]:
        """The members who never had a welcome."""
        ...

    async def know(self, mlist: MailingList, people: Mapping[int, NewMailing | None]) -> int:
        """Know these people, by id, from now on, and store what greets them; None = nothing does.

        Nobody is greeted twice. The number of those who are.
        """
        ...
