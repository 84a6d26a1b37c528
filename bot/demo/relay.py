"""The demonstration's relay: a real SMTP server (aiosmtpd) that keeps what it is given to send."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Relayed:
    """A mail as the relay got it: `raw` with CRLF line ends, for each of the recipients."""

    mail_from: str
    recipients: tuple[str, ...]
    raw: bytes = field(repr=False)


class DemoRelay:
    """What came out at the other end, oldest first, in `taken`; nothing leaves this machine."""

    def __init__(self) -> None:
        self.host = HOST
        self.port = 0
        self.taken: list[Relayed] = []
        self._news = asyncio.Condition()

    @property
    def recipients(self) -> list[str]:
        """Everybody who would have got a mail, once for each mail."""
        return [recipient for mail in self.taken for recipient in mail.recipients]

    async def wait_for(self, copies: int) -> None:
        """Return when so many copies came out; the caller limits the time."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.recipients) >= copies)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a mail; aiosmtpd knows this method by its name."""
        raw = envelope.original_content or b""
        self.taken.append(Relayed(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw))
        async with self._news:
            self._news.notify_all()
        return "250 2.0.0 kept for the demonstration"


class _Conversation(SMTP):
    line_length_limit = 1_000_000  # aiosmtpd's own refuses lines over 1,000 octets, which occur


@asynccontextmanager
async def demo_relay() -> AsyncIterator[DemoRelay]:
    """A relay on a free port, in clear and without login, while the context lasts."""
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd tells there of every command
    relay = DemoRelay()
    conversations: list[_Conversation] = []

    def begin() -> _Conversation:
        conversations.append(_Conversation(relay, hostname="relay.example", data_size_limit=50_000_000))
        return conversations[-1]

    server = await asyncio.get_running_loop().create_server(begin, HOST, 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        for conversation in conversations:
            if conversation.transport:
                conversation.transport.close()
        await server.wait_closed()
