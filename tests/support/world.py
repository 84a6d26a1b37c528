"""facteur as a whole in the test's own process: a real mailbox, a real relay, and a clock turned by hand."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import SecretStr

from bot.app import App, open_app
from bot.core.chat import Answer, Place, Press
from bot.core.people import Actor
from bot.core.ports import ChatTransport, Servers
from bot.core.settings import MailProtocol, Security
from config.settings import Archive, Dns, Matrix, Settings, Smtp
from tests.support.certificates import certificates
from tests.support.clock import ManualClock
from tests.support.dovecot import Account, Dovecot
from tests.support.names import NameServer, name_server
from tests.support.smtp_server import SmtpServer, SmtpServers, Taken
from tests.support.stores import empty_sqlite
from transports.servers import MailServers

ANNE = Actor("local:anne", "Anne")
BRUNO = Actor("local:bruno", "Bruno")
CONSOLE = Place("terminal", "console", private=True)


@dataclass
class World:
    """An installation seen through one of its lists, `mailbox` being what that list reads."""

    app: App
    clock: ManualClock
    dovecot: Dovecot
    relay: SmtpServer
    mailbox: Account
    names: NameServer
    protocol: MailProtocol = MailProtocol.IMAP
    security: Security = Security.NONE
    troubles: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return self.mailbox.address

    @property
    def name(self) -> str:
        return self.address.partition("@")[0]

    async def do(self, command: str, who: Actor = ANNE) -> dict[str, Any]:
        """A chat command as ``facteur do --json`` would answer it; it must succeed."""
        done = await self.app.dispatcher.run_line(command, who)
        assert done.ok, done.text
        return {"text": done.text, "rows": list(done.rows), "files": done.files}

    async def refused(self, command: str, who: Actor = ANNE) -> str:
        """The sentence with which a command is refused."""
        done = await self.app.dispatcher.run_line(command, who)
        assert not done.ok, done.text
        return done.text

    async def said(self, command: str) -> str:
        """What a person reads in answer."""
        text: str = (await self.do(command))["text"]
        return text

    async def press(self, data: str, who: Actor = ANNE) -> Answer:
        """A tap on a button of a card."""
        return await self.app.dispatcher.pressed(Press(who, CONSOLE, data))

    async def rows(self, command: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self.do(command))["rows"]
        return rows

    async def add_list(self, **settings: str) -> dict[str, Any]:
        """The list, with the mailbox as it is; its undo window is what `settings` say, else none."""
        account = self.dovecot.mailbox_account(self.mailbox, self.security, protocol=self.protocol)
        given = {
            "undo_s": "0",
            "host": account.host,
            "port": str(account.port),
            "protocol": account.protocol.value,
            "security": account.security.value,
            "password": account.password,
        } | settings
        words = " ".join(f'{key}="{value}"' for key, value in given.items())
        return await self.do(f"/addlist {self.address} {words}")

    def another(self) -> World:
        """The same installation, seen through a list of its own that is still to be added."""
        return replace(self, mailbox=self.dovecot.add_user())

    async def members(self, *addresses: str) -> None:
        """People who get the list's posts."""
        for address in addresses:
            await self.do(f"/addmember {self.name} {address}")

    async def put(self, *mails: bytes, folder: str = "INBOX") -> None:
        """Mails arrive in the mailbox, and nobody looks yet."""
        for raw in mails:
            await asyncio.to_thread(self.dovecot.deliver, self.mailbox, raw, folder)

    async def deliver(self, *mails: bytes) -> None:
        """Put mails into the mailbox, and let facteur do all that is due now."""
        await self.put(*mails)
        await self.pass_()

    async def distribute(self, post_id: int) -> None:
        """Decide for a held post, and send all that is due then."""
        await self.do(f"/distribute {post_id}")
        await self.pass_()

    async def pass_(self) -> None:
        """One pass of the service: poll, screen, send all that is due."""
        troubles = await self.app.service.one_pass()
        self.troubles = {address: str(trouble) for address, trouble in troubles.items()}

    async def later(self, **time: float) -> None:
        """Turn the clock (``minutes=5``) and do what is due then."""
        self.clock.advance(timedelta(**time))
        await self.pass_()

    async def state(self, post_id: int) -> tuple[str, str]:
        """A post's state and the rule that judged it."""
        post = await self.app.stores.posts.get(post_id)
        return post.state.value, post.rule

    def copies(self) -> list[Taken]:
        """What the relay took so far."""
        return self.relay.taken

    def copied_to(self) -> list[str]:
        """Whom the relay took copies of posts for, notices left out, in alphabetical order."""
        copies = [taken for taken in self.relay.taken if b"List-Id: " in taken.raw]
        return sorted(recipient for taken in copies for recipient in taken.recipients)

    def sent_to(self) -> list[str]:
        """Whom the relay took mails for so far, in alphabetical order, repetitions included."""
        return sorted(recipient for taken in self.relay.taken for recipient in taken.recipients)

    async def counts(self, post_id: int) -> dict[str, int]:
        """What became of a post's copies; states that nobody is in are left out."""
        [row] = await self.rows(f"/show {post_id}")
        return {state: number for state, number in row["deliveries"].items() if number}

    async def trouble(self) -> str:
        """Why ``/lists`` calls the list unhealthy; empty if it does not."""
        return await self.trouble_of(self.address)

    async def trouble_of(self, address: str) -> str:
        """The same of another list."""
        [row] = [row for row in await self.rows("/lists") if row["address"] == address]
        assert row["healthy"] is not bool(row["troubles"])
        return "\n".join(row["troubles"])


