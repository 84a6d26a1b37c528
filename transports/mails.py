"""What every mailbox makes of mails that cannot be had, and of servers that break off."""

from __future__ import annotations

from datetime import date
from email.utils import parsedate_to_datetime

from bot.core.errors import FacteurError, PermanentError, TransientError, Trouble
from bot.core.header import split
from bot.core.ports import Fetched
from bot.core.posts import Cursor
from bot.core.text import Size, Text
from transports.trouble import Server

MAX_MAIL_OCTETS = 40_000_000
"""No larger mail is fetched: large providers take none either, and to take one in costs a multiple."""
SLOWEST_OCTETS_PER_S = 50_000
"""A server that sends slower than this is ended, even if it never falls silent."""
MAILS_THAT_BREAK = 3
"""So many mails of one pass may each break the connection; then it is the server's fault."""
PERHAPS_ONE_MAIL = (Trouble.LOST, Trouble.TIMEOUT, Trouble.ANSWER)
"""Troubles that a single mail can bring about."""
PERHAPS_STALE = (Trouble.LOST, Trouble.TIMEOUT)
"""Troubles of a connection that was silent for a while: servers close, and routers forget it."""


def fetched(cursor: Cursor, mail: bytes | FacteurError) -> Fetched:
    """A mail, or why it could not be had."""
    return Fetched(cursor, error=mail) if isinstance(mail, FacteurError) else Fetched(cursor, raw=mail)


def arrival(header: bytes) -> date | None:
    """The day a mail came, by the topmost Received field (RFC 5321 section 4.4), else by Date.

    None = neither tells.
    """
    fields = split(header)[0]
    for written in (fields.first("received").rpartition(";")[2], fields.first("date")):
        try:
            return parsedate_to_datetime(written).date()
        except (ValueError, TypeError, OverflowError):
            continue
    return None


def too_large(octets: int, limit: int) -> PermanentError:
    """A mail that is not even fetched."""
    return PermanentError(
        Text(
            "This mail has {size}, more than the {limit} that are fetched. It stays in the mailbox.",
            size=Size(octets),
            limit=Size(limit),
        )
    )


def kept_back(server: Server, words: bytes) -> TransientError:
    """A mail that is there and that the server refuses to hand out."""
    text = Text(
        "{host} does not hand out this mail: {words}. Look at it with another mail program; it "
        "stays in the mailbox and will be tried again.",
        host=server.host,
        words=server.quote(words) or Text("it gives no reason"),
    )
    return TransientError(text)
