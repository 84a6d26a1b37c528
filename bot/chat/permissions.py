"""Who may do what: the rights of somebody who speaks or taps, read afresh from the database each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core.chat import Room
from bot.core.lists import MailingList
from bot.core.people import Actor, Rank, Role
from bot.core.settings import RoomPolicy
from bot.core.stores import Stores

_RANKS = {Role.MODERATOR: Rank.MODERATOR, Role.OWNER: Rank.OWNER}


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do in one place.

    `ranks` are those on single lists, by id; a list that is missing does not exist for them. `here`
    are the lists that the place is about, by id: empty = it is about none in particular.
    """

    admin: bool = False
    ranks: Mapping[int, Rank] = field(default_factory=dict)
    here: tuple[int, ...] = ()

    def on(self, mlist_id: int) -> Rank:
        """What they may do about this list."""
        return Rank.ADMIN if self.admin else self.ranks.get(mlist_id, Rank.ANYONE)

    @property
    def highest(self) -> Rank:
        """What they may do about some list at least, or about none in particular."""
        return Rank.ADMIN if self.admin else max(self.ranks.values(), default=Rank.ANYONE)


class Permissions:
    """The one place that knows ranks; a chat event's own claims never count."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def is_admin(self, actor: Actor) -> bool:
        """Whether they may do everything, everywhere."""
        if actor.is_anonymous:
            return False
        return actor.is_login or actor.id in await self._stores.admins.all()

    async def rights(self, actor: Actor, room: Room | None) -> Rights:
        """What `actor` may do in a room; None = in a place that is not known."""
        here = room.mlist_ids if room else ()
        if await self.is_admin(actor):
            return Rights(admin=True, here=here)
        ranks = await self._linked(actor)
        for mlist in await self._stores.lists.all() if here else ():
            if mlist.id in here and _everyone_decides(mlist):
                ranks[mlist.id] = max(Rank.MODERATOR, ranks.get(mlist.id, Rank.ANYONE))
        return Rights(ranks=ranks, here=here)

    async def _linked(self, actor: Actor) -> dict[int, Rank]:
        """The ranks, by list, of the person to whom the chat account belongs."""
        if actor.is_anonymous:
            return {}
        roles = await self._stores.admins.roles(actor.id)
        ranks = {
            mlist_id: max((_RANKS.get(role, Rank.ANYONE) for role in held), default=Rank.ANYONE)
            for mlist_id, held in roles.items()
        }
        return {mlist_id: rank for mlist_id, rank in ranks.items() if rank > Rank.ANYONE}


def _everyone_decides(mlist: MailingList) -> bool:
    return mlist.settings.room_policy is RoomPolicy.EVERYONE
