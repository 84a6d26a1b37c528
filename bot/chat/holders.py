"""People as listings show them: a line for rooms, a row for scripts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.chat.readable import one_line
from bot.core.addresses import Address
from bot.core.lists import MailingList
from bot.core.people import Holder, Person, Role, Way
from bot.core.stores import Stores
from bot.core.text import N_, Text, verbatim

_NAME_LIMIT = 80
_BY_ROLE = {
    Role.MODERATOR: N_("their role as a moderator"),
    Role.UNMODERATED: N_("posting without a decision"),
}
"""How roles bring people among the members (`include_moderators`, `include_unmoderated`)."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Addresses that get no copies: of whoever is excluded from the list, and those that bounced."""

    excluded: Collection[Address] = frozenset()
    suspended: Collection[Address] = frozenset()

    def excludes(self, person: Person) -> bool:
        """Whether the list sends this person no copies at all."""
        return any(address in self.excluded for address in person.addresses)

    def suspended_of(self, person: Person) -> Sequence[Address]:
        """Which of the person's addresses are suspended."""
        return [address for address in person.addresses if address in self.suspended]


async def left_out_of(stores: Stores, mlist: MailingList | None) -> LeftOut:
    """Whom the list sends nothing; None = whom no list does."""
    excluded = await stores.people.addresses_of(mlist, Role.EXCLUDED) if mlist else ()
    return LeftOut(frozenset(excluded), await stores.bounces.suspended())


def written(person: Person) -> Text:
    """The name and every address."""
    name = one_line(person.name, _NAME_LIMIT)
    addresses = [f"<{address}>" if name else str(address) for address in person.addresses]
    return Text("{name} {addresses}", name=name, addresses=addresses) if name else Text("{a}", a=addresses)


def brought_by(ways: Iterable[Way]) -> list[Text]:
    """The groups and roles by which somebody comes, beside what was given by hand."""
    return [
        verbatim(way.group) if way.group else Text(_BY_ROLE[Role(way.role)])
        for way in dict.fromkeys(ways)
        if way.by
    ]


def holder_line(holder: Holder, left_out: LeftOut) -> Text:
    """Somebody, where they come from, and whether they get no copies."""
    said = written(holder.person)
    if holder.via:
        template = N_("{person}, by {groups} and by hand") if holder.by_hand else N_("{person}, by {groups}")
        said = Text(template, person=said, groups=brought_by(holder.ways))
    if left_out.excludes(holder.person):
        return Text("{person} · {status}", person=said, status=Role.EXCLUDED.words)
    if suspended := left_out.suspended_of(holder.person):
        return Text("{person} · ⏸ suspended: {addresses}", person=said, addresses=suspended)
    return said


def holder_row(holder: Holder, left_out: LeftOut) -> dict[str, Any]:
    """`status`: ``excluded``, ``suspended`` where an address of theirs is, or ``active``."""
    suspended = left_out.suspended_of(holder.person)
    status = "suspended" if suspended else "active"
    return {
        "name": holder.person.name,
        "addresses": list(holder.person.addresses),
        "via": ", ".join(holder.via),
        "by_hand": holder.by_hand,
        "status": "excluded" if left_out.excludes(holder.person) else status,
        "suspended": suspended,
    }
