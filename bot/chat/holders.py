"""People as listings show them: a line for rooms, a row for scripts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from bot.chat.readable import one_line
from bot.core.addresses import Address
from bot.core.people import Holder, Person, Role, Way
from bot.core.text import N_, Text, verbatim

_NAME_LIMIT = 80
_EXCLUDED = "excluded"
_BY_ROLE = {
    Role.MODERATOR: N_("their role as a moderator"),
    Role.UNMODERATED: N_("posting without a decision"),
}
"""How roles bring people among the members (`include_moderators`, `include_unmoderated`)."""


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


def holder_line(holder: Holder, excluded: Collection[Address]) -> Text:
    """Somebody, where they come from, and whether they get no copies: see `holder_row`."""
    said = written(holder.person)
    if holder.via:
        template = N_("{person}, by {groups} and by hand") if holder.by_hand else N_("{person}, by {groups}")
        said = Text(template, person=said, groups=brought_by(holder.ways))
    if _is_excluded(holder, excluded):
        said = Text("{person} · {status}", person=said, status=Role.EXCLUDED.words)
    return said


def holder_row(holder: Holder, excluded: Collection[Address]) -> dict[str, Any]:
    """`excluded`: the addresses to which the list sends no copies."""
    return {
        "name": holder.person.name,
        "addresses": list(holder.person.addresses),
        "via": ", ".join(holder.via),
        "by_hand": holder.by_hand,
        "status": _EXCLUDED if _is_excluded(holder, excluded) else "active",
    }


def _is_excluded(holder: Holder, excluded: Collection[Address]) -> bool:
    return any(address in excluded for address in holder.person.addresses)
