"""A connection to a relay as a line of replies; what came before it broke can still be read.

aiosmtplib opens the connection, encrypts it and logs in; then the wire takes its transport over.
asyncio's own streams do not fit: they forget replies that they hold when the connection is reset,
and a relay that refuses in mid-transaction (``421``, ``552``) replies first and resets at once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from typing_extensions import override

from bot.core.header import readable

_REPLY_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
_STATUS = re.compile(rb"[245]\.\d{1,3}\.\d{1,3} ")
_MAX_UNREAD_OCTETS = 65_536
_MAX_TEXT = 500
_PARTING_S = 5.0


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of the relay; the lines of a long one are joined by blanks (RFC 5321 section 4.2)."""

    code: int
    text: str

    @property
    def ok(self) -> bool:
        return 200 <= self.code < 300


class Lost(Exception):
    """The conversation cannot go on: broken, silent for too long, or not SMTP.

    `code` is 421 if the relay said that it leaves (RFC 5321 section 3.8), else 0.
    """

    def __init__(self, words: str, code: int = 0) -> None:
        super().__init__(words)
        self.words = words
        self.code = code


@dataclass(frozen=True, slots=True)
class Features:
    """Those of the relay's announcements (EHLO) that change how a mail is offered."""

    pipelining: bool
    size: bool
    eight_bit: bool
    utf8: bool


class Wire(asyncio.Protocol):
    """Writes commands and reads replies, on a transport that is connected and logged in.

    `timeout_s` limits the wait for each reply, and for each step of progress in sending.
    """

    def __init__(self, transport: asyncio.Transport, features: Features, timeout_s: float) -> None:
        self.features = features
        self._transport = transport
        self._timeout_s = timeout_s
        self._unread = bytearray()
        self._paused = False
        self._broken = transport.is_closing()
        self._news = asyncio.Event()
        self._closed = asyncio.Event()
        transport.set_protocol(self)

    @property
    def at_rest(self) -> bool:
        """Whether a transaction may begin: connected, and nothing unread (a farewell, for instance)."""
        return not (self._broken or self._unread or self._transport.is_closing())

    @property
    def speaking(self) -> bool:
        """Whether the relay has said something that was not read yet."""
        return bool(self._unread)

    def write(self, octets: bytes | memoryview) -> None:
        """Queue octets for sending. Raises Lost where that is known to be in vain."""
        if self._broken or self._transport.is_closing():
            raise Lost("the connection was lost")
        self._transport.write(octets)

    async def progress(self) -> None:
        """Return when more may be written or the relay spoke. Raises Lost."""
        await asyncio.sleep(0)  # lets a refusal come in even where the kernel takes all at once
        async with self._time_limit(self._timeout_s):
            while self._paused and not self._unread:
                await self._next_event()

    async def reply(self, timeout_s: float | None = None) -> Reply:
        """The next reply, whole within `timeout_s` (default: the wire's own). Raises Lost."""
        lines: list[bytes] = []
        async with self._time_limit(timeout_s or self._timeout_s):
            while match := _REPLY_LINE.fullmatch(await self._line()):
                lines.append((match[3] or b"").strip())
                if match[2] != b"-":
                    return Reply(int(match[1]), _joined(lines))
        raise Lost("the server's answer is not SMTP")

    def abort(self) -> None:
        """Drop the connection at once."""
        self._broken = True
        self._transport.abort()

    def leave(self) -> None:
        """Say QUIT and let the relay close; it is dropped if it does not."""
        if self.at_rest:
            self._transport.write(b"QUIT\r\n")
            asyncio.get_running_loop().call_later(_PARTING_S, self._transport.abort)
        else:
            self._transport.abort()
        self._broken = True

    async def closed(self, timeout_s: float) -> None:
        """Return when the connection is closed, which it is after `timeout_s` at the latest."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._closed.wait()
        except TimeoutError:
            self.abort()
            await self._closed.wait()

    @override
    def data_received(self, data: bytes) -> None:
        self._unread += data
        if len(self._unread) > _MAX_UNREAD_OCTETS:
            self.abort()
        self._news.set()

    @override
    def eof_received(self) -> None:
        self._broken = True  # the transport closes by itself
        self._news.set()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._broken = True
        self._news.set()
        self._closed.set()

    @override
    def pause_writing(self) -> None:
        self._paused = True

    @override
    def resume_writing(self) -> None:
        self._paused = False
        self._news.set()

    async def _line(self) -> bytes:
        while (end := self._unread.find(b"\n")) < 0:
            await self._next_event()
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return line.removesuffix(b"\r")

    async def _next_event(self) -> None:
        if self._broken:
            raise Lost("the connection was lost")
        self._news.clear()
        await self._news.wait()

    @asynccontextmanager
    async def _time_limit(self, timeout_s: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(timeout_s):
                yield
        except TimeoutError:
            raise Lost("the server did not answer in time") from None


def _joined(lines: list[bytes]) -> str:
    """One line of text; the status code that RFC 2034 wants on every line stands once."""
    status = _STATUS.match(lines[0])
    rest = (line.removeprefix(status[0]) if status else line for line in lines[1:])
    text = b" ".join([lines[0], *rest]).decode("utf-8", "replace")
    return readable(text)[:_MAX_TEXT]
