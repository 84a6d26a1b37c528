"""A desk with everything on it: real stores, real flow, servers that are not there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.chat.desk import Call, Desk, Installation
from bot.chat.dispatch import Dispatcher, Outcome
from bot.chat.language import Languages
from bot.chat.permissions import Permissions, Rights
from bot.core.addresses import Address
from bot.core.changing import changed
from bot.core.chat import Answer, Place, Press, Room, Screen, Sent, Utterance
from bot.core.lists import MailingList, SmtpAccount
from bot.core.people import Actor, Rank
from bot.core.posts import Cursor, Disposition, Post, Screened, Verdict
from bot.core.settings import Security
from bot.core.stores import Stores
from bot.core.text import Text
from bot.demo.play import NoNames
from bot.flow.accounts import Accounts
from bot.flow.answers import Answers
from bot.flow.checks import Checks
from bot.flow.decisions import Decisions
from bot.flow.guessing import Guessing
from bot.flow.linking import Linking
from bot.flow.notices import Notices, Organisation
from bot.flow.reading import read
from bot.flow.selftest import SelfTest
from bot.flow.sync import Sync
from bot.flow.trials import Trials
from bot.flow.welcomes import Welcomes
from tests.support.clock import ManualClock
from transports.servers import MailServers
from transports.sheets.sources import SheetReader

ANNE = Actor("local:anne", "Anne")
PAUL = Actor("telegram:42", "Paul")
STRANGER = Actor("telegram:666", "Mallory")
PARIS = ZoneInfo("Europe/Paris")

MAIL = b"""\
From: =?utf-8?q?H=C3=A9l=C3=A8ne?= Petit <helene@example.org>\r
To: adherents@amap.example\r
Subject: Panier de jeudi\r
Message-ID: <%d@example.org>\r
\r
Bonjour,\r
\r
il reste des poireaux.\r
"""


CONSOLE = Place("terminal", "console", private=True)


@dataclass
class Office:
    """What a test needs to speak to facteur as a person or as a script."""

    desk: Desk
    dispatcher: Dispatcher
    clock: ManualClock
    mlist: MailingList
    hold: Callable[..., Awaitable[Post]]

    @property
    def call(self) -> Call:
        """Anne, who may do everything, at the console."""
        rights, language = Rights(admin=True), self.desk.languages.default
        return Call(ANNE, CONSOLE, rights, Rank.ADMIN, Rank.ANYONE, language)

    async def do(self, line: str, speaker: Actor = ANNE) -> Outcome:
        return await self.dispatcher.run_line(line, speaker)

    async def say(self, line: str, speaker: Actor = ANNE, place: Place = CONSOLE) -> str:
        return "\n".join([text_of(screen) for screen in await self.screens(line, speaker, place)])

    async def screens(self, line: str, speaker: Actor = ANNE, place: Place = CONSOLE) -> tuple[Screen, ...]:
        answer = await self.dispatcher.said(Utterance(speaker, place, line))
        assert answer is not None
        return answer.screens

    async def answer(self, words: str, speaker: Actor = ANNE, place: Place = CONSOLE) -> str | None:
        """What words get that are no command; None = nobody feels addressed."""
        answer = await self.dispatcher.said(Utterance(speaker, place, words))
        return "\n".join(text_of(screen) for screen in answer.screens) if answer else None

    async def press(self, data: str, speaker: Actor = ANNE, place: Place = CONSOLE) -> Answer:
        return await self.dispatcher.pressed(Press(speaker, place, data))

    async def add_list(self, address: str, **settings: str) -> MailingList:
        """Another list, on a mailbox of its own."""
        own = changed({}, {"host": "127.0.0.2", "username": address, **settings})
        return await self.desk.stores.lists.add(Address(address), own, self.clock.now())


@pytest.fixture
async def desk(stores: Stores, clock: ManualClock, tmp_path: Path) -> Desk:
    nowhere = SmtpAccount("127.0.0.1", 1, Security.NONE, "", "")
    accounts = Accounts(nowhere)
    servers = MailServers(idle=False)
    sheets = SheetReader()
    notices = Notices(Organisation("AMAP", "en", PARIS))
    return Desk(
        stores=stores,
        decisions=Decisions(stores, clock, Answers(stores, notices)),
        notices=notices,
        accounts=accounts,
        welcomes=Welcomes(stores, clock, notices),
        linking=Linking(stores, clock, notices, accounts),
        checks=Checks(stores, servers, accounts, clock, PARIS),
        guessing=Guessing(NoNames(), servers),
        self_test=SelfTest(stores, servers, accounts, notices, NoNames(), clock),
        trials=Trials(stores, servers, accounts, clock),
        languages=Languages("en", PARIS, clock),
        clock=clock,
        installation=Installation(
            "AMAP des Trois Rivières",
            "1.2.3",
            timedelta(minutes=5),
            tmp_path / "exports",
            tmp_path / "imports",
        ),
        sheets=sheets,
        sync=Sync(stores, sheets, clock, timedelta(hours=6)),
    )


@pytest.fixture
async def office(desk: Desk, clock: ManualClock) -> Office:
    """One list, `adherents`, with one member."""
    settings = {"host": "127.0.0.1", "port": "1", "password": "s3cret-word"}
    stores, now = desk.stores, desk.clock.now
    mlist = await stores.lists.add(Address("adherents@amap.example"), changed({}, settings), now())
    numbers = count(1)

    async def hold(
        raw: bytes = MAIL,
        *,
        verdict: Disposition = Disposition.HOLD,
        rule: str = "default",
        on: MailingList = mlist,
    ) -> Post:
        number = next(numbers)
        content = raw.replace(b"%d", str(number).encode())
        post_id = await stores.posts.take_in(read(on.id, Cursor("INBOX", "1", str(number)), content, now()))
        assert post_id
        why = Text("{author} is not a member", author="helene@example.org")
        post = await stores.posts.screened(Screened(post_id, Verdict(verdict, rule, why), now()))
        assert post
        return post

    await stores.admins.configure([PAUL.id], now())
    office = Office(desk, Dispatcher(desk, Permissions(stores)), clock, mlist, hold)
    assert (await office.do("/addmember adherents Jean Roy <jean@example.org>")).ok
    return office


@pytest.fixture
async def room(desk: Desk, office: Office) -> Room:
    """A place where cards are shown."""
    return await desk.stores.rooms.open("test", "console", "en", desk.clock.now())


def text_of(screen: Screen) -> str:
    lines = ["".join(span.text for span in line) for line in (*screen.lines, *screen.below)]
    return "\n".join([*lines, screen.quote])


def buttons_of(screen: Screen) -> list[str]:
    return [button.data for row in screen.buttons for button in row]


def sent(name: str, content: bytes) -> Sent:
    """A file that somebody sends to the bot."""

    async def fetch() -> bytes:
        return content

    return Sent(name, len(content), fetch)
