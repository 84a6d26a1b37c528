"""A recording SMTP server: real SMTP by aiosmtpd, with answers, cuts and silences as scripted.

`replies` holds what is not answered as usual, by recipient or by place (`MAIL`, `DATA`, `BODY` =
before the end of the content, `END` = after it): a reply, `CUT` or `HANG`. `once` is the same for
one time only. A reply that starts with 421 closes the connection, as RFC 5321 section 3.8 wants.

In a process of its own (replies are then read from a JSON file, before each use)::

    python -m tests.support.smtp_server --record DIR [--port N] [--replies FILE] [--user U --password P]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import ssl
import sys
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, TypeAlias, cast

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from typing_extensions import override

from bot.core.lists import SmtpAccount
from bot.core.settings import Security
from tests.support.certificates import certificates
from tests.support.patience import WAIT_S

CUT = "cut"
"""The connection ends without an answer."""
HANG = "hang"
"""No answer until `SmtpServer.released` is set."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that the server took; `raw` is what was sent, without dot-stuffing, CRLF line ends."""

    mail_from: str
    recipients: tuple[str, ...]
    raw: bytes = field(repr=False)
    user: str
    tls: bool
    options: tuple[str, ...]


@dataclass
class SmtpServer:
    """Listens on 127.0.0.1 while inside ``async with server.listening():``."""

    security: Security = Security.NONE
    users: dict[str, str] = field(default_factory=dict)
    login_required: bool = True
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")
    pipelining: bool = True
    utf8: bool = True
    eight_bit: bool = True
    max_octets: int = 50_000_000
    esmtp: bool = True
    server_context: ssl.SSLContext | None = None

    port: int = 0
    replies: dict[str, str] = field(default_factory=dict)
    once: defaultdict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    on_taken: Callable[[int, Taken], None] | None = None
    on_asked: Callable[[str], None] | None = None
    taken: list[Taken] = field(default_factory=list)
    commands: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._changed = asyncio.Condition()
        self._sessions: set[_Session] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[SmtpServer]:
        """Accept connections; at the end all that are open are dropped."""
        if self.security is not Security.NONE:
            self.server_context = self.server_context or certificates().server_context()
        implicit = self.server_context if self.security is Security.SSL else None
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Session(self), "127.0.0.1", self.port, ssl=implicit)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.drop_connections()
            await server.wait_closed()

    @property
    def client_context(self) -> ssl.SSLContext | None:
        """What a client needs in order to trust this server."""
        return None if self.security is Security.NONE else certificates().client_context()

    def account(self, **changes: Any) -> SmtpAccount:
        """The account with which this server is used; the first of its users, if any."""
        username, password = next(iter(self.users.items()), ("", ""))
        fields: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "security": self.security,
            "username": username,
            "password": password,
        }
        return SmtpAccount(**(fields | changes))

    def drop_connections(self) -> None:
        """As a relay does that restarts, or closes what is idle."""
        for session in list(self._sessions):
            session.drop()

    async def wait_for(self, number: int) -> list[Taken]:
        """Wait until `number` mails were taken, ten seconds at most."""
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(lambda: len(self.taken) >= number)
        return self.taken

    async def wait_until_idle(self) -> None:
        """Wait until nobody is connected, ten seconds at most."""
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(lambda: not self._sessions)

    def scripted(self, place: str) -> str:
        """The answer for a place or a recipient; empty = the usual one."""
        if self.once[place]:
            return self.once[place].popleft()
        return self.replies.get(place, "")

    async def take(self, mail: Taken) -> None:
        self.taken.append(mail)
        if self.on_taken:
            self.on_taken(len(self.taken), mail)
        await self._tell()

    def opened(self, session: _Session) -> None:
        self.connections += 1
        self._sessions.add(session)

    async def closed(self, session: _Session) -> None:
        self._sessions.discard(session)
        await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class _Session(SMTP):
    """One connection; aiosmtpd finds its methods by their names."""

    line_length_limit = 1_000_000

    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        starttls = server.security is Security.STARTTLS
        super().__init__(
            handler=SimpleNamespace(handle_EHLO=self.announcements, handle_DATA=self.end_of_content),
            hostname="relay.example.org",
            ident="recording",
            data_size_limit=server.max_octets,
            enable_SMTPUTF8=server.utf8,
            tls_context=server.server_context if starttls else None,
            require_starttls=starttls,
            auth_require_tls=starttls,
            auth_exclude_mechanism={"PLAIN", "LOGIN"} - set(server.mechanisms),
            authenticator=self._authenticate_user,
            loop=asyncio.get_running_loop(),
        )
        # Not as a parameter: aiosmtpd warns, because it sees TLS only where STARTTLS began it.
        self._auth_required = bool(server.users) and server.login_required

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.transport is None:
            self.server.opened(self)
        super().connection_made(transport)

    @override
    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._farewell = self.loop.create_task(self.server.closed(self))

    def drop(self) -> None:
        if self.transport:  # none is left after a handshake that failed
            self.connection.abort()

    @property
    def connection(self) -> asyncio.Transport:
        return cast("asyncio.Transport", self.transport)

    @override
    async def smtp_EHLO(self, hostname: str) -> None:
        if self.server.esmtp:
            await super().smtp_EHLO(hostname)
        else:
            await self.push("502 5.5.2 what is EHLO")

    @override
    async def smtp_AUTH(self, arg: str) -> None:
        if not await self._answered("AUTH"):
            await super().smtp_AUTH(arg)

    @override
    async def smtp_MAIL(self, arg: str | None) -> None:
        if not await self._answered("MAIL"):
            await super().smtp_MAIL(arg)

    @override
    async def smtp_RCPT(self, arg: str) -> None:
        self.server.commands["RCPT"] += 1
        recipient = arg.removeprefix("TO:<").partition(">")[0]
        begun = self.envelope and self.envelope.mail_from
        if not (begun and await self._answered(recipient)):
            await super().smtp_RCPT(arg)

    @override
    async def smtp_DATA(self, arg: str) -> None:
        if not (self.envelope and self.envelope.rcpt_tos):
            await super().smtp_DATA(arg)
        elif not await self._answered("DATA"):
            if early := self.server.scripted("BODY"):
                await self.push("354 go ahead")
                await self._reader.readline()
                await self.push(await self._reply(early))
                await self._hang_up()
            await super().smtp_DATA(arg)

    @override
    async def smtp_RSET(self, arg: str) -> None:
        self.server.commands["RSET"] += 1
        await super().smtp_RSET(arg)

    @override
    async def smtp_QUIT(self, arg: str) -> None:
        self.server.commands["QUIT"] += 1
        await super().smtp_QUIT(arg)

    async def announcements(
        self, session: Any, state: Any, envelope: Any, hostname: str, lines: list[str]
    ) -> list[str]:
        state.host_name = hostname
        unheard = {"250-AUTH": not self.server.users, "250-8BITMIME": not self.server.eight_bit}
        kept = [
            line for line in lines[:-1] if not any(unheard[each] for each in unheard if line.startswith(each))
        ]
        return [*kept, *(["250-PIPELINING"] if self.server.pipelining else []), lines[-1]]

    async def end_of_content(self, session: Any, state: Any, envelope: Any) -> str:
        mail = Taken(
            mail_from=envelope.mail_from,
            recipients=tuple(envelope.rcpt_tos),
            raw=envelope.original_content,
            user=state.auth_data.login.decode() if state.authenticated else "",
            tls=self.connection.get_extra_info("sslcontext") is not None,
            options=tuple(envelope.mail_options),
        )
        answer = self.server.scripted("END")
        if answer == CUT:
            await self.server.take(mail)  # RFC 1047: it has the mail, and nobody is told
        if reply := await self._reply(answer):
            return reply
        await self.server.take(mail)
        return "250 2.0.0 queued"

    async def _answered(self, place: str) -> bool:
        """Whether the script has an answer of its own here, and gave it."""
        self.server.commands[place] += 1
        if self.server.on_asked:
            self.server.on_asked(place)
        reply = await self._reply(self.server.scripted(place))
        if reply:
            await self.push(reply)
        return bool(reply)

    async def _reply(self, answer: str) -> str:
        """What to send; empty = the usual. Does not return where the connection ends."""
        if answer == HANG:
            self.server.hanging.set()
            await self.server.released.wait()
            return ""
        if answer == CUT:
            await self._hang_up()
        if answer.startswith("421"):
            await self.push(answer)
            await self._hang_up()
        return answer

    async def _hang_up(self) -> NoReturn:
        self.connection.close()
        await asyncio.Event().wait()  # aiosmtpd cancels this task when the connection is lost
        raise AssertionError

    def _authenticate_user(self, *asked: Any) -> AuthResult:
        login = asked[-1]
        known = self.server.users.get(login.login.decode()) == login.password.decode()
        return AuthResult(success=known, handled=False, auth_data=login)


