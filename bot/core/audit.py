"""Who changed what: the trail that every stored change leaves.

Whoever lets somebody act says so with `acting`; storage writes the trail of a unit of work together
with what the unit changed, so neither is ever stored without the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bot.core.people import Actor
from bot.core.text import N_
from bot.core.worded import Worded

if TYPE_CHECKING:
    from bot.core.stores import Listing, Page


class Subject(Worded):
    """What a change is about; as a line names it, before the name of that very one."""

    LIST = "list", N_("list")
    DEFAULTS = "defaults", N_("settings of")
    CERTIFICATE = "certificate", N_("certificate of")
    PERSON = "person", N_("person")
    ADDRESSES = "addresses", N_("directory")
    ROLE = "role", N_("roles on")
    GROUP = "group", N_("group")
    BAN = "ban", N_("bans on")
    POST = "post", N_("post")
    ROOMS = "rooms", N_("rooms of")
    ADMINS = "admins", N_("administrators")
    ACCOUNT = "account", N_("accounts of")
    SYNC = "sync", N_("source of")


KEYS = {
    "address": N_("address"),
    "addresses": N_("addresses"),
    "paused": N_("paused"),
    "sha256": N_("fingerprint"),
    "name": N_("name"),
    "source": N_("source"),
    "by source": N_("people by its source"),
    "by hand": N_("people by hand"),
    "ban": N_("bans"),
    "state": N_("state"),
    "reason": N_("reason"),
    "rooms": N_("rooms"),
    "admins": N_("administrators"),
    "accounts": N_("accounts"),
    "forgotten": N_("forgotten"),
    "result": N_("result"),
    "added": N_("added"),
    "changed": N_("changed"),
    "removed": N_("removed"),
    "kept": N_("kept"),
    "refused": N_("refused"),
}
"""What changed, beside the settings of lists and the roles there, as people read it."""

RESULTS = {
    "synchronised": N_("taken over"),
    "unchanged": N_("has not changed"),
    "left as it was": N_("left as it was"),
    "failed": N_("could not be read"),
}
"""What came of a look at a group's source."""

Values = Mapping[str, str | Sequence[str]]
"""By key; a list where something was added to many or taken from them."""

OURSELVES = Actor("facteur", "facteur")
"""Who acts when nobody asked for it."""


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts, and from where: the network and the room."""

    by: Actor
    where: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: of which kind, about what, and the values before and after; never a secret."""

    id: int
    at: datetime
    by: Actor
    where: str
    what: str
    about: str
    before: Values = field(default_factory=dict)
    after: Values = field(default_factory=dict)


class AuditStore(Protocol):
    """The trail of every change."""

    async def find(self, words: str, page: Page) -> Listing[Entry]:
        """Newest first; every word is in who, where, what, about or the values, case and accents folded."""
        ...

    async def purge(self, before: datetime) -> int:
        """Delete what is older; the number of entries."""
        ...


_NOBODY = Acting(OURSELVES)
_acting: ContextVar[Acting] = ContextVar("acting", default=_NOBODY)


@contextmanager
def acting(by: Actor, where: str = "") -> Iterator[None]:
    """Everything stored meanwhile is by this person, from this place."""
    token = _acting.set(Acting(by, where))
    try:
        yield
    finally:
        _acting.reset(token)


def carry(context: Context) -> None:
    """Let whoever acts in the present task act in another context too."""
    context.run(_acting.set, _acting.get())


def who_acts() -> Acting:
    """Of the present task."""
    return _acting.get()


def is_asked_for() -> bool:
    """Whether somebody acts, rather than facteur by itself."""
    return _acting.get() is not _NOBODY
