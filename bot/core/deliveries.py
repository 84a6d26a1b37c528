"""What leaves: a mailing (the copy of a post, or a notice) and its delivery to each recipient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.addresses import Address
from bot.core.text import N_
from bot.core.worded import Worded

NO_LIST = 0
"""In the place of a list's id: mail of the installation itself, which leaves by its own account."""


class MailingKind(StrEnum):
    """A copy of a post to its members, or a mail that facteur itself writes to somebody."""

    COPY = "copy"
    NOTICE = "notice"


class DeliveryState(Worded):
    """due = never tried; deferred = tried, will be again; the others are ends."""

    DUE = "due", N_("waits")
    DEFERRED = "deferred", N_("to be tried again")
    DELIVERED = "delivered", N_("sent")
    BOUNCED = "bounced", N_("refused for good")
    DROPPED = "dropped", N_("dropped")


OPEN_STATES = (DeliveryState.DUE, DeliveryState.DEFERRED)

GIVE_UP_AFTER = timedelta(days=5)
"""Counted from the first attempt (RFC 5321 section 4.5.4.1): then a deferral becomes a bounce."""

_DELAYS_MIN = (1, 5, 15, 30, 60)


def next_delay(attempts: int) -> timedelta:
    """How long after the attempt numbered `attempts` (from 1) the next one is due."""
    return timedelta(minutes=_DELAYS_MIN[attempts - 1] if attempts <= len(_DELAYS_MIN) else 120)


class Outcome(StrEnum):
    """What one attempt gave for one recipient."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    BOUNCED = "bounced"


class Obstacle(StrEnum):
    """Why a mail is not even offered to a relay, or what keeps its answer from us: in that answer's place.

    With the status codes of RFC 6531 section 3.5 and RFC 3463 section 3.7, where there is one.
    """

    ADDRESS = N_("not an address that can be mailed to (no blanks, no brackets)")
    UTF8_ADDRESS = N_(
        "5.6.7 the outgoing server takes only plain letters before the @ (no SMTPUTF8): "
        "ask for another address of this person"
    )
    SIGNED = N_(
        "5.6.3 the mail is signed, and the outgoing server does not take its accented letters as they are "
        "(no 8BITMIME); writing them in another way would break the signature: ask for it unsigned"
    )
    INTRICATE = N_(
        "5.6.3 the outgoing server does not take the accented letters of this mail as they are (no "
        "8BITMIME), and it is too large or has too many parts to be written in another way: ask for a "
        "simpler one"
    )
    STUMBLED = N_("facteur stumbled over it; the log says more")


@dataclass(frozen=True, slots=True)
class NewMailing:
    """A mail to be stored with its deliveries, each due at `due_at`.

    `header` ends with the empty line. `body` is None for a copy: its body is the post's own, which
    is stored once and never edited.
    """

    kind: MailingKind
    mail_from: Address
    recipients: tuple[Address, ...]
    header: bytes = field(repr=False)
    body: bytes | None = field(repr=False)
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Envelope:
    """RFC 5321 section 2.3.1: a return path and 1 to 100 recipients."""

    mail_from: Address
    recipients: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Claimed:
    """One delivery whose attempt is already counted and stored."""

    id: int
    recipient: Address
    attempts: int
    first_attempt_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """Deliveries of one mailing that are sent in one transaction; attempts already stored.

    `attempt_id` is what the attempt counts as in the quota of its `account` (its key). A `trial` is
    the first after a pause of that account: one recipient, to see whether mail leaves again.
    `mlist_id` may be `NO_LIST`; `post_id` is None for a mail that is about no post.
    """

    attempt_id: int
    account: str
    trial: bool
    mailing_id: int
    mlist_id: int
    post_id: int | None
    kind: MailingKind
    mail_from: Address
    content: bytes = field(repr=False)
    deliveries: tuple[Claimed, ...]


@dataclass(frozen=True, slots=True)
class RecipientResult:
    """The relay's word on one recipient; code 0 where there was no reply at all.

    `maybe_taken`: the connection broke after the content was sent, so the relay may have it
    (RFC 1047); it is deferred, and a duplicate is the lesser evil. `over_quota`: the relay takes no
    more mail of the account for now, which says nothing about the recipient; it is deferred whatever
    the code. `offered` is False where the relay was not even asked, because it had said so before.
    """

    recipient: Address
    outcome: Outcome
    code: int
    reply: str
    maybe_taken: bool = False
    over_quota: bool = False
    offered: bool = True


@dataclass(frozen=True, slots=True)
class Recorded:
    """What commit 5 stores for one delivery; `retry_at` only where it stays due.

    `state` None: the quota stood in the way, so the delivery is as if it had not been tried.
    """

    delivery_id: int
    state: DeliveryState | None
    reply: str
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class QuotaReply:
    """The relay takes no more mail of the account for now: its words, and to how many it was offered."""

    words: str
    offered: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """When the last leaves, at the account's quota: of each list (by id) with mail waiting, and of new mail.

    `new` is when the last of what was asked about would leave; None where nothing was.
    """

    lists: Mapping[int, datetime]
    new: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One stored sending to one recipient; `mlist_id` and `post_id` as in `Batch`."""

    id: int
    post_id: int | None
    mlist_id: int
    kind: MailingKind
    recipient: Address
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    last_reply: str


@dataclass(frozen=True, slots=True)
class Counts:
    """The deliveries of a post's copy, disjoint: their sum is the number of recipients.

    `last_at` is when the last one was delivered; None before the first. `leaving` of those dropped had
    been handed to the relay already, and what it says of them is still to come. `because` is the reply
    that all those bounced have in common; empty where they have not.
    """

    delivered: int = 0
    deferred: int = 0
    bounced: int = 0
    dropped: int = 0
    due: int = 0
    last_at: datetime | None = None
    leaving: int = 0
    because: str = ""

    @property
    def recipients(self) -> int:
        return self.delivered + self.deferred + self.bounced + self.dropped + self.due

    @property
    def open(self) -> int:
        return self.deferred + self.due
