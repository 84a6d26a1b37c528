"""The sync loop: nothing that is said is missed, nothing is handled twice but after a crash.

The position up to which everything was handled is kept in our database, not by matrix-nio, which
stores its own before it hands events on. What was handled beyond it is noted by id.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import structlog
from nio.events import Event, MegolmEvent, RoomMemberEvent
from nio.responses import RoomInfo, SyncResponse

from bot.core.clock import Clock
from bot.core.errors import FacteurError, ServerTrouble, Trouble
from bot.core.stores import NoteStore
from bot.core.text import Text
from transports.matrix.api import ALIVE, Api, date_of
from transports.matrix.hearing import Hearing, Showing
from transports.matrix.login import OWNER
from transports.matrix.membership import Membership
from transports.matrix.undecrypted import Undecrypted

_POSITION, _HANDLED, _STUCK = "position", "handled", "stuck"
_PAGES_OF_A_GAP = 20
_PAUSE_S = 1.0
"""Before the next question where the homeserver has nothing to tell and does not wait for it either."""

_log = structlog.get_logger(__name__)


class Turns:
    """One thing after the other for each person in a room; of whoever waits for nothing, nothing is kept."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def of(self, who: tuple[str, str]) -> asyncio.Lock:
        """The same for all who hold it or wait for it."""
        return self._locks.setdefault(who, asyncio.Lock())


