"""A whole installation moderated in a Matrix room: real mailbox, real relay, real homeserver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from nio.events import RoomMessage

from bot.core.ports import ChatTransport
from config.settings import Matrix
from tests.support.clock import ManualClock, RunningClock
from tests.support.dovecot import Account, Dovecot
from tests.support.matrix_people import MakeMember, Member
from tests.support.smtp_server import SmtpServer
from tests.support.synapse import MatrixUser, Synapse
from tests.support.world import World, mail, opened_world

BUTTONS = ("✅", "❌", "🔇")


@dataclass
class House:
    """The installation, the bot's account, Anne, who is an administrator, and the moderators' room.

    The list holds everything and has one member.
    """

    synapse: Synapse
    bot: MatrixUser
    anne: Member
    opened: Callable[[], Awaitable[World]]
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    world: World = field(init=False)
    mailbox: Account | None = None
    room_id: str = ""

    async def open(self, *, start: bool = True) -> None:
        """The program starts, after it has ended if it ran before."""
        await self.stack.aclose()
        self.world = await self.opened()
        self.world.mailbox = self.mailbox = self.mailbox or self.world.mailbox
        if start:
            self.world.app.start({"chat"})

    async def bind(self, *, encrypted: bool) -> None:
        await self.world.add_list(moderation="all", undo_s="30")
        await self.world.members("jean@example.org")
        self.room_id = await self.anne.room(self.bot, encrypted=encrypted)
        await self.anne.joined(self.room_id, self.bot)
        await self.say(f"!bind {self.world.name}")
        await self.anne.message("decided in this room", by=self.bot.id)

    async def held(self, subject: str = "Carottes", body: bytes = b"Bonjour\r\n") -> str:
        """The card of a mail that has just arrived."""
        await self.world.deliver(mail(subject=subject, body=body))
        return str((await self.said(subject)).event_id)

    async def said(self, words: str, number: int = 1) -> RoomMessage:
        """The `number`th message of the bot with these words."""
        return await self.anne.message(words, by=self.bot.id, number=number)

    async def say(self, words: str, **content: Any) -> str:
        return await self.anne.say(self.room_id, words, **content)

    async def taps(self, event_id: str, emoji: str) -> None:
        """Anne reacts, once the bot's own reaction invites her to."""
        await self.anne.until(lambda: emoji in self.anne.reactions(event_id, self.bot.id))
        await self.anne.react(self.room_id, event_id, emoji)

    async def becomes(self, event_id: str, words: str) -> None:
        await self.anne.edited(event_id, words)

    async def has(self, event_id: str, *emoji: str) -> None:
        """Wait until exactly these are the bot's reactions."""
        await self.anne.reacted(event_id, self.bot.id, *emoji)

    async def joined_by(self, other: Member) -> None:
        """Somebody else comes into the moderators' room."""
        await self.anne.client.room_invite(self.room_id, other.user.id)
        await other.client.join(self.room_id)
        await other.until(lambda: self.room_id in other.client.rooms)
        await self.anne.joined(self.room_id, other.user)


MakeHouse = Callable[..., Awaitable[House]]


@pytest.fixture
async def matrix_house(
    synapse: Synapse,
    member: MakeMember,
    tmp_path: Path,
    dovecot: Dovecot,
    smtp_server: SmtpServer,
    clock: ManualClock,
) -> AsyncIterator[MakeHouse]:
    """Makes one: ``await matrix_house(encrypted=True)``; `limited`: it sends as a stock server lets it."""
    async with AsyncExitStack() as ends:

        async def made(
            *,
            encrypted: bool = False,
            limited: bool = False,
            chats: Callable[[], Sequence[ChatTransport]] = tuple,
            admins: Sequence[str] = (),
        ) -> House:
            bot, anne = await synapse.add_user("facteur", limited=limited), await member("anne")
            time = RunningClock(clock.now()) if limited else clock
            section = Matrix.model_validate(
                {"homeserver": synapse.url, "user_id": bot.id, "password": bot.password}
            )

            async def opened() -> World:
                world = opened_world(
                    tmp_path / "data",
                    dovecot,
                    smtp_server,
                    time,
                    admins=[f"matrix:{anne.user.id}", *admins],
                    matrix=section,
                    chats=chats(),
                )
                return await house.stack.enter_async_context(world)

            house = House(synapse, bot, anne, opened)
            ends.push_async_callback(house.stack.aclose)
            await house.open()
            await house.bind(encrypted=encrypted)
            return house

        yield made
