"""Lists and posts as plain values, for everything that needs no storage."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.core.addresses import Address, Mailbox
from bot.core.changing import changed, validated
from bot.core.header import Header, split
from bot.core.lists import MailingList
from bot.core.posts import Cursor, Post, PostState

NOON = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
LIST = "adherents@amap.example"


def a_list(address: str = LIST, /, **typed: str) -> MailingList:
    """A list with settings as they would be typed after ``/set``."""
    own = changed({}, typed)
    return MailingList(1, Address(address), validated(own), own, 1, paused=False, created_at=NOON)


def a_header(*lines: str | bytes) -> Header:
    """The header with these lines, text as UTF-8."""
    octets = (line if isinstance(line, bytes) else line.encode() for line in lines)
    return split(b"".join(line + b"\r\n" for line in octets) + b"\r\n")[0]


def a_post(
    *authors: str, subject: str = "Panier", folder: str = "INBOX", size_octets: int = 1_000, old: bool = False
) -> Post:
    """A post just received from these addresses."""
    return Post(
        id=1,
        mlist_id=1,
        cursor=Cursor(folder, "1", "1"),
        state=PostState.RECEIVED,
        received_at=NOON,
        size_octets=size_octets,
        authors=tuple(Mailbox("", Address(author)) for author in authors),
        subject=subject,
        message_id="<1@example.org>",
        body_sha256="",
        text="",
        old=old,
    )
