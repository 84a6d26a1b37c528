"""From a fresh bot to a working list: the same words and taps in Telegram, in Matrix and in a terminal.

The program is ended and begun anew on the same data before each of them. What is typed is listed at the
end of each transcript: nothing twice, at most eight things in all.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import pytest

from bot.app import App, open_app
from bot.core.ports import ChatTransport
from bot.core.settings import Security
from config.settings import Dns, Matrix, Settings
from tests.support.bot_api import BotApi, Chat, Message
from tests.support.certificates import certificates
from tests.support.clock import ManualClock
from tests.support.dovecot import Account, Dovecot
from tests.support.matrix_people import MakeMember, Member
from tests.support.names import NameServer
from tests.support.smtp_server import SmtpServer, SmtpServers
from tests.support.stores import empty_sqlite
from tests.support.synapse import MatrixUser, Synapse
from tests.support.terminals import Watcher, pipes
from tests.support.world import ANNE, mail
from transports.servers import MailServers
from transports.telegram.room import Telegram
from transports.terminal.room import ROOM, Terminal, face_for

SHEET = "nom;adresse\n" + "".join(f"Membre {n};membre{n}@example.org\n" for n in range(1, 87))
PASSWORD = "pw"


@dataclass
class House:
    """An installation that is ended and begun anew at will, with a mailbox that has one old mail."""

    folder: Path
    dovecot: Dovecot
    relay: SmtpServer
    names: NameServer
    clock: ManualClock
    mailbox: Account
    matrix: Matrix | None = None
    admins: Sequence[str] = ()
    running: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def begun(self, *chats: ChatTransport) -> App:
        """The program, after whatever ran before has ended."""
        await self.running.aclose()
        empty_sqlite(self.folder / "facteur.db")
        settings = Settings(
            organisation="AMAP des Trois Rivières",
            language="en",
            data_dir=self.folder,
            admins=list(self.admins),
            matrix=self.matrix,
            dns=Dns(server=f"127.0.0.1:{self.names.port}"),
        )
        servers = MailServers(idle=False, tls=certificates().client_context())
        opened = open_app(settings, clock=self.clock, servers=servers, chats=chats)
        self.app = await self.running.enter_async_context(opened)
        return self.app

    async def mail_comes_back(self) -> None:
        """What the relay took for the list is delivered there, and facteur looks."""
        [taken] = [each for each in self.relay.taken if each.recipients == (self.mailbox.address,)]
        await asyncio.to_thread(self.dovecot.deliver, self.mailbox, taken.raw)
        await self.app.service.one_pass()


class Person(Protocol):
    """Somebody at one end of a chat network, who does one thing after the other."""

    typed: list[str]
    forgets: bool
    """What was shown is gone after a restart, but for a question that waits."""

    async def says(self, words: str) -> None:
        """Type words; where they answer a question, as that network wants it."""
        ...

    async def tells(self, secret: str) -> None:
        """Type a secret where nobody else reads it, and see it go from the chat where that can be."""
        ...

    async def sends(self, sheet: str) -> None:
        """Hand in a sheet."""
        ...

    async def taps(self, label: str) -> None:
        """Press the button that begins so on what was shown last."""
        ...

    async def sees(self, *words: str) -> None:
        """Wait until something that the bot shows has these words; it is what was shown last."""
        ...


@pytest.fixture
async def house(
    tmp_path: Path, dovecot: Dovecot, smtp_servers: SmtpServers, names: NameServer, clock: ManualClock
) -> AsyncIterator[House]:
    """The list's domain publishes its servers: a real Dovecot, and a relay that records."""
    mailbox = dovecot.add_user()
    relay = await smtp_servers(security=Security.SSL, users={mailbox.address: PASSWORD})
    names.names_servers("SRV", "_imaps._tcp.example.test", f"0 0 {dovecot.imaps} localhost.")
    names.names_servers("SRV", "_submissions._tcp.example.test", f"0 0 {relay.port} localhost.")
    await asyncio.to_thread(dovecot.deliver, mailbox, mail(subject="Ancien"))
    opened = House(tmp_path / "data", dovecot, relay, names, clock, mailbox)
    yield opened
    await opened.running.aclose()


