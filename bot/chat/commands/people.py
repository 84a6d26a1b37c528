"""People and their roles: three commands for each of the five roles, made from one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.chat.desk import Call, Desk, Reply
from bot.chat.kinds import After, OneList, Rest, Who
from bot.chat.listings import addresses, next_page, people
from bot.chat.readable import one_line
from bot.chat.registry import command
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import Holder, Person, Rank, Role
from bot.core.text import N_, Text

_NAME_LIMIT = 80


@dataclass(frozen=True, slots=True)
class _Wording:
    """The commands of one role: its name for one and for several people, and their summaries."""

    role: Role
    listing: str
    show: str
    add: str
    remove: str


_WORDINGS = (
    _Wording(
        Role.MEMBER,
        "members",
        N_("Show who gets the list's posts"),
        N_("Let somebody get the list's posts"),
        N_("Let somebody no longer get the list's posts"),
    ),
    _Wording(
        Role.MODERATOR,
        "moderators",
        N_("Show who decides about posts"),
        N_("Let somebody decide about posts"),
        N_("Let somebody no longer decide about posts"),
    ),
    _Wording(
        Role.UNMODERATED,
        "unmoderated",
        N_("Show whose posts need no decision"),
        N_("Let somebody post without a decision"),
        N_("Let somebody no longer post without a decision"),
    ),
    _Wording(
        Role.EXCLUDED,
        "excluded",
        N_("Show who gets no copies although they are members"),
        N_("Send somebody no copies; they may still post"),
        N_("Send somebody copies again"),
    ),
    _Wording(
        Role.OWNER,
        "owners",
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
            N_("{person} is on the list now: /{listing} {list}")
            if new
            else N_("{person} was there already: /{listing} {list}")
        )
        said = Text(template, person=_written(person), listing=wording.listing, list=mlist.local_part)
        return Reply(said=(said,), rows=[_row(Holder(person))])

    @command(f"del{role.value}", wording.remove, rank=Rank.OWNER)
    async def remove(desk: Desk, call: Call, mlist: OneList, who: Who) -> Reply:
        person = await desk.stores.people.revoke(mlist, role, who.address)
        if person is None:
            raise UserError(
                Text(
                    "{address} is not there: /{listing} {list} shows who is.",
                    address=who.address,
                    listing=wording.listing,
                    list=mlist.local_part,
                )
            )
        said = Text(
            "{person} is taken off: /{listing} {list}",
            person=_written(person),
            listing=wording.listing,
            list=mlist.local_part,
        )
        return Reply(said=(said,), rows=[_row(Holder(person))])


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
    return Reply(
        said=(title, *(_line(holder) for holder in found.items), *more.said),
        rows=[_row(holder) for holder in found.items],
        options=more.options,
    )


def _line(holder: Holder) -> Text:
    if holder.via:
        return Text("{person}, by {group}", person=_written(holder.person), group=holder.via)
    return _written(holder.person)


def _written(person: Person) -> Text:
    name = one_line(person.name, _NAME_LIMIT)
    addresses = [f"<{address}>" if name else str(address) for address in person.addresses]
    return Text("{name} {addresses}", name=name, addresses=addresses) if name else Text("{a}", a=addresses)


def _row(holder: Holder) -> dict[str, Any]:
    return {
        "name": holder.person.name,
        "addresses": list(holder.person.addresses),
        "via": holder.via,
        "status": "active",
    }


for _wording in _WORDINGS:
    _register(_wording)
