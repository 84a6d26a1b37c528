"""What cannot be decrypted is heard when its key comes, whatever was being done at that moment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from nio.events import Event, MegolmEvent
from nio.events.to_device import RoomKeyEvent
from nio.exceptions import EncryptionError

from bot.core.stores import NoteStore
from tests.support.clock import ManualClock
from transports.matrix.api import Api, Patience
from transports.matrix.undecrypted import Undecrypted

ROOM = "!room:example.org"
KEY = RoomKeyEvent({}, "@anne:example.org", "curve", ROOM, "session", "m.megolm.v1.aes-sha2")


class Notes:
    """A store that takes its time for what is kept while its gate is closed."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()

    async def keep(self, owner: str, values: Mapping[str, str], at: datetime) -> None:
        self.asked.set()
        await self.gate.wait()
        self.kept |= values
        self.kept = {name: value for name, value in self.kept.items() if value}


class Client:
    """Reads once it has the key."""

    def __init__(self) -> None:
        self.key = False

    async def request_room_key(self, event: MegolmEvent) -> None:
        pass

    def decrypt_event(self, event: MegolmEvent) -> Event:
        if not self.key:
            raise EncryptionError
        return event


def encrypted(number: int) -> MegolmEvent:
    content: dict[str, Any] = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "sender_key": "curve",
        "device_id": "PHONE",
        "session_id": "session",
        "ciphertext": "…",
    }
    event = Event.parse_encrypted_event(
        {
            "type": "m.room.encrypted",
            "event_id": f"${number}",
            "sender": "@anne:example.org",
            "origin_server_ts": number,
            "content": content,
        }
    )
    assert isinstance(event, MegolmEvent)
    event.room_id = ROOM
    return event


@dataclass
class Anne:
    """What she says is handled in turn, as `SyncLoop` has it."""

    client: Client = field(default_factory=Client)
    notes: Notes = field(default_factory=Notes)
    heard: list[str] = field(default_factory=list)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def undecrypted(self, clock: ManualClock) -> Undecrypted:
        api = cast("Api", SimpleNamespace(client=self.client, patience=Patience()))
        return Undecrypted(api, cast("NoteStore", self.notes), clock, heard=self.hears, complain=self.hears)

    async def hears(self, room_id: str, event: Event) -> None:
        async with self.turn:
            self.heard.append(event.event_id)

    async def says(self, undecrypted: Undecrypted, event: MegolmEvent) -> None:
        async with self.turn:
            if read := await undecrypted.read(ROOM, event):
                self.heard.append(read.event_id)


async def test_a_key_that_comes_while_its_event_is_put_aside_is_not_missed(clock: ManualClock) -> None:
    """A slow database must not make the difference between an answer and *I cannot decrypt*."""
    anne = Anne()
    undecrypted = anne.undecrypted(clock)
    saying = asyncio.create_task(anne.says(undecrypted, encrypted(1)))
    await anne.notes.asked.wait()
    anne.client.key = True
    coming = asyncio.create_task(undecrypted.keys_came([KEY]))
    anne.notes.gate.set()
    await asyncio.gather(saying, coming)
    undecrypted.close()

    assert anne.heard == ["$1"]
    assert anne.notes.kept == {}


async def test_a_key_that_came_before_its_event_was_looked_at_is_not_missed(clock: ManualClock) -> None:
    """Events wait for their turn, behind what the same person said before."""
    anne = Anne()
    undecrypted = anne.undecrypted(clock)
    anne.client.key = True
    await undecrypted.keys_came([KEY])
    await anne.says(undecrypted, encrypted(1))

    assert anne.heard == ["$1"]
    assert anne.notes.kept == {}
