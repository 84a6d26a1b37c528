"""People, the roles they have on lists, and who is speaking."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from urllib.parse import urlsplit

from bot.core.addresses import Address
from bot.core.errors import UserError
from bot.core.text import N_, Text, folded
from bot.core.worded import Worded

NAME_LIMIT = 60
"""Characters of a group's name."""


class Role(Worded):
    """What a person is on a list; several at once are possible."""

    MEMBER = "member", N_("member")
    MODERATOR = "moderator", N_("moderator")
    UNMODERATED = "unmoderated", N_("posts without moderation")
    EXCLUDED = "excluded", N_("gets no copies")
    OWNER = "owner", N_("owner")


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

    @property
    def written(self) -> str:
        """The name and the first address, as both are written in a mail; the address alone without a name."""
        return f"{self.name} <{self.addresses[0]}>" if self.name else self.addresses[0]


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of people; `source` is the source that it follows as people are shown it, empty = none."""

    id: int
    name: str
    source: str = ""

    @property
    def written(self) -> str:
        """As people write it: ``@contrat-legumes``."""
        return f"@{self.name}"


@dataclass(frozen=True, slots=True)
class Following:
    """A group and the source that it follows.

    Attributes:
        source: an https address or the path of a file; a link is as good as a key, never to be shown.
            None = it was sealed with a key that this installation does not have.
        seen: what tells whether the source has changed since it was last applied.
        waiting: what `seen` will be once somebody has decided about the sheet that is there now; empty =
            none waits for that.
        tried_at: when it was last looked at, None = never.
        trouble: why that changed nothing; None = all is well.
    """

    group: Group
    source: str | None = field(repr=False)
    seen: Mapping[str, str]
    tried_at: datetime | None = None
    trouble: Text | None = None
    waiting: Mapping[str, str] = field(default_factory=dict)


def source_shown(source: str) -> str:
    """A source as people are shown it: of an address the server alone."""
    parts = urlsplit(source)
    return f"{parts.scheme}://{parts.hostname}/…" if parts.netloc else source


def group_name(text: str) -> str:
    """The one form of a group's name, whoever wrote it: ``@Contrat Légumes`` is ``contrat-legumes``.

    Raises:
        UserError: no letter or digit is in it, or it is too long.
    """
    words = re.findall(r"[^\W_]+|[._]", folded(text))
    name = re.sub(r"-?([._])-?", r"\1", "-".join(words)).strip("-._")
    if not name or len(name) > NAME_LIMIT:
        raise UserError(Text("“{word}” cannot be a group's name: @contrat-legumes is one.", word=text))
    return name


@dataclass(frozen=True, slots=True, order=True)
class Way:
    """How somebody comes to a role or into a group: by `group` (its written name), or by hand.

    `role` is the one that was given, where another follows from it: moderators may be members too.
    """

    group: str = ""
    role: str = ""

    @property
    def by(self) -> str:
        """The group or the role; empty by hand."""
        return self.group or self.role


BY_HAND = Way()


@dataclass(frozen=True, slots=True)
class Holder:
    """A person who has a role on a list, or is in a group, and every way that leads there."""

    person: Person
    ways: tuple[Way, ...] = (BY_HAND,)

    @property
    def by_hand(self) -> bool:
        return BY_HAND in self.ways

    @property
    def via(self) -> tuple[str, ...]:
        """The groups and roles that it comes from, beside what was given by hand."""
        return tuple(dict.fromkeys(way.by for way in self.ways if way.by))


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """A group as a listing shows it; `roles` are what it is on lists, by address."""

    group: Group
    people: int
    addresses: int
    roles: tuple[tuple[Address, Role], ...]
    following: Following | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What is stored about a person: roles on lists (by address) and groups, with the ways to them."""

    person: Person
    roles: tuple[tuple[Address, Role, tuple[Way, ...]], ...]
    groups: tuple[Group, ...]
    posts: int


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
    member_since: datetime | None = None


LOCAL = "local:"
"""How the ids of those begin who sit at the machine itself: the console and ``facteur do``."""


ANONYMOUS = "anonymous:"
"""How the ids of those begin who speak in the name of a room: nobody knows which of them it is."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever did something: ``telegram:123``, ``local:root``, and the name to show."""

    id: str
    name: str

    @property
    def is_login(self) -> bool:
        """Whether they sit at the machine itself, and their name is but their login there."""
        return self.id.startswith(LOCAL)

    @property
    def is_anonymous(self) -> bool:
        """Whether it is somebody in a room, and never known who: no rights of a person's are theirs."""
        return self.id.startswith(ANONYMOUS)


@dataclass(frozen=True, slots=True)
class Ban:
    """A pattern of authors whose posts are discarded: an address, ``*@domain`` or ``/regex/``."""

    pattern: str
    mlist_id: int | None  # None: on every list
    by: str
    at: datetime
