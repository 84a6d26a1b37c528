"""The content of a mail as it goes over the wire (RFC 5321 sections 2.3.8 and 4.5.2)."""

from __future__ import annotations

from dataclasses import dataclass, field


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
    lines = mail.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    if lines and not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    stuffed = lines.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return Content(stuffed + b".\r\n", len(lines), eight_bit=not mail.isascii())
