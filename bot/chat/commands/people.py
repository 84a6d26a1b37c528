"""People and their roles: three commands for each of the five roles, made from one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.chat.desk import Call, Desk, Reply
from bot.chat.kinds import After, OneList, Rest, Who
from bot.chat.listings import addresses, next_page, people
from bot.chat.readable import one_line
from bot.chat.registry import command
from bot.core.addresses import Address
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import Holder, Person, Rank, Role
from bot.core.text import N_, Text

_NAME_LIMIT = 80
_EXCLUDED = "excluded"
_NO_COPIES = N_("gets no copies")


@dataclass(frozen=True, slots=True)
class _Wording:
    """The commands of one role: its name for several people, and their summaries.

    `people` are those who have it, as sentences about them say.
    """

    role: Role
    listing: str
    people: str
    show: str
    add: str
    remove: str


_WORDINGS = (
    _Wording(
        Role.MEMBER,
        "members",
        N_("the members"),
        N_("Show who gets the list's posts"),
        N_("Let somebody get the list's posts"),
        N_("Let somebody no longer get the list's posts"),
    ),
    _Wording(
        Role.MODERATOR,
        "moderators",
        N_("the moderators"),
        N_("Show who decides about posts"),
        N_("Let somebody decide about posts"),
        N_("Let somebody no longer decide about posts"),
    ),
    _Wording(
        Role.UNMODERATED,
        "unmoderated",
        N_("those whose posts need no decision"),
        N_("Show whose posts need no decision"),
        N_("Let somebody post without a decision"),
        N_("Let somebody no longer post without a decision"),
    ),
    _Wording(
        Role.EXCLUDED,
        "excluded",
        N_("those who get no copies"),
        N_("Show who gets no copies although they are members"),
        N_("Send somebody no copies; they may still post"),
        N_("Send somebody copies again"),
    ),
    _Wording(
        Role.OWNER,
        "owners",
        N_("the owners"),
        N_("Show who looks after the list"),
        N_("Let somebody look after the list"),
        N_("Let somebody no longer look after the list"),
    ),
)


def _register(wording: _Wording) -> None:
    role = wording.role

    @command(wording.listing, wording.show, rank=Rank.MODERATOR)
    async def show(desk: Desk, call: Call, mlist: OneList, words: Rest = "", *, after: After = None) -> Reply:
        return await _show(desk, call, wording, mlist, words, after)

    @command(f"add{role.value}", wording.add, rank=Rank.OWNER)
    async def add(desk: Desk, call: Call, mlist: OneList, who: Who) -> Reply:
        person, new = await desk.stores.people.grant(mlist, role, who)
        template = (
            N_("On {list}, {person} is among {people} now.")
            if new
            else N_("On {list}, {person} was already among {people}.")
        )
        return Reply(
            said=(_about(template, wording, mlist, person),),
            rows=[_row(Holder(person), await _excluded(desk, mlist))],
        )

    @command(f"del{role.value}", wording.remove, rank=Rank.OWNER)
    async def remove(desk: Desk, call: Call, mlist: OneList, who: Who) -> Reply:
        person = await desk.stores.people.revoke(mlist, role, who.address)
        if person is None:
            raise UserError(
                Text(
                    "On {list}, {address} is not among {people}: /{listing} {name} shows who is.",
                    address=who.address,
                    people=Text(wording.people),
                    list=mlist.address,
                    listing=wording.listing,
                    name=mlist.local_part,
                )
            )
        return Reply(
            said=(_about(N_("On {list}, {person} is no longer among {people}."), wording, mlist, person),),
            rows=[{**_row(Holder(person), frozenset()), "status": "removed"}],
        )


def _about(template: str, wording: _Wording, mlist: MailingList, person: Person) -> Text:
    """The role, the list and the person, in a sentence."""
    return Text(template, people=Text(wording.people), list=mlist.address, person=_written(person))


async def _excluded(desk: Desk, mlist: MailingList) -> frozenset[Address]:
    return frozenset(await desk.stores.people.addresses_of(mlist, {Role.EXCLUDED}))


async def _show(
    desk: Desk, call: Call, wording: _Wording, mlist: MailingList, words: str, after: int | None
) -> Reply:
    found = await desk.stores.people.holders(mlist, wording.role, words, call.page(after))
    total = sum(len(holder.person.addresses) for holder in found.items)
    if call.paged and found.total > len(found.items) and not words:
        total = len(await desk.stores.people.addresses_of(mlist, {wording.role}))
    title = Text(
        "{list}, /{listing}: {people}, {addresses}",
        list=mlist.address,
        listing=wording.listing,
        people=people(found.total),
        addresses=addresses(total),
    )
    more = next_page(wording.listing, mlist, words, found.next_after)
    excluded = await _excluded(desk, mlist)
    rows = [_row(holder, excluded) for holder in found.items]
    return Reply(
        said=(
            title,
            *(_line(holder, row["status"]) for holder, row in zip(found.items, rows, strict=True)),
            *more.said,
        ),
        rows=rows,
        options=more.options,
    )


def _line(holder: Holder, status: str) -> Text:
    said = _written(holder.person)
    if holder.via:
        said = Text("{person}, by {group}", person=said, group=holder.via)
    return Text("{person} · {status}", person=said, status=Text(_NO_COPIES)) if status == _EXCLUDED else said


def _written(person: Person) -> Text:
    name = one_line(person.name, _NAME_LIMIT)
    addresses = [f"<{address}>" if name else str(address) for address in person.addresses]
    return Text("{name} {addresses}", name=name, addresses=addresses) if name else Text("{a}", a=addresses)


def _row(holder: Holder, excluded: frozenset[Address]) -> dict[str, Any]:
    """`excluded`: the addresses to which the list sends no copies."""
    kept_out = not excluded.isdisjoint(holder.person.addresses)
    return {
        "name": holder.person.name,
        "addresses": list(holder.person.addresses),
        "via": holder.via,
        "status": _EXCLUDED if kept_out else "active",
    }


for _wording in _WORDINGS:
    _register(_wording)