async def transcript(person: Person, house: House, *, room: str) -> None:
    """The whole of it; `room`: the button for where cards are to be shown, empty = it is not asked."""
    await person.says("/start")
    await person.sees("/addlist makes a mailing list")
    await person.says("/addlist")
    await person.sees("What is the address of the list?")
    await person.says(house.mailbox.address)
    await person.sees("Mail comes from localhost", "please see whether it is your host", "Is that right?")
    await person.taps("✅ That is right")
    await person.tells(PASSWORD)
    await person.sees("✅ Configuration OK: 1 mail lies in the mailbox.", "Which posts shall wait")
    await person.taps("🛡 those of non-members")
    await person.sees("Where shall answers")
    await person.taps("👤 to the author")
    await person.sees("Who gets the posts?")
    await person.sends(SHEET)
    await person.sees("This is what the sheet has: 86 added.")
    await person.taps("✅ Take them in")
    if room:
        await person.sees("Where shall posts that wait be shown?")
        await person.taps(room)
    await person.sees("1 mail is in the mailbox already")
    await person.taps("🛡 Show it")
    await person.sees("is ready", "✅ Its mailbox and its way out work.", "86 people with 86 addresses")
    if person.forgets:
        await person.says("/testpost")
    else:
        await person.taps("✉️ Send a test post")
    await person.sees("On its way")
    await house.mail_comes_back()
    await person.sees("A test post for", "it is a test post")


async def works(house: House) -> None:
    """The list is what was answered, and a moderator's word brings a post to all 86."""
    [row] = (await house.app.dispatcher.run_line("/lists", ANNE)).rows
    assert (row["people"], row["healthy"], row["held"]) == (86, True, 2)
    assert (await house.app.dispatcher.run_line("/distribute 1", ANNE)).ok
    for _ in range(2):
        house.clock.advance(timedelta(minutes=1))
        await house.app.service.one_pass()
    copies = [taken for taken in house.relay.taken if b"Subject: [list" in taken.raw]
    assert len({each for taken in copies for each in taken.recipients}) == 86


def nothing_twice(person: Person, most: int) -> None:
    """No more than eight things were typed, and each of them once."""
    assert len(person.typed) == len(set(person.typed)) == most <= 8


# Telegram: begun in the moderators' group, the password told in private


@dataclass
class OnTelegram:
    """Anne in the moderators' group; answers are replies, as bots in groups hear nothing else."""

    house: House
    api: BotApi
    typed: list[str] = field(default_factory=list)
    forgets: bool = False
    shown: Message | None = None

    def __post_init__(self) -> None:
        self.anne = self.api.person("Anne", 101)
        self.group: Chat = self.api.group("Modération", self.anne, self.api.person("Bruno"))
        self.house.admins = ["telegram:101"]
        self.count = 0

    async def restart(self) -> None:
        if self.typed:  # what was not confirmed yet would be heard again
            await self.api.seen(lambda: not self.api.updates.waiting)
        now = lambda: self.house.clock.now().timestamp()  # noqa: E731
        self.house.clock.advance(timedelta(seconds=30))  # the limits of Telegram are kept by it
        self.api.now = now
        app = await self.house.begun(Telegram(self.api.token, base_url=self.api.url, now=now))
        app.start(["chat"])

    async def says(self, words: str) -> None:
        await self.restart()
        self.typed.append(words)
        self.count = len(self.group.messages)
        await self.anne.says(self.group, words, reply_to=None if words.startswith("/") else self.shown)

    async def tells(self, secret: str) -> None:
        await self.sees("Nobody else here is to read the answer")
        await self.restart()
        assert self.shown
        await self.anne.opens(self.shown, "🔑 Answer in private")
        await self.anne.private.shows("Please write it here")
        await self.restart()
        self.typed.append(secret)
        self.count = len(self.group.messages)
        told = await self.anne.says(self.anne.private, secret)
        await self.anne.private.shows("It goes on in Modération")
        assert told.deleted

    async def sends(self, sheet: str) -> None:
        await self.restart()
        self.typed.append("membres.csv")
        self.count = len(self.group.messages)
        await self.anne.sends_file(self.group, "membres.csv", sheet.encode(), reply_to=self.shown)

    async def taps(self, label: str) -> None:
        await self.restart()
        assert self.shown
        [whole] = [each for row in self.shown.buttons for each in row if each.startswith(label)]
        self.count = len(self.group.messages)
        await self.anne.taps(self.shown, whole)

    async def sees(self, *words: str) -> None:
        self.shown = await self.group.shows(*words)


async def test_in_a_telegram_group(house: House, bot_api: BotApi) -> None:
    person = OnTelegram(house, bot_api)
    await transcript(person, house, room="🔔 In this room")
    assert person.typed == ["/start", "/addlist", house.mailbox.address, PASSWORD, "membres.csv"]
    nothing_twice(person, 5)
    [row] = (await house.app.dispatcher.run_line("/lists", ANNE)).rows
    assert [room["title"] for room in row["rooms"]] == ["Modération"]
    await works(house)
    assert [f"{each.method}: {each.refusal}" for each in bot_api.requests if each.refusal] == []


