"""What the flow and the chat ask of rooms: where lists are moderated, which cards are behind.

As in `bot.core.stores`, which these ports belong to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.core.addresses import Address
from bot.core.chat import Card, Incident, Place, Room, Wave
from bot.core.people import Person, Role
from bot.core.text import Text


class AdminStore(Protocol):
    """Who may do everything, and who is who in the directory, by the id of a chat account.

    Such an id is ``telegram:123``.
    """

    async def all(self) -> Mapping[str, bool]:
        """Every administrator, in the order of their ids; True = by the configuration."""
        ...

    async def configure(self, ids: Collection[str], at: datetime) -> None:
        """Those of the configuration are these and no others."""
        ...

    async def add(self, actor_id: str, at: datetime) -> bool:
        """False = they were one already."""
        ...

    async def remove(self, actor_id: str, at: datetime) -> bool:
        """False = they were none. Raises UserError for one whom the configuration names."""
        ...

    async def roles(self, actor_id: str) -> Mapping[int, Collection[Role]]:
        """The roles, by list, of the person whom this chat account is linked to."""
        ...

    async def linked(self, actor_id: str) -> Person | None:
        """The person whom this chat account is linked to."""
        ...

    async def link(self, actor_id: str, address: Address) -> Person | None:
        """Link a chat account to whom the address belongs to, and to nobody else; None if to nobody."""
        ...

    async def unlink(self, actor_id: str) -> bool:
        """False = it was linked to nobody."""
        ...


class RoomStore(Protocol):
    """Rooms, what they are bound to, and the cards in them.

    The rooms of a list are the open ones that see every list and those bound to it; where none is
    bound, the admins' rooms: those bound as such or, without one, the private rooms of all
    administrators. Whatever changes that gives each held post its cards in the rooms that are the
    list's now, and abandons those in rooms that were.
    """

    async def open(self, transport: str, address: str, language: str, now: datetime) -> Room:
        """A room that sees every list; each held post gets its card there at once, afresh."""
        ...

    async def close(self, room: Room) -> None:
        """No more cards there, and nobody to show those it had."""
        ...

    async def meet(self, place: Place, actor_id: str, at: datetime) -> None:
        """An administrator spoke in a place where they are alone with the bot."""
        ...

    async def at(self, place: Place) -> Room | None:
        """What is known of a place."""
        ...

    async def running(self, transport: str) -> Sequence[Room]:
        """The open rooms of a chat network."""
        ...

    async def of(self, mlist_id: int | None) -> Sequence[Room]:
        """Where a list's cards are shown; None = the admins' rooms."""
        ...

    async def bind(self, place: Place, mlist_id: int | None, at: datetime) -> bool:
        """Make it a room of a list, or for None an admins' room. False = it was one already."""
        ...

    async def unbind(self, place: Place, mlist_id: int | None, at: datetime) -> bool:
        """False = it was not bound to it."""
        ...

    async def speak(self, place: Place, language: str) -> None:
        """The language of a room from now on."""
        ...

    async def moved(self, transport: str, before: str, after: str, at: datetime) -> None:
        """A room has another address; its held posts are posted there anew."""
        ...

    async def reached(self, place: Place, why: Text | None, at: datetime) -> None:
        """Why the bot cannot write there, which is an incident; None = it can."""
        ...

    async def works(self, key: str, what: Text, trouble: Text | None, at: datetime) -> None:
        """Something that is nobody's own, named by `key`, does not work; or for None does.

        An incident, which is told where administrators are once it has lasted a minute.
        """
        ...

    async def incident(self, incident_id: int) -> Incident | None:
        """What the card of an incident is about; None = that is gone."""
        ...

    async def gather(self, room: Room, now: datetime, *, busy: bool) -> None:
        """Have cards of held posts that nobody has seen yet shown by one, where they are many.

        More than five become a wave. Later ones join it while it is young or not posted yet, and,
        where the network is `busy`, some time longer. Of probable spam the first of a day has a card of
        its own, and what follows is one digest while any of it waits. A console has neither.
        """
        ...

    async def wave(self, wave_id: int) -> Wave | None:
        """What the card of a wave is about; None = that is gone."""
        ...

    async def turn(self, wave_id: int, page: int, at: datetime) -> None:
        """Show another page of it."""
        ...

    async def take_out(self, room: Room, post_id: int, at: datetime) -> bool:
        """Give a post of a wave its own card. False = no wave of this room has it."""
        ...

    async def cards_due(
        self, room: Room, now: datetime, limit: int, *, posted: bool | None = None
    ) -> Sequence[Card]:
        """Cards that are behind, oldest post first; only those posted already, or only the others."""
        ...

    async def next_due(self, room: Room, *, posted: bool | None = None) -> datetime | None: ...

    async def shown(self, card: Card, message_id: str, at: datetime, again_at: datetime | None) -> None:
        """`card.wanted` is what the room shows now; `again_at` = it will look different then."""
        ...

    async def postpone(self, card: Card, until: datetime) -> None:
        """It could not be shown: later, and one more failure."""
        ...
