"""What rooms show and what people do there, in terms that every chat network can render.

Strings in here are plain text in the reader's language, never markup: each transport escapes them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.core.lists import Certificate
from bot.core.people import Actor
from bot.core.text import Text

PRESS_LIMIT_OCTETS = 64
"""Telegram's limit for what a button may carry; the other transports keep to it."""


class Tone(StrEnum):
    """How a button looks where the network can colour it."""

    PLAIN = "plain"
    SUCCESS = "success"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is said or shown: `address` is the network's own name for a chat, topic or room.

    `private`: one person is alone with the bot there; `title` is what people call it.
    """

    transport: str
    address: str
    private: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """`data` comes back with the press, at most 64 octets: an id, a key and a count, no state.

    `private`: it leads to the chat of that person alone with the bot, and is pressed there.
    """

    label: str
    data: str
    tone: Tone = Tone.PLAIN
    private: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style."""

    text: str
    strong: bool = False
    code: bool = False


Line = tuple[Span, ...]


def line(text: str, *, strong: bool = False, code: bool = False) -> Line:
    """A line in one style."""
    return (Span(text, strong=strong, code=code),)


@dataclass(frozen=True, slots=True)
class File:
    """Something to hand out: a post's ``.eml``, an attachment, an export."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that came with words, not fetched yet: strangers send some too.

    Attributes:
        size_octets: as the sender's program said; 0 = it did not.
        fetch: its content, for whoever has the right to use it. Raises FacteurError.
    """

    name: str
    size_octets: int
    fetch: Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Screen:
    """One thing posted to a room: lines, then a quotation of a mail's text, lines below, buttons.

    `asks`: the next words of whoever it answers are the reply to it. `key`: posted again under the same
    one, because nobody noted that it was, it is the same message where the network can tell.
    """

    lines: tuple[Line, ...]
    quote: str = ""
    below: tuple[Line, ...] = ()
    buttons: tuple[tuple[Button, ...], ...] = ()
    files: tuple[File, ...] = ()
    asks: bool = False
    key: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something said to the bot: a command, or words that a dialogue waits for, and files with it.

    `forwarded`: somebody passes on what was written elsewhere, perhaps by another.
    """

    speaker: Actor
    place: Place
    text: str
    files: tuple[Sent, ...] = ()
    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class Press:
    """A button tapped; `data` may be stale, replayed or invented."""

    speaker: Actor
    place: Place
    data: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to words or a press: a short sentence at once, then screens posted below.

    Attributes:
        instead: takes the place of the screen whose button was pressed (the next page of a listing);
            it says all that `text` does.
        secret: what was said carried a password and must go from the chat.
    """

    text: str = ""
    screens: tuple[Screen, ...] = ()
    instead: Screen | None = None
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """A place that is known; cards are shown there while it is open.

    Attributes:
        address: the network's own name for it.
        language: empty = the organisation's.
        sees_all: it shows every list without being bound to one (a console, while it runs).
        private_of: the actor who is alone with the bot there; empty = it is a group's.
        mlist_ids: the lists it is bound to, lowest first.
        for_admins: it is bound as the admins' room.
        unreachable: why the bot cannot write there; None = it can, as far as is known.
    """

    id: int
    transport: str
    address: str
    language: str = ""
    title: str = ""
    sees_all: bool = False
    private_of: str = ""
    mlist_ids: tuple[int, ...] = ()
    for_admins: bool = False
    unreachable: Text | None = None


class CardKind(StrEnum):
    """What a card is about; it is named by its kind and the number of that.

    A reminder, of held posts or of deliveries that fail, is about the room that it is in; bounces are
    those of a list. A wave and a digest of probable spam are about many posts.
    """

    POST = "post"
    INCIDENT = "incident"
    REMINDER = "reminder"
    FAILURES = "failures"
    WAVE = "wave"
    SPAM = "spam"
    BOUNCES = "bounces"


@dataclass(frozen=True, slots=True)
class WaitingSheet:
    """A sheet that changes a group more than it may without a word; `sha256` is that of its content."""

    group_id: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that does not work, or waits for a word: told once to administrators, edited in place.

    Attributes:
        what: what does not work.
        trouble: why, in words that say what to do.
        opened_at: since when; closed_at: until when, None = it lasts.
        revision: rises with each change, so that a press is known to be of what was read.
        seen: the certificate that would have to be accepted.
        sheet: what is to be decided about.
        closed_by: whose word ended it; empty = it ended by itself.
    """

    id: int
    what: Text
    trouble: Text
    opened_at: datetime
    closed_at: datetime | None
    revision: int
    seen: Certificate | None = None
    sheet: WaitingSheet | None = None
    closed_by: str = ""


@dataclass(frozen=True, slots=True)
class Wave:
    """Many posts that one card shows, a page at a time.

    Attributes:
        post_ids: all of them, lowest first; decided ones too.
        held: those that wait for a decision.
        page: the one that is shown, from 0; it may be beyond the last one.
        spam: it is a digest of posts that are probably spam.
    """

    id: int
    room_id: int
    post_ids: tuple[int, ...]
    held: frozenset[int]
    page: int
    spam: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """What one room shows of one thing: brought up to date while `shown` is below `wanted`.

    `address` is the room's. `message_id` is the network's id of what was posted, empty before the first
    time. `due_at`: None = nothing is to be shown. `abandoned`: the room is not the list's any more, so it
    is shown once more, without buttons. `key`: that of a `Screen`, another one each time that it was shown.
    """

    kind: CardKind
    about: int
    room_id: int
    address: str
    wanted: int
    shown: int
    message_id: str
    failures: int
    due_at: datetime | None
    abandoned: bool = False
    key: str = ""
