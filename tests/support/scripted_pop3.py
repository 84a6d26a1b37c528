"""A POP3 server that behaves as a test wants: a small correct one, of which any answer can be replaced."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.core.lists import MailboxAccount
from bot.core.settings import MailProtocol, Security
from tests.support.scripted_imap import Step, play


@dataclass(slots=True)
class Conversation:
    """One session: the mails that it began with, by number, and which of them it is to delete."""

    number: int
    mails: list[tuple[str, bytes]]
    deleted: set[int] = field(default_factory=set)


def own_uidl(_session: int, _number: int, uidl: str) -> str:
    """As RFC 1939 wants it: a mail keeps its UIDL."""
    return uidl


@dataclass(slots=True)
class ScriptedPop3:
    """`mails` is what the mailbox holds, oldest first: UIDL and content; `commands` is what clients said.

    `uidl_of` makes the UIDL that a session shows out of the session's number (from 1), the mail's
    number and its own UIDL; None = the server does not know UIDL. `hanging`: some client has come to an
    `Act.HANG`.
    """

    port: int = 0
    mails: list[tuple[str, bytes]] = field(default_factory=list)
    greeting: Sequence[Step] = (b"+OK ready\r\n",)
    capabilities: str = "USER UIDL"
    uidl_of: Callable[[int, int, str], str] | None = own_uidl
    tls: ssl.SSLContext | None = None
    commands: list[str] = field(default_factory=list)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    _answers: list[tuple[re.Pattern[str], int, Sequence[Step]]] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def answer(self, command: str, *steps: Step, times: int = 1_000_000) -> None:
        """From now on, answer commands that match the regular expression like this, so many times."""
        self._answers.insert(0, (re.compile(command), times, steps))

    def hold(self, *raws: bytes) -> None:
        """Put mails in, with the UIDLs u1, u2 and so on."""
        self.mails += [(f"u{len(self.mails) + number}", raw) for number, raw in enumerate(raws, 1)]

    @property
    def contents(self) -> list[bytes]:
        return [raw for _, raw in self.mails]

    def account(
        self, security: Security = Security.NONE, *, after_intake: str = "delete", host: str = "localhost"
    ) -> MailboxAccount:
        """The account as facteur's POP3 client wants it."""
        return MailboxAccount(
            host=host,
            port=self.port,
            protocol=MailProtocol.POP3,
            security=security,
            username="list@example.test",
            password="s3cret pass",
            folders=("INBOX",),
            after_intake=after_intake,
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk with one client until either side ends."""
        self.connections += 1
        session = Conversation(self.connections, list(self.mails))
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            await play(self.greeting, writer, self.hanging)
            while line := await reader.readline():
                command = line.decode().rstrip("\r\n")
                self.commands.append(command)
                await play(self._steps(command, session), writer, self.hanging, tls=self.tls)
                if command == "QUIT":
                    break
        except (ConnectionError, ssl.SSLError, asyncio.CancelledError):
            pass  # the client went away, or the test is over
        finally:
            writer.close()
            self._tasks.discard(task)

    async def stop(self) -> None:
        """End every conversation."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _steps(self, command: str, session: Conversation) -> Sequence[Step]:
        for place, (pattern, times, steps) in enumerate(self._answers):
            if times and pattern.search(command):
                self._answers[place] = (pattern, times - 1, steps)
                return steps
        return (self._correct(command, session),)

    def _correct(self, command: str, session: Conversation) -> bytes:
        name, _, argument = command.partition(" ")
        numbered = [
            (number, uidl, raw)
            for number, (uidl, raw) in enumerate(session.mails, 1)
            if number not in session.deleted
        ]
        match name:
            case "CAPA":
                return _lines(line.encode() for line in self.capabilities.split())
            case "LIST":
                return _lines(b"%d %d" % (number, len(raw)) for number, _, raw in numbered)
            case "UIDL" if self.uidl_of:
                tell = self.uidl_of
                return _lines(
                    f"{number} {tell(session.number, number, uidl)}".encode() for number, uidl, _ in numbered
                )
            case "UIDL":
                return b"-ERR unknown command\r\n"
            case "RETR":
                return content(session.mails[int(argument) - 1][1])
            case "DELE":
                session.deleted.add(int(argument))
            case "QUIT":
                gone = [session.mails[number - 1] for number in session.deleted]
                self.mails = [mail for mail in self.mails if mail not in gone]
        return b"+OK\r\n"


def content(raw: bytes) -> bytes:
    """What answers RETR (RFC 1939 section 3): dots stuffed, the last line ended."""
    stuffed = (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:]
    return b"+OK\r\n" + stuffed + (b"" if raw.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _lines(lines: Iterable[bytes]) -> bytes:
    return b"".join([b"+OK\r\n", *(line + b"\r\n" for line in lines), b".\r\n"])


@asynccontextmanager
async def scripted_pop3(tls: ssl.SSLContext | None = None) -> AsyncIterator[ScriptedPop3]:
    """A server on a free port; with `tls`, encrypted from the first octet."""
    server = ScriptedPop3()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await server.stop()
