"""Who may do what: the rank of somebody who speaks or taps, computed afresh each time."""

from __future__ import annotations

from collections.abc import Iterable

from bot.core.chat import Place
from bot.core.lists import MailingList
from bot.core.people import Actor, Rank


class Permissions:
    """The one place that knows ranks; a chat event's own claims never count."""

    def __init__(self, admins: Iterable[str]) -> None:
        """`admins`: ids such as ``telegram:123456789``, from the configuration."""
        self._admins = frozenset(admins)

    async def rank(self, actor: Actor, place: Place, mlist: MailingList | None) -> Rank:  # noqa: ARG002 - rooms and owners will count
        """What `actor` may do in `place` about `mlist`; None = about what concerns no single list."""
        if actor.is_login or actor.id in self._admins:
            return Rank.ADMIN
        return Rank.ANYONE