@pytest.fixture
async def smtp_server() -> AsyncIterator[SmtpServer]:
    """A server without encryption or login, with PIPELINING."""
    async with SmtpServer().listening() as server:
        yield server


SmtpServers: TypeAlias = Callable[..., Awaitable[SmtpServer]]


@pytest.fixture
async def smtp_servers() -> AsyncIterator[SmtpServers]:
    """Starts servers of any kind: the parameters are the fields of `SmtpServer`."""
    async with AsyncExitStack() as running:

        async def start(**fields: Any) -> SmtpServer:
            return await running.enter_async_context(SmtpServer(**fields).listening())

        yield start


Dialogue: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def odd_relay(dialogue: Dialogue) -> AsyncIterator[SmtpAccount]:
    """A relay that says what no proper server would: `dialogue` has the connection for itself."""
    conversations: list[asyncio.Task[None]] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await dialogue(reader, writer)
        except ConnectionError:
            pass  # the client left, as it should
        finally:
            writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.append(asyncio.create_task(converse(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        yield SmtpAccount("127.0.0.1", server.sockets[0].getsockname()[1], Security.NONE, "", "")
    finally:
        server.close()
        for conversation in conversations:
            conversation.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
        await server.wait_closed()


class _RepliesFile(dict[str, str]):
    """Replies that another process changes while the server runs."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    @override
    def get(self, place: str, default: str = "") -> str:  # type: ignore[override]  # always with a default
        known = json.loads(self._path.read_text()) if self._path.exists() else {}
        return str(known.get(place, default))


def _record(folder: Path, number: int, mail: Taken) -> None:
    """`N.eml` as it was sent, then `N.json` with the envelope: where that is, both are complete."""
    envelope = {"mail_from": mail.mail_from, "recipients": mail.recipients, "user": mail.user}
    (folder / f"{number:06}.eml").write_bytes(mail.raw)
    beside = folder / f"{number:06}.tmp"
    beside.write_text(json.dumps(envelope | {"tls": mail.tls, "options": mail.options}))
    beside.rename(folder / f"{number:06}.json")


async def _serve(options: argparse.Namespace) -> None:
    folder: Path = options.record
    server = SmtpServer(
        security=Security(options.security),
        users={options.user: options.password} if options.user else {},
        pipelining=not options.lockstep,
        port=options.port,
        replies=_RepliesFile(options.replies) if options.replies else {},
        on_taken=lambda number, mail: _record(folder, number, mail),
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    authority = certificates().write(folder)[2]
    async with server.listening():
        ready = {"host": "127.0.0.1", "port": server.port, "cafile": str(authority), "pid": os.getpid()}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    """Serve until SIGTERM; one JSON line on standard output says when, where, and whom to trust."""
    parser = argparse.ArgumentParser(description="recording SMTP server")
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--replies", type=Path)
    parser.add_argument("--security", choices=list(Security), default=Security.NONE)
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--lockstep", action="store_true", help="do not announce PIPELINING")
    options = parser.parse_args()
    options.record.mkdir(parents=True, exist_ok=True)
    asyncio.run(_serve(options))


if __name__ == "__main__":
    main()
