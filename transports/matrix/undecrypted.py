"""Encrypted events whose key has not arrived: tried again when it does, then asked for once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

import structlog
from nio.events import Event, MegolmEvent, ToDeviceEvent
from nio.events.to_device import ForwardedRoomKeyEvent, RoomKeyEvent
from nio.exceptions import EncryptionError, LocalProtocolError

from bot.core.clock import Clock
from bot.core.stores import NoteStore
from transports.matrix.api import Api
from transports.matrix.login import OWNER

_NOTE = "unread "
_KEPT = timedelta(days=30)
Heard = Callable[[str, Event], Awaitable[None]]

_log = structlog.get_logger(__name__)


class Undecrypted:
    """What could not be decrypted yet.

    Args:
        api: has the keys.
        notes: keep the events over a restart.
        clock: of the notes.
        heard: is given an event once it is readable.
        complain: asks the writer to send it again; once for each key that is missing.
    """

    def __init__(
        self,
        api: Api,
        notes: NoteStore,
        clock: Clock,
        *,
        heard: Heard,
        complain: Heard,
    ) -> None:
        self._api = api
        self._notes = notes
        self._clock = clock
        self._heard = heard
        self._complain = complain
        self._waiting: dict[str, list[MegolmEvent]] = {}
        self._told: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Once, at the start: what was waiting when the last session ended."""
        await self._notes.forget(OWNER, _NOTE, self._clock.now() - _KEPT)
        for stored in (await self._notes.recall_all(OWNER, _NOTE)).values():
            source = json.loads(stored)
            event = Event.parse_encrypted_event(source)
            if isinstance(event, MegolmEvent):
                event.room_id = source["room_id"]
                self._told.add(event.session_id)  # it was asked for, or will be answered by the key
                self._waiting.setdefault(event.session_id, []).append(event)
                await self._retry(event.session_id)

    async def read(self, room_id: str, event: MegolmEvent) -> Event | None:
        """What it says, if its key has come by now; None = it is heard as soon as that comes."""
        try:
            return self._api.client.decrypt_event(event)
        except EncryptionError:
            # before anything is waited for: the key may come meanwhile
            self._waiting.setdefault(event.session_id, []).append(event)
        source = json.dumps({**event.source, "room_id": room_id})
        await self._notes.keep(OWNER, {f"{_NOTE}{event.event_id}": source}, self._clock.now())
        if self._waits(event):
            await self._ask(room_id, event)
        return None

    async def _ask(self, room_id: str, event: MegolmEvent) -> None:
        """For the key; in the end, once for each key, the writer for the event."""
        try:
            await self._api.client.request_room_key(event)
        except (LocalProtocolError, EncryptionError, OSError, TimeoutError):
            pass  # asked before, or the network is away: the key may come all the same
        if event.session_id not in self._told:
            self._told.add(event.session_id)
            task = asyncio.create_task(self._complain_later(room_id, event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def keys_came(self, events: Iterable[ToDeviceEvent]) -> None:
        """Try again what waited for these keys."""
        for event in events:
            if isinstance(event, RoomKeyEvent | ForwardedRoomKeyEvent):
                await self._retry(event.session_id)

    def close(self) -> None:
        """Complain no more."""
        for task in self._tasks:
            task.cancel()

    async def _retry(self, session_id: str) -> None:
        still = []
        for event in self._waiting.pop(session_id, []):
            try:
                readable = self._api.client.decrypt_event(event)
            except EncryptionError:
                still.append(event)
                continue
            await self._heard(event.room_id, readable)
            await self._notes.keep(OWNER, {f"{_NOTE}{event.event_id}": ""}, self._clock.now())
        if still:
            self._waiting[session_id] = [*still, *self._waiting.get(session_id, [])]

    def _waits(self, event: MegolmEvent) -> bool:
        return event in self._waiting.get(event.session_id, [])

    async def _complain_later(self, room_id: str, event: MegolmEvent) -> None:
        await asyncio.sleep(self._api.patience.key_s)
        if self._waits(event):
            _log.warning("message not decrypted", room=room_id, by=event.sender)
            await self._complain(room_id, event)
