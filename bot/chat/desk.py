"""What a command has at hand, who asks, and the answer it gives back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from bot.chat.language import BabelLanguage, Languages
from bot.chat.permissions import Rights
from bot.core.chat import PRESS_LIMIT_OCTETS, File, Place, Screen, Sent, Tone
from bot.core.clock import Clock
from bot.core.errors import FacteurError
from bot.core.lists import MailingList
from bot.core.people import Actor, Rank
from bot.core.ports import ChatTransport
from bot.core.rosters import Sheets
from bot.core.stores import Page, Stores
from bot.core.text import Text
from bot.flow.accounts import Accounts
from bot.flow.checks import Checks
from bot.flow.decisions import Decisions
from bot.flow.guessing import Guessing
from bot.flow.linking import Linking
from bot.flow.notices import Notices
from bot.flow.selftest import SelfTest
from bot.flow.sync import Sync
from bot.flow.trials import Trials
from bot.flow.welcomes import Welcomes

Row: TypeAlias = Mapping[str, Any]
"""One object of ``--json``: JSON values only, moments by `iso`."""

PAGE_SIZE = 10
"""Items of a listing that a room is shown at once."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Facts of this installation that commands show or keep to.

    `exports` is the folder in which archives are written, `imports` that of sheets which wait for a word
    of confirmation; `reasons` are the canned reasons for a
    rejection, empty = the shipped ones; `always_members` are the groups that are in every list.
    """

    organisation: str
    version: str
    poll_interval: timedelta
    exports: Path
    imports: Path
    reasons: tuple[str, ...] = ()
    always_members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """The capabilities of commands and buttons, and nothing else of facteur."""

    stores: Stores
    decisions: Decisions
    notices: Notices
    accounts: Accounts
    linking: Linking
    welcomes: Welcomes
    checks: Checks
    guessing: Guessing
    self_test: SelfTest
    trials: Trials
    languages: Languages
    clock: Clock
    installation: Installation
    sheets: Sheets
    sync: Sync
    chats: Mapping[str, ChatTransport] = field(default_factory=dict)
    """The chat networks that this process uses, by name."""


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, where, with which rights, and in which language.

    `rank` is theirs about what is asked, `needed` what asking takes. `paged` is False for a script,
    which wants all. `files` came with the words.
    """

    speaker: Actor
    place: Place
    rights: Rights
    rank: Rank
    needed: Rank
    language: BabelLanguage
    paged: bool = True
    files: tuple[Sent, ...] = field(default=(), repr=False)
    interrupts: bool = False
    """It ended a question that waited for an answer."""

    def page(self, after: int | None) -> Page:
        """The part of a listing that this call wants."""
        return Page(size=PAGE_SIZE if self.paged else None, after=after)

    def may_know(self, mlist_id: int) -> bool:
        """Whether this list exists for the one who asks."""
        return self.rights.on(mlist_id) >= Rank.MODERATOR

    def meant(self, lists: Iterable[MailingList]) -> list[MailingList]:
        """Which lists are meant where none is named: the room's own, else all that may be asked about."""
        allowed = [mlist for mlist in lists if self.rights.on(mlist.id) >= self.needed]
        here = [mlist for mlist in allowed if mlist.id in self.rights.here]
        return here if self.rights.here else allowed


@dataclass(frozen=True, slots=True)
class Option:
    """A button below an answer; `data` is a command line or what a card's button carries.

    `private`: as of a `Button`.
    """

    label: Text
    data: str
    tone: Tone = Tone.PLAIN
    private: bool = False

    @property
    def fits(self) -> bool:
        """Whether a button can carry it; what cannot be tapped is to be typed."""
        return len(self.data.encode()) <= PRESS_LIMIT_OCTETS


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it is put into the reader's language.

    `said` is one text a line; `rows` are the same facts for scripts; `screens` are shown instead
    of `said` where a card or a long text says it better. `files` are handed out, `written` is one
    that lies on the disk already.

    `asks`: the next words of whoever asked are the answer to it. After a press `in_place` puts it
    where the button was; where it stands below instead, `leaves` are the lines that remain there.
    """

    said: tuple[Text, ...] = ()
    rows: Sequence[Row] = ()
    options: tuple[tuple[Option, ...], ...] = ()
    files: tuple[File, ...] = field(default=(), repr=False)
    written: Path | None = None
    screens: tuple[Screen, ...] = ()
    ok: bool = True
    asks: bool = False
    in_place: bool = False
    leaves: tuple[Text, ...] = ()


def say(*said: Text) -> Reply:
    """An answer of a few lines and nothing else."""
    return Reply(said=said)


def mistakes(error: FacteurError) -> tuple[Text, ...]:
    """The sentences of an error, one for each thing that is wrong."""
    found = error.text.values.get("mistakes")
    if isinstance(found, (list, tuple)):
        return tuple(text if isinstance(text, Text) else Text("{text}", text=text) for text in found)
    return (error.text,)


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, as ``--json`` writes every moment."""
    return moment.astimezone(UTC).isoformat() if moment else None
