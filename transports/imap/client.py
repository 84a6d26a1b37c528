"""imaplib's client with the reading done by us: bounded, and without a thread while it idles.

imaplib names `open`, `read`, `readline` and `send` as the methods to override. IDLE (RFC 2177) needs
to know what is buffered: an EXISTS in the same segment as "+ idling" never makes the socket readable
again.
"""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Callable
from typing import Any

from typing_extensions import override

from transports.bounded import BoundedReader
from transports.threads import Limits, end_reading

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
        self._reader = BoundedReader(
            lambda: self.sock,
            limits.answer_octets,
            unusable=self.abort,
            lost=lambda: self.abort("socket error: EOF"),
        )
        super().__init__(host, port, timeout=limits.silence_s, **tls)

    @override
    def open(self, *args: Any, **kwargs: Any) -> None:
        super().open(*args, **kwargs)
        self._opened(self)

    @override
    def send(self, data: Any) -> None:
        self._reader.allowance = self._limits.answer_octets
        super().send(data)

    @override
    def read(self, size: int) -> bytes:
        return self._reader.exactly(size)

    @override
    def readline(self) -> bytes:
        return self._reader.line()

    def expect_little(self) -> None:
        """Bound what may come from now on as an IDLE needs it: lines, no mails."""
        self._reader.allowance = _IDLE_OCTETS

    def buffered(self) -> bytes:
        """What has come and is not yet read, without waiting: to be called while nobody reads.

        Everything is taken from the TLS layer too, so that the socket is readable when more comes.
        """
        self.sock.settimeout(0)
        try:
            while True:
                self._reader.receive()
        except (BlockingIOError, ssl.SSLWantReadError):
            return self._reader.unread
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


class TlsClient(Client, imaplib.IMAP4_SSL):
    """A connection that is encrypted from its first octet."""