@asynccontextmanager
async def opened_world(
    folder: Path,
    dovecot: Dovecot,
    relay: SmtpServer,
    clock: ManualClock,
    *,
    servers: Servers | None = None,
    language: Literal["en", "fr"] = "en",
    database_url: str = "",
    archive: Archive | None = None,
    chats: Sequence[ChatTransport] = (),
    admins: Sequence[str] = (),
    matrix: Matrix | None = None,
    common_relay: bool = True,
    **smtp: Any,
) -> AsyncIterator[World]:
    """An installation in `folder` that sends through `relay`; nothing of it runs by itself.

    Without a `common_relay` the configuration names none.
    """
    settings = Settings(
        organisation="AMAP des Trois Rivières",
        language=language,
        data_dir=folder,
        database_url=SecretStr(database_url),
        admins=list(admins),
        smtp=Smtp(host="127.0.0.1", port=relay.port, security=relay.security.value, **smtp)
        if common_relay
        else Smtp(),
        archive=archive or Archive(),
        matrix=matrix,
    )
    if not database_url:
        empty_sqlite(folder / "facteur.db")
    mailbox = dovecot.add_user()
    async with name_server() as names:
        settings = settings.model_copy(update={"dns": Dns(server=f"127.0.0.1:{names.port}")})
        async with open_app(settings, clock=clock, servers=servers, chats=chats) as app:
            yield World(app, clock, dovecot, relay, mailbox, names)


_USUAL_WAY = (MailProtocol.IMAP, Security.NONE)

every_way = pytest.mark.parametrize(
    "way",
    [(protocol, security) for protocol in MailProtocol for security in Security],
    ids="-".join,
    indirect=True,
)
"""For a test of `world`: each protocol and encryption of the mailbox, and the relay's encryption alike."""


@pytest.fixture
def way(request: pytest.FixtureRequest) -> tuple[MailProtocol, Security]:
    """How the mailbox of `world` is read: the simplest way, or each, where a test is marked `every_way`."""
    found: tuple[MailProtocol, Security] = getattr(request, "param", _USUAL_WAY)
    return found


@pytest.fixture
async def world(
    tmp_path: Path,
    dovecot: Dovecot,
    smtp_servers: SmtpServers,
    clock: ManualClock,
    way: tuple[MailProtocol, Security],
    database_url: str,
) -> AsyncIterator[World]:
    """An installation without lists yet."""
    protocol, security = way
    relay = await smtp_servers(security=security)
    trusting = MailServers(idle=False, tls=certificates().client_context())
    servers = None if security is Security.NONE else trusting
    async with opened_world(
        tmp_path / "data", dovecot, relay, clock, servers=servers, database_url=database_url
    ) as opened:
        yield replace(opened, protocol=protocol, security=security)


def parsed(taken: Taken) -> EmailMessage:
    """A mail as its reader's program understands it."""
    return email.message_from_bytes(taken.raw, policy=email.policy.default)


_numbers = count(1)


def mail(
    *,
    author: str = "Paul <paul@example.net>",
    to: str = "",
    subject: str = "Carottes",
    body: bytes = b"Bonjour\r\n",
    **fields: str,
) -> bytes:
    """A mail as it would lie in the mailbox, with a Message-ID of its own; ``X_Loop="..."`` adds a field."""
    header = {
        "From": author,
        "To": to,
        "Subject": subject,
        "Date": "Tue, 10 Mar 2026 09:00:00 +0100",
        "Message-ID": f"<{next(_numbers)}@example.net>",
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    lines = (f"{name}: {value}\r\n".encode() for name, value in header.items() if value)
    return b"".join(lines) + b"\r\n" + body
