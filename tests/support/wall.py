"""A chat network in the test's own process."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from bot.core.chat import Place, Screen
from bot.core.errors import TransientError
from bot.core.ports import Listener
from bot.core.text import Text
from tests.support.patience import WAIT_S


@dataclass
class Wall:
    """Keeps what is pinned to it, in the order of posting, and fails when told to."""

    name: str = "test"
    screens: list[Screen] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    """The address of each screen's room."""
    edits: int = 0
    trouble: Exception | None = None
    trouble_posting: Exception | None = None
    running: bool = False
    gate: asyncio.Event | None = None
    """What a post takes its time for."""
    tried: list[str] = field(default_factory=list)
    """The address of each post that was begun."""

    def __post_init__(self) -> None:
        self._changed = asyncio.Condition()

    async def run(self, listener: Listener) -> None:
        self.running = True
        try:
            await self.tell()
            await asyncio.Event().wait()
        finally:
            self.running = False

    async def drain(self, listener: Listener) -> None:
        self._fail()

    async def check(self, address: str = "") -> Text | None:
        self._fail()
        return None

    async def part_of(self, place: Place, title: str, among: Collection[str]) -> Place:
        return place

    async def close(self) -> None:
        pass

    async def post(self, address: str, screen: Screen) -> str:
        self.tried.append(address)
        await self.tell()
        if self.gate:
            await self.gate.wait()
        self._fail()
        if self.trouble_posting:
            raise self.trouble_posting
        self.screens.append(screen)
        self.places.append(address)
        await self.tell()
        return str(len(self.screens) - 1)

    async def edit(self, address: str, message_id: str, screen: Screen) -> None:
        self._fail()
        assert self.places[int(message_id)] == address
        self.edits += 1
        self.screens[int(message_id)] = screen
        await self.tell()

    async def until(self, number: int) -> None:
        """So many screens were posted."""
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(lambda: len(self.screens) >= number)

    async def until_tried(self, address: str) -> None:
        """A post to that room was begun."""
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(lambda: address in self.tried)

    async def until_running(self) -> None:
        """Somebody listens to it."""
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(lambda: self.running)

    async def tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _fail(self) -> None:
        if self.trouble:
            raise self.trouble


def away() -> TransientError:
    """The network is away."""
    return TransientError(Text("the network is away"))