# Matrix: in a room with the bot alone


@dataclass
class OnMatrix:
    """Anne in a plain room with the bot; buttons are reactions, named in the legend."""

    house: House
    anne: Member
    bot: MatrixUser
    typed: list[str] = field(default_factory=list)
    forgets: bool = False
    room_id: str = ""
    body: str = ""
    event_id: str = ""

    async def restart(self) -> None:
        app = await self.house.begun()
        app.start(["chat"])
        if not self.room_id:
            self.room_id = await self.anne.room(self.bot)
            await self.anne.joined(self.room_id, self.bot)

    async def says(self, words: str) -> None:
        await self.restart()
        self.typed.append(words)
        self.said = await self.anne.say(self.room_id, words.replace("/", "!", 1))

    async def tells(self, secret: str) -> None:
        await self.sees("What is the password?")
        await self.says(secret)
        await self.sees("Please delete your message")  # the bot may not do so in a room of Anne's

    async def sends(self, sheet: str) -> None:
        await self.restart()
        self.typed.append("membres.csv")
        await self.anne.upload(self.room_id, "membres.csv", sheet.encode())

    async def taps(self, label: str) -> None:
        await self.restart()
        legend = self.body.partition("React with one of these emoji:")[2]
        named = re.search(rf"(\S+) {re.escape(label.partition(' ')[2])}", legend)
        assert named, self.body
        await self.anne.react(self.room_id, self.event_id, named[1])

    async def sees(self, *words: str) -> None:
        def found() -> tuple[str, str] | None:
            for each in reversed(self.anne.messages(self.bot.id)):
                if all(word in each.body for word in words):
                    return each.body, each.event_id
            return None

        self.body, self.event_id = await self.anne.until(found)


async def test_in_a_matrix_room(house: House, synapse: Synapse, member: MakeMember) -> None:
    bot, anne = await synapse.add_user("facteur"), await member("anne")
    house.matrix = Matrix.model_validate(
        {"homeserver": synapse.url, "user_id": bot.id, "password": bot.password}
    )
    house.admins = [f"matrix:{anne.user.id}"]
    person = OnMatrix(house, anne, bot)
    await transcript(person, house, room="🔔 In this chat")
    assert person.typed == ["/start", "/addlist", house.mailbox.address, PASSWORD, "membres.csv"]
    nothing_twice(person, 5)
    await works(house)


# The terminal: a room for every list, so that it does not ask for one


@dataclass
class AtTheTerminal:
    """Anne at a console that is left and opened again; buttons are numbers."""

    house: House
    folder: Path
    typed: list[str] = field(default_factory=list)
    forgets: bool = True
    open: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def restart(self) -> None:
        await self.open.aclose()
        self.open = AsyncExitStack()
        source, sink, keyboard, watched = self.open.enter_context(pipes())
        self.keyboard, self.screen = keyboard, Watcher(watched)
        terminal = Terminal(ANNE, downloads=self.folder, face=face_for(source, sink))
        app = await self.house.begun(terminal)
        await self.open.enter_async_context(_beside(app, terminal))
        self.open.callback(self.screen.stop)

    async def says(self, words: str) -> None:
        await self.restart()
        self.typed.append(words)
        os.write(self.keyboard, f"{words}\n".encode())

    async def tells(self, secret: str) -> None:
        await self.sees("What is the password?")
        await self.says(secret)

    async def sends(self, sheet: str) -> None:
        (self.folder / "membres.csv").write_text(sheet)
        await self.says(str(self.folder / "membres.csv"))

    async def taps(self, label: str) -> None:
        """A console that is opened anew shows the question again, with numbers of its own."""
        await self.restart()
        await self.screen.until(label)
        number = re.findall(rf"\[(\d+)\] {re.escape(label)}", self.screen.text)[-1]
        os.write(self.keyboard, f"{number}\n".encode())

    async def sees(self, *words: str) -> None:
        for each in words:
            await self.screen.until(each)


async def test_at_the_terminal(house: House, tmp_path: Path) -> None:
    person = AtTheTerminal(house, tmp_path)
    try:
        await transcript(person, house, room="")
        sheet = str(tmp_path / "membres.csv")
        assert person.typed == ["/start", "/addlist", house.mailbox.address, PASSWORD, sheet, "/testpost"]
        nothing_twice(person, 6)
        await works(house)
    finally:
        await person.open.aclose()


@asynccontextmanager
async def _beside(app: App, terminal: Terminal) -> AsyncIterator[None]:
    moderating = asyncio.create_task(app.moderate(terminal, ROOM))
    try:
        yield
    finally:
        moderating.cancel()
        await asyncio.gather(moderating, return_exceptions=True)
