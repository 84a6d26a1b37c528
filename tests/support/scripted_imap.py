"""An IMAP server that behaves as a test wants: a small correct one, of which any answer can be replaced."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from itertools import cycle

from bot.core.lists import MailboxAccount
from bot.core.settings import MailProtocol, Security

VALIDITY = "7"
_DRIP_S = 0.02


class Act(Enum):
    """What an answer may do besides sending octets."""

    HANG = "say nothing more until the client leaves"
    CUT = "close the connection"
    START_TLS = "begin the TLS handshake"


@dataclass(frozen=True, slots=True)
class Drip:
    """Octets sent one by one, slowly, again and again."""

    octets: bytes


Step = bytes | Act | Drip
"""``TAG`` in octets stands for the command's tag."""


@dataclass(slots=True)
class ScriptedImap:
    """`mails` is what the only folder holds, by UID; `commands` is what clients said, without tags.

    `idling` and `hanging`: some client is in IDLE, or has come to an `Act.HANG`.
    """

    port: int = 0
    mails: dict[int, bytes] = field(default_factory=dict)
    greeting: Sequence[Step] = (b"* OK ready\r\n",)
    capabilities: str = "IDLE UIDPLUS MOVE"
    tls: ssl.SSLContext | None = None
    commands: list[str] = field(default_factory=list)
    idling: asyncio.Event = field(default_factory=asyncio.Event)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    _answers: list[tuple[re.Pattern[str], Sequence[Step]]] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def answer(self, command: str, *steps: Step) -> None:
        """From now on, answer commands that match the regular expression like this."""
        self._answers.insert(0, (re.compile(command), steps))

    def account(
        self, security: Security = Security.NONE, *, after_intake: str = "delete", host: str = "localhost"
    ) -> MailboxAccount:
        """The account as facteur's IMAP client wants it."""
        return MailboxAccount(
            host=host,
            port=self.port,
            protocol=MailProtocol.IMAP,
            security=security,
            username="list@example.test",
            password="s3cret pass",
            folders=("INBOX",),
            after_intake=after_intake,
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk with one client until either side ends."""
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            await play(self.greeting, writer, self.hanging)
            while line := await reader.readline():
                tag, _, command = line.decode().strip().partition(" ")
                self.commands.append(command)
                await play(self._steps(command), writer, self.hanging, tag=tag.encode(), tls=self.tls)
                if command == "IDLE":
                    self.idling.set()
                    await reader.readline()  # DONE
                    writer.write(tag.encode() + b" OK done\r\n")
                elif command == "LOGOUT":
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

    def _steps(self, command: str) -> Sequence[Step]:
        for pattern, steps in self._answers:
            if pattern.search(command):
                return steps
        return (self._correct(command) + (b"" if command == "IDLE" else b"TAG OK done\r\n"),)

    def _correct(self, command: str) -> bytes:
        name = command.partition(" ")[0]
        if name == "CAPABILITY":
            return f"* CAPABILITY IMAP4rev1 {self.capabilities}\r\n".encode()
        if name in {"SELECT", "EXAMINE"}:
            exists = f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY {VALIDITY}] valid\r\n"
            return exists.encode() + (b"* OK [READ-ONLY]\r\n" if name == "EXAMINE" else b"")
        if name == "LOGOUT":
            return b"* BYE see you\r\n"
        if name == "LIST":
            return b'* LIST () "/" INBOX\r\n'
        if name == "IDLE":
            return b"+ idling\r\n"
        return self._mail_data(command) if name == "UID" else b""

    def _mail_data(self, command: str) -> bytes:
        named = re.search(r"(?:FETCH|UID) ([\d,]+)", command.removeprefix("UID "))
        uids = [uid for uid in self.mails if not named or uid in map(int, named[1].split(","))]
        if command == "UID SEARCH DELETED":
            return b"* SEARCH\r\n"
        if command.startswith("UID SEARCH"):
            return b"* SEARCH " + b" ".join(b"%d" % uid for uid in uids) + b"\r\n"
        if "RFC822.SIZE" in command:
            return b"".join(
                b"* %d FETCH (UID %d RFC822.SIZE %d)\r\n" % (uid, uid, len(self.mails[uid])) for uid in uids
            )
        if "BODY.PEEK" in command:
            return b"".join(body(uid, self.mails[uid]) for uid in uids)
        return b""


async def play(
    steps: Sequence[Step],
    writer: asyncio.StreamWriter,
    hanging: asyncio.Event,
    *,
    tag: bytes = b"",
    tls: ssl.SSLContext | None = None,
) -> None:
    """Do what an answer consists of. Raises ConnectionError where it cuts the connection."""
    for step in steps:
        match step:
            case bytes():
                writer.write(step.replace(b"TAG", tag))
                await writer.drain()
            case Act.CUT:
                raise ConnectionError
            case Act.HANG:
                hanging.set()
                await asyncio.Event().wait()
            case Act.START_TLS:
                assert tls
                await writer.start_tls(tls)
            case Drip(octets):
                await _drip(octets, writer)


async def _drip(octets: bytes, writer: asyncio.StreamWriter) -> None:
    for octet in cycle(octets):
        writer.write(bytes([octet]))
        await writer.drain()
        await asyncio.sleep(_DRIP_S)  # the pace is what this server is about


def body(uid: int, raw: bytes) -> bytes:
    """A FETCH response as most servers write it."""
    return b"* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (uid, uid, len(raw), raw)


@asynccontextmanager
async def scripted_imap(tls: ssl.SSLContext | None = None) -> AsyncIterator[ScriptedImap]:
    """A server on a free port; with `tls`, encrypted from the first octet."""
    server = ScriptedImap()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await server.stop()
