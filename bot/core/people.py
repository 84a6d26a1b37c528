"""People, the roles they have on lists, and who is speaking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from bot.core.addresses import Address


class Role(StrEnum):
    """What a person is on a list; several at once are possible."""

    MEMBER = "member"
    MODERATOR = "moderator"
    UNMODERATED = "unmoderated"
    EXCLUDED = "excluded"
    OWNER = "owner"


class Rank(IntEnum):
    """What somebody in a chat may do; each rank includes the lower ones."""

    ANYONE = 0
    MODERATOR = 1
    OWNER = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the directory; `addresses` in the order in which they were added."""

    id: int
    name: str
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """A person who has a role on a list; `via` names the group it comes from, empty = by hand."""

    person: Person
    via: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the directory knows of an author's address, for the rules of one list."""

    known: bool
    roles: frozenset[Role]
    name: str = ""
    addresses: tuple[Address, ...] = ()
    """Every address of the person whom this one belongs to; empty for a stranger."""
    posts_accepted: int = 0
    posts_refused: int = 0


LOCAL = "local:"
"""How the ids of those begin who sit at the machine itself: the console and ``facteur do``."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever did something: ``telegram:123``, ``local:root``, and the name to show."""

    id: str
    name: str

    @property
    def is_login(self) -> bool:
        """Whether they sit at the machine itself, and their name is but their login there."""
        return self.id.startswith(LOCAL)


@dataclass(frozen=True, slots=True)
class Ban:
    """A pattern of authors whose posts are discarded: an address, ``*@domain`` or ``/regex/``."""

    pattern: str
    mlist_id: int | None  # None: on every list
    by: str
    at: datetime
