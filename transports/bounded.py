"""Reading from a server that may send anything: bounded, and nothing from before encryption began.

What imaplib and poplib read with can neither refuse an answer of ten gigabytes nor say what is
buffered, so their clients read with this.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

_CHUNK_OCTETS = 65_536


class BoundedReader:
    """Buffers what comes; `allowance` is how many octets may still come in, set by whoever asks.

    What it raises is as its owner's protocol wants it: `unusable` makes it of a few words.
    """

    def __init__(
        self,
        sock: Callable[[], socket.socket],
        allowance: int,
        *,
        unusable: Callable[[str], Exception],
        lost: Callable[[], Exception],
    ) -> None:
        """`sock` gives the connection of now: STARTTLS and STLS replace it by another."""
        self.allowance = allowance
        self._sock = sock
        self._unusable = unusable
        self._lost = lost
        self._buffer = bytearray()
        self._read_from: socket.socket | None = None

    @property
    def unread(self) -> bytes:
        """What has come and was not read yet."""
        return bytes(self._buffer)

    def line(self) -> bytes:
        """The next line, with its end."""
        self._refuse_injection()
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            self.receive()
        return self._taken(end + 1)

    def exactly(self, size: int) -> bytes:
        """So many octets."""
        if size > self.allowance:
            raise self._unusable(f"unexpected literal of {size} octets")
        self._refuse_injection()
        while len(self._buffer) < size:
            self.receive()
        return self._taken(size)

    def through(self, end: bytes, *, behind: bytes) -> bytearray:
        """`behind`, which was read before, and all that follows up to `end` and with it.

        `end` may begin in `behind`.
        """
        self._refuse_injection()
        found = bytearray(behind) + self._taken(len(self._buffer))
        searched = 0
        while (at := found.find(end, searched)) < 0:
            searched = max(0, len(found) - len(end))
            found += self._received()
        self._buffer += found[at + len(end) :]
        del found[at + len(end) :]
        return found

    def receive(self) -> None:
        """Wait for more, and buffer it."""
        self._buffer += self._received()

    def _received(self) -> bytes:
        octets = self._sock().recv(_CHUNK_OCTETS)
        if not octets:
            raise self._lost()
        self.allowance -= len(octets)
        if self.allowance < 0:
            raise self._unusable("unexpected answer, longer than anything that was asked for")
        return octets

    def _refuse_injection(self) -> None:
        """What came in clear before TLS began must not be read as if it were encrypted."""
        if self._sock() is not self._read_from:
            if self._buffer:
                raise self._unusable("unexpected octets before encryption began")
            self._read_from = self._sock()

    def _taken(self, size: int) -> bytes:
        with memoryview(self._buffer) as view:
            octets = bytes(view[:size])
        del self._buffer[:size]
        return octets
