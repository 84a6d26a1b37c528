"""A post, its states and what was decided about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from typing_extensions import override

from bot.core.addresses import Address, Mailbox
from bot.core.authentication import UNEXAMINED, Authentication
from bot.core.deliveries import NewMailing
from bot.core.errors import UserError
from bot.core.people import Actor
from bot.core.text import N_, Text
from bot.core.worded import Worded


class PostState(Worded):
    """received -> held | accepted | discarded; held -> accepted | rejected | discarded | expired;
    accepted -> distributed. Undo: accepted | rejected | discarded -> held, and distributed too, as
    long as nobody was there to get it.
    """

    RECEIVED = "received", N_("just arrived")
    HELD = "held", N_("waits for a decision")
    ACCEPTED = "accepted", N_("being distributed")
    REJECTED = "rejected", N_("rejected")
    DISCARDED = "discarded", N_("rejected silently")
    EXPIRED = "expired", N_("expired")
    DISTRIBUTED = "distributed", N_("distributed")


class Disposition(StrEnum):
    """What becomes of a post: the author is told of a rejection, nobody of a discard."""

    ACCEPT = "accept"
    HOLD = "hold"
    REJECT = "reject"
    DISCARD = "discard"

    @property
    def state(self) -> PostState:
        return _STATES[self]


_STATES = {
    Disposition.ACCEPT: PostState.ACCEPTED,
    Disposition.HOLD: PostState.HELD,
    Disposition.REJECT: PostState.REJECTED,
    Disposition.DISCARD: PostState.DISCARDED,
}


@dataclass(frozen=True, slots=True)
class Cursor:
    """What identifies a mail in its mailbox: UIDVALIDITY + UID (IMAP) or UIDL (POP3, validity "")."""

    folder: str
    validity: str
    uid: str

    @override
    def __str__(self) -> str:
        """The form in which it is stored; unique within one mailbox."""
        return f"{self.folder}/{self.validity}/{self.uid}"


class Unread(StrEnum):
    """What of a mail is not read: it would cost too much, or is too damaged.

    HEADER: fields, or authors, beyond those that are read. PARTS: parts beyond those that are listed.
    DAMAGED: all of the body.
    """

    HEADER = "header"
    PARTS = "parts"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part of a post that is not its text; `name` is decoded and free of path separators."""

    name: str
    content_type: str
    size_octets: int


@dataclass(frozen=True, slots=True)
class NewPost:
    """A mail as intake stores it: what was read from it once, beside its raw bytes.

    `text` is what a person would read, without markup, at most 20,000 characters; it and the
    strings are free of NUL and lone surrogates. `body_sha256` is of the raw body.
    """

    mlist_id: int
    cursor: Cursor
    raw: bytes = field(repr=False)
    received_at: datetime
    authors: tuple[Mailbox, ...]
    subject: str
    message_id: str
    body_sha256: str
    text: str = field(repr=False)
    attachments: tuple[Attachment, ...]
    unread: tuple[Unread, ...] = ()
    """What of it nobody has read."""
    old: bool = False
    """It was in the mailbox before the list read it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The opinion of one rule: its name and a sentence that a moderator understands."""

    disposition: Disposition
    rule: str
    reason: Text
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """A post as it stands now, without its raw bytes.

    `decisions` counts the decisions and undos so far: a press carries the count that it was shown
    with, so a stale one is recognised. `decided_*` tell of the last decision that stands; a rule's
    has an Actor without id.
    """

    id: int
    mlist_id: int
    cursor: Cursor
    state: PostState
    received_at: datetime
    size_octets: int
    authors: tuple[Mailbox, ...]
    subject: str
    message_id: str
    body_sha256: str
    text: str = field(repr=False)
    attachments: tuple[Attachment, ...] = ()
    unread: tuple[Unread, ...] = ()
    old: bool = False
    rule: str = ""
    reason: Text | None = None
    warning: bool = False
    decisions: int = 0
    decided_by: Actor | None = None
    decided_at: datetime | None = None
    decision_reason: str = ""
    undo_until: datetime | None = None
    stopped_by: str = ""
    authentication: Authentication = UNEXAMINED

    @property
    def author(self) -> Mailbox | None:
        """The first From; None if there is none that can be read."""
        return self.authors[0] if self.authors else None

    @property
    def author_address(self) -> Address:
        return self.author.address if self.author else Address("")


def no_such_post(post_id: int) -> UserError:
    """It never existed, was purged, or is not for the one who asks."""
    return UserError(Text("There is no post {id} (any more)", id=post_id))


@dataclass(frozen=True, slots=True)
class Screened:
    """What commit 2 stores (or commit 3, where the verdict is *accept*).

    `shown`: the list's rooms are told, although there is nothing to decide.
    """

    post_id: int
    verdict: Verdict
    at: datetime
    mailings: tuple[NewMailing, ...] = ()
    authentication: Authentication = UNEXAMINED
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What commit 3 stores: a person's word on a held post, and all that follows from it."""

    post_id: int
    disposition: Disposition
    by: Actor
    at: datetime
    undo_until: datetime
    reason: str = ""
    seen_decisions: int | None = None
    """The count that the button carried; None for a command, which means the post as it is."""
    mailings: tuple[NewMailing, ...] = ()