@dataclass(eq=False)
class _Batch:
    """What one sync brought; it ends where the next begins."""

    position: str
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class SyncLoop:
    """Reads one login's news and has it handled, in order for each person in a room.

    What somebody asks for is done at once; what is answered is shown as fast as the homeserver allows.
    """

    def __init__(
        self,
        api: Api,
        notes: NoteStore,
        clock: Clock,
        hearing: Hearing,
        membership: Membership,
        undecrypted: Undecrypted,
    ) -> None:
        self._api = api
        self._notes = notes
        self._clock = clock
        self._hearing = hearing
        self._membership = membership
        self._undecrypted = undecrypted
        self._since = ""
        self._newest_ms = 0
        self._handled: list[str] = []
        self._batches: deque[_Batch] = deque()
        self._doing = Turns()
        self._showing = Turns()
        self._saving = asyncio.Lock()
        self._later: set[asyncio.Task[None]] = set()
        self._stored: dict[str, str] = {}

    async def begin(self) -> None:
        """The first sync: every room is known afterwards; what was said meanwhile is handled."""
        self._since = await self._notes.recall(OWNER, _POSITION)
        self._handled = json.loads(await self._notes.recall(OWNER, _HANDLED) or "[]")
        stuck_at = await self._notes.recall(OWNER, _STUCK)
        known = await self._membership.load()
        response = await self._api.sync("" if stuck_at else self._since, full=True)
        await self._api.maintain()
        await self._undecrypted.load()
        if stuck_at:
            response = _later_than(int(stuck_at), response)
            await self._notes.keep(OWNER, {_STUCK: ""}, self._clock.now())
        await self._take(response, known)
        await self._membership.look_around(known)

    async def go_on(self) -> None:
        """For ever. Raises ServerTrouble where the homeserver is away, or answers without any news.

        In the latter case the next session does not go on from a position that leads nowhere.
        """
        news_at, probed = self._now(), False
        while True:
            known = set(self._api.client.rooms)
            before, asked_at = self._since, self._now()
            response = await self._api.sync(self._since)
            await self._take(response, known)
            await self._api.maintain()
            if response.next_batch != before:
                news_at, probed = self._now(), False
            elif probed:
                stuck_at = self._newest_ms or date_of(response)
                await self._notes.keep(OWNER, {_STUCK: str(stuck_at)}, self._clock.now())
                raise ServerTrouble(
                    Trouble.ANSWER, Text("The Matrix server answers, but tells no news any more.")
                )
            elif self._now() - news_at > self._api.patience.silence_s:
                await self._write_marker()
                probed = True
            elif self._now() - asked_at < _PAUSE_S:
                await asyncio.sleep(_PAUSE_S)

    async def settle(self) -> None:
        """Wait until everything that was read is handled and answered."""
        while self._batches or self._later:
            tasks = {task for batch in self._batches for task in batch.tasks} | self._later
            if tasks:
                await asyncio.wait(tasks)
            await self._save()

    def close(self) -> None:
        """Leave the rest to the next session."""
        for task in {task for batch in self._batches for task in batch.tasks} | self._later:
            task.cancel()

    async def hear(self, room_id: str, event: Event) -> None:
        """Handle an event when those that this person caused before are handled."""
        who = (room_id, event.sender)
        async with self._doing.of(who):
            read = await self._undecrypted.read(room_id, event) if isinstance(event, MegolmEvent) else event
            showing = await self._hearing.heard(room_id, read) if read else None
        if showing:
            self._afterwards(self._show(who, showing))

    async def _take(self, response: SyncResponse, known: set[str]) -> None:
        """Start handling what a sync brought; on the very first one what is old is left alone."""
        await self._membership.follow(response)
        await self._undecrypted.keys_came(response.to_device_events)
        self._newest_ms = max(self._newest_ms, _newest_of(response))
        batch = _Batch(response.next_batch)
        if self._since:
            for room_id, info in response.rooms.join.items():
                for event in await self._news_of(room_id, info, known):
                    self._start(batch, room_id, event)
        self._since = response.next_batch
        if batch.tasks or not self._batches:
            self._batches.append(batch)
            await self._save()

    async def _news_of(self, room_id: str, info: RoomInfo, known: set[str]) -> Sequence[Event]:
        """Events of others that were not handled yet, oldest first."""
        events = list(info.timeline.events)
        if room_id not in known:
            events = _since_invited(events, self._api.login.user_id)
        elif info.timeline.limited and info.timeline.prev_batch:
            events = [*await self._gap(room_id, info.timeline.prev_batch), *events]
        own = self._api.login.user_id
        return [event for event in events if event.sender != own and event.event_id not in self._handled]

    async def _gap(self, room_id: str, start: str) -> list[Event]:
        """What happened between the last sync and the events that this one brought."""
        found: list[Event] = []
        for _ in range(_PAGES_OF_A_GAP):
            events, start = await self._api.earlier(room_id, start, self._since)
            found += events
            if not start or not events:
                return found[::-1]
        _log.warning("too much happened meanwhile, the oldest is not read", room=room_id)
        return found[::-1]

    def _start(self, batch: _Batch, room_id: str, event: Event) -> None:
        task = asyncio.create_task(self._handle(room_id, event))
        batch.tasks.add(task)
        task.add_done_callback(self._ended)

    async def _handle(self, room_id: str, event: Event) -> None:
        await self.hear(room_id, event)
        self._handled.append(event.event_id)

    async def _show(self, who: tuple[str, str], showing: Showing) -> None:
        async with self._showing.of(who):
            try:
                await showing()
            except FacteurError as error:
                _log.warning("not answered", room=who[0], why=str(error))

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Note it at once: the next sync may be long in coming."""
        if not task.cancelled():
            _tell_mistake(task)
            self._afterwards(self._save())

    def _afterwards(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        task.add_done_callback(_tell_mistake)

    async def _save(self) -> None:
        """Keep the position of the last batch before which all are handled."""
        async with self._saving:
            position = ""
            while self._batches and all(task.done() for task in self._batches[0].tasks):
                position = self._batches.popleft().position
            if not self._batches:
                self._handled.clear()
            notes = {_HANDLED: json.dumps(self._handled) if self._handled else ""}
            if position:
                notes[_POSITION] = position
            changed = {name: value for name, value in notes.items() if self._stored.get(name) != value}
            if changed:
                await self._notes.keep(OWNER, changed, self._clock.now())
                self._stored |= changed

    async def _write_marker(self) -> None:
        user = self._api.login.user_id
        path = f"/_matrix/client/v3/user/{user}/account_data/{ALIVE}"
        await self._api.request("PUT", path, {"at": self._clock.now().isoformat()})

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _later_than(moment_ms: int, response: SyncResponse) -> SyncResponse:
    """A sync from the very beginning without what was told before, by the homeserver's own clock."""
    for info in response.rooms.join.values():
        info.timeline.events = [each for each in info.timeline.events if _written_at(each) > moment_ms]
        info.timeline.limited = False
    return response


def _newest_of(response: SyncResponse) -> int:
    """When the last of these events was written, of those that were not, as they say, after they were told.

    Other homeservers may name any date; what is dated wrongly may be read again, but hides nothing else.
    """
    told_at = date_of(response)
    events = (event for info in response.rooms.join.values() for event in info.timeline.events)
    return max((at for at in map(_written_at, events) if at <= told_at), default=0)


def _written_at(event: Event) -> int:
    """In milliseconds; old room versions let it be anything."""
    at = event.source.get("origin_server_ts")
    return at if isinstance(at, int) else 0


def _tell_mistake(task: asyncio.Task[None]) -> None:
    """One of ours about one event, which must not stop the others."""
    if not task.cancelled() and (error := task.exception()):
        _log.error("event not handled", exc_info=error)


def _since_invited(events: Sequence[Event], own: str) -> list[Event]:
    """Of a room that the bot has just entered: what was said since it was invited, and nothing older."""
    start = 0
    for number, event in enumerate(events):
        if isinstance(event, RoomMemberEvent) and event.state_key == own:
            start = number
            if event.membership == "invite":
                return list(events[number:])
    return list(events[start:])
