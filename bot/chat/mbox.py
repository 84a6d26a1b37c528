"""The mbox format (RFC 4155) in its reversible variant "mboxrd": many mails in one file."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from bot.core.addresses import Address, is_deliverable

_FROM_LINE = re.compile(rb"^(>*From )", re.MULTILINE)


def as_mbox(mails: Iterable[tuple[Address, datetime, bytes]]) -> bytes:
    """One file of mails, each with its author and the moment it was received; line ends become LF."""
    return b"".join(_entry(author, received_at, raw) for author, received_at, raw in mails)


def _entry(author: Address, received_at: datetime, raw: bytes) -> bytes:
    sender = author if is_deliverable(author) and author.isascii() else "MAILER-DAEMON"
    moment = time.asctime(received_at.astimezone(UTC).timetuple())
    lines = _FROM_LINE.sub(rb">\1", raw.replace(b"\r\n", b"\n"))
    end = b"\n" if lines.endswith(b"\n") else b"\n\n"
    return f"From {sender} {moment}\n".encode() + lines + end
