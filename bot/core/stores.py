"""What the flow and the chat ask of storage.

Each method that writes is one transaction, which a cancelled caller cannot tear: it ends by itself,
whole or not at all. Rows never leave a store. The numbered commits are those of ``docs/flow.md``.

Every method may raise TransientError when the database cannot be used just now, and Conflict when
what it concerns changed or went at the same moment: read again and repeat.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from bot.core.addresses import Address
from bot.core.audit import AuditStore
from bot.core.bounces import BounceStore
from bot.core.directory import GroupStore, PeopleStore
from bot.core.lists import Certificate, MailboxAccount, MailingList
from bot.core.notices import TemplateStore, WelcomeStore
from bot.core.outbox import AccountStore, OutboxStore
from bot.core.people import Actor, Ban
from bot.core.posts import Cursor, Decision, NewPost, Post, PostState, Screened
from bot.core.reminders import ReminderStore
from bot.core.rooms import AdminStore, RoomStore
from bot.core.rosters import RosterStore
from bot.core.statistics import StatisticsStore
from bot.core.text import Text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a listing: at most `size` items (None = all) behind the item with the id `after`.

    None and 0, which no item has, are its beginning.
    """

    size: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A page of what was found.

    Attributes:
        items: those on this page.
        total: how many there are on all pages.
        next_after: what to ask the next page with; None on the last.
        previous_after: what to ask the page before with, 0 = the first; None on the first.
        before: how many items the pages before have.
    """

    items: tuple[T, ...]
    total: int
    next_after: int | None = None
    previous_after: int | None = None
    before: int = 0


@dataclass(frozen=True, slots=True)
class ListCounts:
    """What ``/lists`` shows beside a list."""

    people: int
    addresses: int
    held: int


@dataclass(frozen=True, slots=True)
class Removed:
    """What went with a deleted list."""

    held: int
    dropped: int


class Changes(Protocol):
    """Tells, across processes, that something was committed: a hint to look at what is due."""

    count: int
    """Rises with each commit noticed, whoever made it."""

    async def beyond(self, count: int) -> None:
        """Return as soon as `self.count` is above `count`."""
        ...


class Hold(Protocol):
    """Locks that are held."""

    async def lost(self) -> None:
        """Return only if somebody else has one of them now, because this process was cut off."""
        ...


class Locks(Protocol):
    """For what must exist once, however many processes (and machines) use the same data."""

    def hold(
        self, names: Collection[str], busy: Text, shared: Collection[str] = ()
    ) -> AbstractAsyncContextManager[Hold]:
        """Hold all of them as long as the context lasts, or until the process ends, however it does.

        Those in `shared` are held together with others who share them.

        Raises:
            UserError: `busy`; another process has one of them.
        """
        ...

    async def is_held(self, names: Collection[str]) -> bool:
        """Whether somebody, this process included, holds one of them in either way."""
        ...


class ListStore(Protocol):
    """Mailing lists, their settings and their health."""

    async def all(self) -> Sequence[MailingList]:
        """Every list, by address."""
        ...

    async def get(self, mlist_id: int) -> MailingList:
        """One list. Raises UserError if it was deleted."""
        ...

    async def add(self, address: Address, own: Mapping[str, Any], at: datetime) -> MailingList:
        """Raises UserError if there is a list with this address, or one on this mailbox."""
        ...

    async def change(self, mlist: MailingList, own: Mapping[str, Any]) -> MailingList:
        """Replace its own settings. Raises Conflict if `mlist.version` is not the latest.

        Health that was another account's is forgotten. Raises UserError if another list reads the
        mailbox that they name.
        """
        ...

    async def defaults(self) -> Mapping[str, Any]:
        """What ``/set all`` has set, by key."""
        ...

    async def change_defaults(self, own: Mapping[str, Any]) -> None:
        """Replace the defaults of lists that have no value of their own.

        A list whose own password would then be sent elsewhere loses it. Raises UserError if two
        lists would read one mailbox.
        """
        ...

    async def rename(self, mlist: MailingList, address: Address) -> MailingList:
        """Raises UserError if the address is taken, or another list reads the mailbox that has it."""
        ...

    async def delete(self, mlist: MailingList, newest_post: int) -> Removed:
        """The list and all that belongs to it, people excepted.

        Raises Conflict if it has a post behind the number `newest_post`: nobody has kept that one.
        """
        ...

    async def pause(self, mlist: MailingList, *, paused: bool) -> MailingList: ...

    async def counts(self, mlist: MailingList) -> ListCounts: ...

    async def polled(
        self, mlist_id: int, at: datetime, trouble: Text | None, seen: Certificate | None = None
    ) -> None:
        """Note what the last poll gave; None = it succeeded at `at`.

        What does not work for a while is an incident; `seen` is a certificate to be accepted.
        """
        ...

    async def connected(
        self,
        mlist_ids: Collection[int],
        at: datetime,
        trouble: Text | None,
        account: str = "",
        seen: Certificate | None = None,
    ) -> None:
        """Note what the last login to the outgoing server of these lists gave.

        `account` is its key, empty = none is named; otherwise as `polled`.
        """
        ...

    async def pin(self, server: str, sha256: str) -> None:
        """Trust this certificate of ``host:port`` from now on, instead of an earlier one.

        It counts for every list that trusts certificates by their pin: lists carry all pins.
        """
        ...

    async def not_looked_at(
        self, mlist_id: int, account: MailboxAccount, cursors: Collection[Cursor]
    ) -> Collection[str]:
        """The folders of which `note_old_mail` would take all that lies there now for old mail."""
        ...

    async def note_old_mail(
        self,
        mlist_id: int,
        account: MailboxAccount,
        cursors: Collection[Cursor],
        recent: Collection[Cursor] = (),
    ) -> Mapping[str, bool]:
        """Note that all this lies in the mailbox now; the cursors (as str) that were there before.

        Each with whether ``first_poll=leave`` leaves it there: that is decided at the look that makes
        it old mail, and for all but those that are `recent` then.

        All of a folder is old mail at the first look into it, and whenever it is another one than at
        the last look: of another server or login, or with another UIDVALIDITY.

        Raises UserError where an older list reads that very folder, by another name of the server.
        """
        ...


class BanStore(Protocol):
    """Authors who are not heard."""

    async def add(self, ban: Ban) -> bool:
        """False = it was there already."""
        ...

    async def remove(self, pattern: str, mlist_id: int | None) -> bool: ...

    async def concerning(self, mlist_id: int | None) -> Sequence[Ban]:
        """The bans of one list and those of all lists; None = only those of all lists."""
        ...


class NoteStore(Protocol):
    """What has to be known again after a restart; values are sealed.

    `owner` is the name of a chat network, for its session, or ``dialogue``: see `bot.chat.dialogues`.
    Names are at most 600 characters.
    """

    async def recall(self, owner: str, name: str) -> str:
        """The value; empty if there is none. Raises UserError if it was sealed with another key."""
        ...

    async def recall_all(self, owner: str, prefix: str) -> Mapping[str, str]:
        """Every value by its name behind `prefix`, the one written last at the end."""
        ...

    async def keep(self, owner: str, values: Mapping[str, str], at: datetime) -> None:
        """Write these by name, all or none; an empty value takes the note away."""
        ...

    async def take(self, owner: str, name: str, value: str) -> bool:
        """Take the note away if it is still this value: of several who try at once, one gets True."""
        ...

    async def swap(self, owner: str, name: str, value: str, other: str, at: datetime) -> bool:
        """Write `other` if the note is still `value`; empty means that there is none, before or after.

        Of several who try at once, one gets True.
        """
        ...

    async def forget(self, owner: str, prefix: str, before: datetime) -> None:
        """Take away the notes whose names begin so and that were last written before."""
        ...


class PostStore(Protocol):
    """Posts from intake to purge."""

    async def take_in(self, post: NewPost) -> int | None:
        """**Commit 1**: store the post and its raw bytes, state `received`.

        Returns its number; None if (list, cursor, SHA-256) was stored before, purged since or not.
        """
        ...

    async def taken_in(self, mlist_id: int, cursors: Collection[Cursor]) -> Collection[str]:
        """Those of the cursors (as str) under which some mail was stored before."""
        ...

    async def received(self, mlist_id: int) -> Sequence[int]:
        """Numbers of the list's posts that still wait for screening, oldest first."""
        ...

    async def get(self, post_id: int) -> Post:
        """Raises UserError if there is no such post (any more)."""
        ...

    async def raw(self, post_id: int) -> bytes:
        """The mail as it came. Raises UserError if it was purged."""
        ...

    async def is_repeated(self, post: Post) -> bool:
        """Whether the list has an earlier post of the same author with the same Message-ID and body."""
        ...

    async def rejected_before(self, post: Post) -> Post | None:
        """The newest post of the list that says the same, by the same author, and was rejected with a reason.

        The same is the same body, or subject and text: a program that sends a mail again may write it anew.
        """
        ...

    async def screened(self, screened: Screened) -> Post | None:
        """**Commit 2** (held: with its cards) or 3 (accepted: with its mailings) or its discard.

        Compare-and-set on `received`: None if somebody else had screened it.
        """
        ...

    async def decide(self, decision: Decision) -> Post:
        """**Commit 3**: compare-and-set on `held` and the count of decisions, mailings and cards.

        Raises AlreadyDecided if it is not held any more or the count has moved on.
        """
        ...

    async def undo(self, post_id: int, by: Actor, at: datetime, seen_decisions: int | None) -> Post:
        """Back to `held`, its unsent mailings gone.

        Raises UserError when a first attempt is stored (too late) or there is nothing to undo.
        """
        ...

    async def stop(
        self, post_id: int, by: Actor, at: datetime, seen_decisions: int | None
    ) -> tuple[Post, int]:
        """Drop what has not left yet; the number dropped, without what the relay is being handed now.

        Raises UserError if nothing is under way.
        """
        ...

    async def resend(self, post_id: int) -> int:
        """Have its cards posted anew in every open room; the number of rooms."""
        ...

    async def find(
        self, mlist_ids: Collection[int] | None, states: Collection[PostState], words: str, page: Page
    ) -> Listing[Post]:
        """Newest first; every word is contained in subject, author or text, case and accents folded."""
        ...

    async def expire(self, mlist_id: int, before: datetime, at: datetime) -> int:
        """Let the list's posts that were received before and are still held expire; their number."""
        ...

    async def purge(self, before: datetime) -> int:
        """Delete posts that ended before; never one that is held or has deliveries open. **Commit 5.**"""
        ...


@dataclass(frozen=True, slots=True)
class Stores:
    """All of storage, as the flow and the chat see it."""

    lists: ListStore
    people: PeopleStore
    groups: GroupStore
    rosters: RosterStore
    bans: BanStore
    bounces: BounceStore
    notes: NoteStore
    posts: PostStore
    templates: TemplateStore
    welcomes: WelcomeStore
    statistics: StatisticsStore
    outbox: OutboxStore
    accounts: AccountStore
    rooms: RoomStore
    reminders: ReminderStore
    admins: AdminStore
    audit: AuditStore
    changes: Changes
    locks: Locks
