"""One chat network: its session, which exists once however many processes there are, and the rooms there."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial

import structlog

from bot.chat.rooms import RoomWorker
from bot.core.chat import Room
from bot.core.ports import ChatTransport, Listener
from bot.core.stores import Hold, Stores
from bot.core.text import N_, Text
from bot.flow.following import Following, Wanted
from bot.flow.runner import Runner, first_of

_ELSEWHERE = N_("another process has the session on {network}")

log = structlog.get_logger(__name__)


class ChatSession:
    """A part for the runner: holds the session's lock, listens, and has one worker in each open room."""

    def __init__(
        self,
        transport: ChatTransport,
        listener: Listener,
        stores: Stores,
        runner: Runner,
        worker_in: Callable[[ChatTransport, Room], RoomWorker],
    ) -> None:
        self._transport = transport
        self._listener = listener
        self._stores = stores
        self._runner = runner
        self._worker_in = worker_in
        self._workers = Following(runner)
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._rooms = f"rooms {transport.name}"
        self._leaving = AsyncExitStack()
        self._held: Hold | None = None

    def start(self) -> None:
        """From now on, as soon as no other process has the session."""
        self._runner.start(f"chat {self._transport.name}", self.step, wake=self.wake, closing=self)

    async def step(self) -> datetime | None:
        """Take the session. Raises UserError while another process has it."""
        if not self._held:
            busy = Text(_ELSEWHERE, network=self._transport.name)
            locks = self._stores.locks.hold([self._transport.name], busy)
            self._held = await self._leaving.enter_async_context(locks)
            self._runner.start(self._rooms, self._follow_rooms)
        return None

    async def wake(self) -> None:
        """Listen; returns when the session was lost, raises what ends it."""
        held = self._held
        if not held:
            return
        try:
            await first_of(partial(self._transport.run, self._listener), held.lost)
        finally:
            await self.close()

    async def close(self) -> None:
        """Let another process have the session."""
        if self._held:
            self._held = None
            self._runner.stop(self._rooms)
            self._workers.bring_about({})
            await self._leaving.aclose()

    async def _follow_rooms(self) -> datetime | None:
        """Runs after each change, so a room bound just now gets its cards within a moment."""
        wanted = {}
        for room in await self._stores.rooms.running(self._transport.name) if self._held else ():
            identity = (room.language, room.unreachable is None)
            wanted[f"room {room.id}"] = Wanted(identity, partial(self._start_worker, room))
        self._workers.bring_about(wanted)
        return None

    def _start_worker(self, room: Room) -> None:
        """In its turn: what its predecessor is posting this moment must not be posted twice."""
        worker, turn = self._worker_in(self._transport, room), self._turns[room.id]

        async def step() -> datetime | None:
            async with turn:
                return await worker.step()

        self._runner.start(f"room {room.id}", step)
