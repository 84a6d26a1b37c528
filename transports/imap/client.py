"""imaplib's client with the reading done by us: bounded, and without a thread while it idles.

imaplib names `open`, `read`, `readline` and `send` as the methods to override. Its own reader can
neither refuse a literal of ten gigabytes nor say what is buffered, which IDLE needs (RFC 2177): an
EXISTS in the same segment as "+ idling" never makes the socket readable again.
"""

from __future__ import annotations

import imaplib
import socket
import ssl
from collections.abc import Callable
from typing import Any

from typing_extensions import override

from transports.threads import Limits, end_reading

_CHUNK_OCTETS = 65_536
_IDLE_OCTETS = 1_000_000


class Client(imaplib.IMAP4):
    """A connection in clear, or one that STARTTLS encrypts."""

    def __init__(
        self,
        host: str,
        port: int,
        limits: Limits,
        opened: Callable[[Client], None],
        **tls: ssl.SSLContext,
    ) -> None:
        """Connect and read the greeting; `opened` gets this client before that, so that it can be cut."""
        self._opened = opened
        self._limits = limits
        self._allowance = limits.answer_octets
        self._buffer = bytearray()
        self._read_from: socket.socket | None = None
        super().__init__(host, port, timeout=limits.silence_s, **tls)

    @override
    def open(self, *args: Any, **kwargs: Any) -> None:
        super().open(*args, **kwargs)
        self._opened(self)

    @override
    def send(self, data: Any) -> None:
        self._allowance = self._limits.answer_octets
        super().send(data)

    @override
    def read(self, size: int) -> bytes:
        if size > self._allowance:
            raise self.abort(f"unexpected literal of {size} octets")
        self._refuse_injection()
        while len(self._buffer) < size:
            self._receive()
        return self._taken(size)

    @override
    def readline(self) -> bytes:
        self._refuse_injection()
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            self._receive()
        return self._taken(end + 1)

    def expect_little(self) -> None:
        """Bound what may come from now on as an IDLE needs it: lines, no mails."""
        self._allowance = _IDLE_OCTETS

    def buffered(self) -> bytes:
        """What has come and is not yet read, without waiting: to be called while nobody reads.

        Everything is taken from the TLS layer too, so that the socket is readable when more comes.
        """
        self.sock.settimeout(0)
        try:
            while True:
                self._receive()
        except (BlockingIOError, ssl.SSLWantReadError):
            return bytes(self._buffer)
        finally:
            self.sock.settimeout(self._limits.silence_s)

    def cut(self) -> None:
        """End whatever another thread is waiting for on this connection; it stays to be closed."""
        end_reading(getattr(self, "sock", None))  # there is none before it is connected

    def discard(self) -> None:
        """Close without a word."""
        try:
            self.shutdown()
        except (AttributeError, OSError):
            pass  # never connected, or closed by the other side

    def _refuse_injection(self) -> None:
        """What came in clear before TLS began must not be read as if it were encrypted."""
        if self.sock is not self._read_from:
            if self._buffer:
                raise self.abort("unexpected octets before encryption began")
            self._read_from = self.sock

    def _receive(self) -> None:
        octets = self.sock.recv(_CHUNK_OCTETS)
        if not octets:
            raise self.abort("socket error: EOF")
        self._allowance -= len(octets)
        if self._allowance < 0:
            raise self.abort(f"unexpected answer of more than {self._limits.answer_octets} octets")
        self._buffer += octets

    def _taken(self, size: int) -> bytes:
        with memoryview(self._buffer) as view:
            octets = bytes(view[:size])
        del self._buffer[:size]
        return octets


class TlsClient(Client, imaplib.IMAP4_SSL):
    """A connection that is encrypted from its first octet."""
