"""Which rooms the bot is in: invitations, successors of upgraded rooms, removal, missing rights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable

import structlog
from nio.events import Event, RoomMemberEvent, RoomUpgradeEvent
from nio.responses import SyncResponse

from bot.core.chat import Place
from bot.core.clock import Clock
from bot.core.errors import FacteurError
from bot.core.ports import Listener
from bot.core.stores import NoteStore
from bot.core.text import Text
from transports.matrix.api import Api
from transports.matrix.login import OWNER
from transports.matrix.rights import Rights
from transports.matrix.troubles import Unreachable

_ROOM, _AWAITED = "room ", "awaited "

MUTED = Text("The bot may not write in the Matrix room: raise its power level there.")
_GONE = Text("The bot is not in the Matrix room any more: invite it again.")

IsAdmin = Callable[[str], Awaitable[bool]]
"""Whether somebody with this id (``matrix:@anne:example.org``) is an administrator."""

_log = structlog.get_logger(__name__)


class Membership:
    """Follows the bot's own membership.

    Notes: ``room ID`` = was in it before; ``awaited ID`` = successor of the room named in the note,
    which the bot could not enter yet.
    """

    def __init__(
        self, api: Api, notes: NoteStore, clock: Clock, listener: Listener, is_admin: IsAdmin
    ) -> None:
        self._api = api
        self._notes = notes
        self._clock = clock
        self._listener = listener
        self._is_admin = is_admin
        self._known: set[str] = set()
        self._awaited: dict[str, str] = {}
        self._rights: defaultdict[str, Rights] = defaultdict(Rights)
        self._muted: set[str] = set()
        self._turned_away: set[str] = set()

    async def load(self) -> set[str]:
        """The rooms that the bot was in when the last session ended."""
        self._known = set(await self._notes.recall_all(OWNER, _ROOM))
        self._awaited = dict(await self._notes.recall_all(OWNER, _AWAITED))
        return set(self._known)

    async def look_around(self, before: set[str]) -> None:
        """At the start: what became of the rooms `before` while nobody was listening."""
        rooms = self._api.client.rooms
        for room_id in before - rooms.keys():
            await self._out(room_id, "")
        for room_id in rooms:
            await self._writable(room_id, always=True)

    async def follow(self, response: SyncResponse) -> None:
        """Whatever a sync tells of the bot's own membership."""
        for room_id in response.rooms.invite:
            await self._invited(room_id)
        for room_id, info in response.rooms.join.items():
            await self._entered(room_id)
            events = [*info.state, *info.timeline.events]
            for event in events:
                if isinstance(event, RoomUpgradeEvent):
                    await self._upgraded(room_id, event)
            if self._rights[room_id].follow(event.source for event in events):
                await self._writable(room_id)
        for room_id, info in response.rooms.leave.items():
            await self._out(room_id, self._who_removed([*info.state, *info.timeline.events]))

    async def _invited(self, room_id: str) -> None:
        room = self._api.client.invited_rooms.get(room_id)
        inviter = room.inviter if room else None
        expected = room_id in self._awaited or room_id in self._known
        if not (expected or (inviter and await self._is_admin(f"{OWNER}:{inviter}"))):
            if room_id not in self._turned_away:
                self._turned_away.add(room_id)
                _log.warning("invitation ignored, not from an administrator", room=room_id, by=inviter)
            return
        try:
            await self._api.join(room_id)
        except FacteurError as error:
            _log.warning("invitation not accepted", room=room_id, why=str(error))
        else:
            _log.info("invitation accepted", room=room_id, by=inviter)

    async def _entered(self, room_id: str) -> None:
        """The bot is in the room; what it is the successor of has moved here."""
        before = self._awaited.pop(room_id, "")
        if before:
            await self._listener.moved(OWNER, before, room_id)
            _log.info("room moved", before=before, after=room_id)
        if before or room_id not in self._known:
            await self._listener.unreachable(Place(OWNER, room_id), None)
            self._known.add(room_id)
            notes = {f"{_AWAITED}{room_id}": "", f"{_ROOM}{room_id}": "yes"}
            await self._notes.keep(OWNER, notes, self._clock.now())

    async def _upgraded(self, room_id: str, event: RoomUpgradeEvent) -> None:
        """Go where the room has gone (client-server API, "Room upgrades"); invited later if need be."""
        successor = event.replacement_room
        if not successor or successor in self._known:
            return
        self._awaited[successor] = room_id
        await self._notes.keep(OWNER, {f"{_AWAITED}{successor}": room_id}, self._clock.now())
        try:
            await self._api.join(successor, event.sender.partition(":")[2])
        except FacteurError as error:
            _log.warning("upgraded room not entered yet", room=room_id, successor=successor, why=str(error))
            why = Text("The Matrix room was upgraded, and the bot is not in the new one: invite it there.")
            await self._listener.unreachable(Place(OWNER, room_id), why)

    async def _out(self, room_id: str, by: str) -> None:
        """Removed; invited again it comes back, so the note of the room stays."""
        if room_id not in self._known:
            return
        why = Text("{name} removed the bot from the Matrix room: invite it again.", name=by) if by else _GONE
        await self._listener.unreachable(Place(OWNER, room_id), why)

    def _who_removed(self, events: Iterable[Event]) -> str:
        own = self._api.login.user_id
        for event in events:
            if isinstance(event, RoomMemberEvent) and event.state_key == own and event.sender != own:
                return str(event.sender)
        return ""

    async def _writable(self, room_id: str, *, always: bool = False) -> None:
        """Tell where the bot has not the right to write, or has it again."""
        room = self._api.client.rooms[room_id]
        if room.replacement_room:
            return  # nobody may write in a room that has moved
        muted = not self._rights[room_id].may_write(self._api.login.user_id)
        if muted == (room_id in self._muted) and not always:
            return
        (self._muted.add if muted else self._muted.discard)(room_id)
        await self._listener.unreachable(Place(OWNER, room_id), MUTED if muted else None)


async def check_room(api: Api, room_id: str) -> None:
    """Raises PermanentError where the bot is not in the room, or may not write there."""
    state, own, rights = await api.state(room_id), api.login.user_id, Rights()
    member = [each for each in state if each.get("type") == "m.room.member" and each.get("state_key") == own]
    if [each["content"].get("membership") for each in member] != ["join"]:
        raise Unreachable(_GONE)
    rights.follow(state)
    if not rights.may_write(own):
        raise Unreachable(MUTED)
