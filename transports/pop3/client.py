"""poplib's client with the reading done by us: bounded, and byte for byte.

poplib gives a mail as lines without their ends, cuts a CR from the start of a line, takes a line that
ends in a bare LF for one that counts, and ends at 2,048 octets; a mail has longer lines, and what it
has instead of CRLF is the author's. There is no public method to override, so three private ones are.
"""

from __future__ import annotations

import poplib
import socket
import ssl
from collections.abc import Callable

from typing_extensions import override

from transports.bounded import BoundedReader
from transports.threads import Limits, end_reading

_END = b"\r\n.\r\n"
_REFUSED = b"-ERR"


_LINES_OCTETS = 10_000_000


class Client(poplib.POP3):
    """A connection; with `tls` encrypted from its first octet, else in clear until `stls`."""

    def __init__(
        self,
        host: str,
        port: int,
        limits: Limits,
        opened: Callable[[Client], None],
        tls: ssl.SSLContext | None,
    ) -> None:
        """Connect and read the greeting; `opened` gets this client before that, so that it can be cut."""
        self._opened = opened
        self._limits = limits
        self._tls = tls
        self._reader = BoundedReader(
            lambda: self.sock,
            _LINES_OCTETS,
            unusable=lambda words: poplib.error_proto(words.encode()),
            lost=ConnectionResetError,
        )
        super().__init__(host, port, timeout=limits.silence_s)

    def mail(self, number: int) -> bytes:
        """RETR: the mail as it is, with the line ends that it has on the wire.

        Only a line that begins behind a CRLF can be the end or have a stuffed dot (RFC 1939 section
        3): a bare LF in front of a dot is part of the mail.
        """
        self._ask(b"RETR %d" % number, self._limits.answer_octets)
        # of the answer: the first line begins behind a CRLF too
        found = self._reader.through(_END, behind=b"\r\n")
        del found[2 - len(_END) :]
        found = found.replace(b"\r\n..", b"\r\n.")
        del found[:2]
        return bytes(found)

    def lines(self, command: bytes) -> list[bytes]:
        """The lines that answer LIST, UIDL or CAPA."""
        self._ask(command, _LINES_OCTETS)
        found: list[bytes] = []
        while (line := self._getline()[0]) != b".":
            found.append(line)
        return found

    @override
    def capa(self) -> dict[str, list[str]]:
        """What the server can do (RFC 2449), upper case; nothing where it does not tell."""
        try:
            told = self.lines(b"CAPA")
        except poplib.error_proto as error:
            if not is_refusal(error):
                raise
            told = []
        words = (line.decode("ascii", "replace").upper().split() for line in told)
        return {name: parameters for name, *parameters in filter(None, words)}

    def cut(self) -> None:
        """End whatever another thread is waiting for on this connection; it stays to be closed."""
        end_reading(getattr(self, "sock", None))  # there is none before it is connected

    def discard(self) -> None:
        """Close without a word; the server forgets what was to be deleted (RFC 1939 section 6)."""
        try:
            self.close()
        except (AttributeError, OSError):
            pass  # never connected, or closed by the other side

    def _create_socket(self, timeout: float) -> socket.socket:
        self.sock = socket.create_connection((self.host, self.port), timeout)
        if self._tls:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)
        self._opened(self)
        return self.sock

    def _ask(self, command: bytes, answer_octets: int) -> None:
        """Send a command that is answered by a line, and by at most so much behind it if that is +OK."""
        self._putline(command)
        self._reader.allowance = answer_octets
        answer, _ = self._getline()
        if not answer.startswith(b"+"):
            raise poplib.error_proto(answer)

    def _putline(self, line: bytes) -> None:
        self._reader.allowance = _LINES_OCTETS
        self.sock.sendall(line + b"\r\n")

    def _getline(self) -> tuple[bytes, int]:
        """A line without its end, and how long it was with it."""
        line = self._reader.line()
        return line.rstrip(b"\r\n"), len(line)


def words_of(error: poplib.error_proto) -> bytes:
    """The server's own words in what poplib raised."""
    return _said(error).removeprefix(_REFUSED).strip()


def is_refusal(error: poplib.error_proto) -> bool:
    """Whether it was a proper -ERR; anything else is not POP3."""
    return _said(error).startswith(_REFUSED)


def _said(error: poplib.error_proto) -> bytes:
    said = error.args[0] if error.args else b""
    return said if isinstance(said, bytes) else str(said).encode("utf-8", "replace")
