"""People as listings show them: a line for rooms, a row for scripts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bot.chat.readable import one_line
from bot.core.addresses import Address
from bot.core.people import Holder, Person
from bot.core.text import N_, Text

_NAME_LIMIT = 80
_EXCLUDED = "excluded"
_NO_COPIES = N_("gets no copies")


def written(person: Person) -> Text:
    """The name and every address."""
    name = one_line(person.name, _NAME_LIMIT)
    addresses = [f"<{address}>" if name else str(address) for address in person.addresses]
    return Text("{name} {addresses}", name=name, addresses=addresses) if name else Text("{a}", a=addresses)


def holder_line(holder: Holder, excluded: Collection[Address]) -> Text:
    """Somebody, where they come from, and whether they get no copies: see `holder_row`."""
    said = written(holder.person)
    if holder.via:
        template = N_("{person}, by {groups} and by hand") if holder.by_hand else N_("{person}, by {groups}")
        said = Text(template, person=said, groups=holder.via)
    if _is_excluded(holder, excluded):
        said = Text("{person} · {status}", person=said, status=Text(_NO_COPIES))
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
