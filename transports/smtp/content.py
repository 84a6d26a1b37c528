"""The content of a mail as it goes over the wire (RFC 5321 sections 2.3.8 and 4.5.2)."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.core.header import with_crlf


@dataclass(frozen=True, slots=True)
class Content:
    """Ready to be sent after DATA: `octets` are dot-stuffed and end with the lone dot.

    `size` counts what the recipient gets: without stuffing, without the lone dot (RFC 1870 section 3).
    """

    octets: bytes = field(repr=False)
    size: int
    eight_bit: bool


def prepared(mail: bytes) -> Content:
    """Make line ends CRLF (lone CR, lone LF, a missing last one) and stuff dots; nothing else changes."""
    octets = with_crlf(mail)
    last_end = b"" if not octets or octets.endswith(b"\r\n") else b"\r\n"
    size = len(octets) + len(last_end)
    octets = octets.replace(b"\r\n.", b"\r\n..")
    first_dot = b"." if octets.startswith(b".") else b""
    # a large mail is there twice as it is, so it is put together once
    return Content(b"".join((first_dot, octets, last_end, b".\r\n")), size, eight_bit=not mail.isascii())
