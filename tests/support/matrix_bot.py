"""The bot's end of Matrix with a listener that records: the transport alone, on a real homeserver."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from typing_extensions import override

from bot.core.chat import Answer, Button, Place, Press, Screen, Utterance, line
from bot.core.people import Actor
from bot.core.ports import Listener
from bot.core.stores import Stores
from bot.core.text import Text
from storage.database import open_stores
from storage.secrets import FernetBox
from tests.support.clock import ManualClock
from tests.support.matrix_people import MakeMember, Member
from tests.support.patience import WAIT_S
from tests.support.stores import empty_sqlite
from tests.support.synapse import MatrixUser, Synapse
from transports.matrix.room import Account, Matrix, Patience

SQLITE_KEY = Fernet.generate_key().decode()


@dataclass
class Recording(Listener):
    """Notes what it is told and answers as the test says."""

    answers: dict[str, Answer] = field(default_factory=dict)
    told: list[Any] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @override
    async def said(self, utterance: Utterance) -> Answer | None:
        await self._note(utterance)
        return self.answers.get(utterance.text)

    @override
    async def reminded(self, speaker: Actor, place: Place) -> Answer | None:
        return None

    @override
    async def expects_secret(self, speaker: Actor, place: Place) -> bool:
        return False

    @override
    async def pressed(self, press: Press) -> Answer:
        await self._note(press)
        return self.answers.get(press.data, Answer())

    @override
    async def moved(self, transport: str, before: str, after: str) -> None:
        await self._note(("moved", before, after))

    @override
    async def unreachable(self, place: Place, why: Text | None) -> None:
        await self._note(("unreachable", place.address, str(why) if why else None))

    @override
    async def away(self, transport: str, why: Text | None) -> None:
        await self._note(("away", transport, str(why) if why else None))

    async def _note(self, what: Any) -> None:
        async with self.changed:
            self.told.append(what)
            self.changed.notify_all()

    async def until(self, holds: Callable[[Any], bool]) -> Any:
        """Wait for the first thing told that is so."""
        found = lambda: next((each for each in self.told if holds(each)), None)  # noqa: E731
        try:
            async with asyncio.timeout(WAIT_S), self.changed:
                return await self.changed.wait_for(found)
        except TimeoutError:
            raise AssertionError(f"never told, only {self.told}") from None

    @property
    def presses(self) -> list[str]:
        return [each.data for each in self.told if isinstance(each, Press)]

    @property
    def words(self) -> list[str]:
        return [each.text for each in self.told if isinstance(each, Utterance)]


@dataclass
class Bot:
    """The bot's account and what it keeps between sessions."""

    synapse: Synapse
    user: MatrixUser
    stores: Stores
    folder: Path
    clock: ManualClock
    admins: set[str] = field(default_factory=set)
    listener: Recording = field(default_factory=Recording)
    password: str = ""
    verified_only: bool = False
    patience: Patience = field(default_factory=Patience)
    url: str = ""
    """Where the homeserver is for the bot; empty = where it really is."""

    def transport(self) -> Matrix:
        async def is_admin(actor_id: str) -> bool:
            return actor_id in self.admins

        password = self.password or self.user.password
        return Matrix(
            Account(self.url or self.synapse.url, self.user.id, password=password),
            self.stores.notes,
            self.folder / "matrix",
            self.clock,
            is_admin=is_admin,
            verified_only=self.verified_only,
            patience=self.patience,
        )

    async def drains(self) -> None:
        """Handle what was said meanwhile, and end when that is noted."""
        transport = self.transport()
        await transport.drain(self.listener)
        await transport.close()

    async def device(self) -> str:
        """The id of the device that the bot uses."""
        return str(json.loads(await self.stores.notes.recall("matrix", "login"))["device_id"])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Matrix]:
        """The transport, listening while inside; its end is as sudden as that of a crash."""
        transport = self.transport()
        task = asyncio.create_task(transport.run(self.listener))
        try:
            await asyncio.wait_for(transport.connected(), WAIT_S)
            yield transport
        finally:
            task.cancel()
            [result] = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(result, asyncio.CancelledError), result


@pytest.fixture
async def bot(synapse: Synapse, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Bot]:
    """An account without a device yet."""
    box = FernetBox(SQLITE_KEY, "the test")
    folder = tmp_path / "data"
    async with open_stores(empty_sqlite(folder / "facteur.db"), box) as stores:
        yield Bot(synapse, await synapse.add_user("facteur"), stores, folder, clock)


@pytest.fixture
async def anne(member: MakeMember, bot: Bot) -> Member:
    """A moderator, who is an administrator too."""
    anne = await member("anne")
    bot.admins.add(f"matrix:{anne.user.id}")
    return anne


def a_card(*, decided: str = "", quote: str = "Bonjour") -> Screen:
    if decided:
        return Screen(
            (line("#12 amap", strong=True), line(decided)), buttons=((Button("↩️ Undo", "undo:12:1"),),)
        )
    return Screen(
        (line("#12 amap · Carottes", strong=True),),
        quote=quote,
        buttons=(
            (Button("✅ Distribute", "distribute:12:0"), Button("❌ Reject", "reject:12:0")),
            (Button("👁 Read", "read:12:0"),),
        ),
    )


async def room_with(bot: Bot, anne: Member, *, encrypted: bool = False) -> str:
    """A room that the bot has come into."""
    room_id = await anne.room(bot.user, encrypted=encrypted)
    await anne.joined(room_id, bot.user)
    await bot.listener.until(lambda each: each == ("unreachable", room_id, None))
    return room_id
