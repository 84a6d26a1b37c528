"""People and their roles: three commands for each of the five roles, made from one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.chat import groups
from bot.chat.desk import Call, Desk, Option, Reply
from bot.chat.holders import LeftOut, brought_by, holder_line, holder_row, left_out_of, written
from bot.chat.kinds import After, OneList, Rest, Target, by_id
from bot.chat.listings import Turning, addresses, people, turned
from bot.chat.registry import command
from bot.chat.whom import WhoOrGroup
from bot.core.addresses import Address, Mailbox
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import Group, Holder, Rank, Role
from bot.core.text import N_, Text, verbatim

_ADDED = {
    True: N_("On {list}, {person} is among {people} now."),
    False: N_("On {list}, {person} was already among {people}."),
}
_REMOVED = N_("On {list}, {person} is no longer among {people}.")


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
    """The commands of a role that is given on lists alone."""
    role = wording.role

    @command(wording.listing, wording.show, rank=Rank.MODERATOR)
    async def show(desk: Desk, call: Call, mlist: OneList, words: Rest = "", *, after: After = None) -> Reply:
        return await _show(desk, call, wording, mlist, words, after)

    @command(f"add{role.value}", wording.add, rank=Rank.OWNER)
    async def add(desk: Desk, call: Call, mlist: OneList, who: WhoOrGroup) -> Reply:
        return await _add(desk, wording, mlist, who)

    @command(f"del{role.value}", wording.remove, rank=Rank.OWNER)
    async def remove(desk: Desk, call: Call, mlist: OneList, who: WhoOrGroup) -> Reply:
        return await _remove(desk, wording, mlist, who)


def _rank_on_target(arguments: Mapping[str, Any]) -> Rank:
    """A group may be in many lists: who is in it is the administrators' business."""
    return Rank.ADMIN if isinstance(arguments.get("target"), Group) else Rank.MODERATOR


def _register_members(wording: _Wording) -> None:
    """Members are those of a list or of a group."""

    @command(wording.listing, wording.show, rank=Rank.MODERATOR)
    async def members(
        desk: Desk, call: Call, target: Target, words: Rest = "", *, after: After = None
    ) -> Reply:
        if isinstance(target, Group):
            return await groups.show(desk, call, target, words, after)
        return await _show(desk, call, wording, target, words, after)

    @command("addmember", wording.add, rank=Rank.OWNER, raises=_rank_on_target)
    async def addmember(desk: Desk, call: Call, target: Target, who: WhoOrGroup) -> Reply:
        if isinstance(target, Group):
            return await groups.add(desk, target, who)
        return await _add(desk, wording, target, who)

    @command("delmember", wording.remove, rank=Rank.OWNER, raises=_rank_on_target)
    async def delmember(desk: Desk, call: Call, target: Target, who: WhoOrGroup) -> Reply:
        if isinstance(target, Group):
            return await groups.remove(desk, target, who)
        return await _remove(desk, wording, target, who)


async def _add(desk: Desk, wording: _Wording, mlist: MailingList, who: Mailbox | Group) -> Reply:
    if isinstance(who, Group):
        new = await desk.stores.people.grant_group(mlist, wording.role, who)
        facts = await desk.stores.groups.facts(who)
        counted = Text("{group} ({people})", group=who.written, people=people(facts.people))
        return Reply(
            said=(_about(_ADDED[new], wording, mlist, counted),),
            rows=[{"group": who.written, "people": facts.people, "addresses": facts.addresses}],
        )
    person, new = await desk.stores.people.grant(mlist, wording.role, who)
    return Reply(
        said=(_about(_ADDED[new], wording, mlist, written(person)),),
        rows=[holder_row(Holder(person), await left_out_of(desk.stores, mlist))],
    )


async def _remove(desk: Desk, wording: _Wording, mlist: MailingList, who: Mailbox | Group) -> Reply:
    store = desk.stores.people
    if isinstance(who, Group):
        if not await store.revoke_group(mlist, wording.role, who):
            raise _not_among(wording, mlist, who.written)
        return Reply(
            said=(_about(_REMOVED, wording, mlist, verbatim(who.written)),),
            rows=[{"group": who.written, "status": "removed"}],
        )
    person = await store.revoke(mlist, wording.role, who.address)
    still = await store.holder(mlist, wording.role, who.address)
    if person is None:
        if still is None:
            raise _not_among(wording, mlist, who.address)
        return _comes_by(wording, mlist, still, who.address, ok=False)
    row = {**holder_row(Holder(person), LeftOut()), "status": "removed"}
    if still:
        return replace(_comes_by(wording, mlist, still, who.address, ok=True), rows=[row])
    return Reply(said=(_about(_REMOVED, wording, mlist, written(person)),), rows=[row])


def _comes_by(wording: _Wording, mlist: MailingList, holder: Holder, address: Address, *, ok: bool) -> Reply:
    """Somebody whom a group brings: only an exclusion keeps them out."""
    said = Text(
        "On {list}, {person} is among {people} by {ways}.",
        list=mlist.address,
        people=Text(wording.people),
        person=written(holder.person),
        ways=brought_by(holder.ways),
    )
    if wording.role is not Role.MEMBER:
        return Reply(said=(said,), ok=ok)
    line = f"/addexcluded {mlist.local_part} {address}"
    button = Option(Text("🔕 Send no copies"), f"/addexcluded {by_id(mlist)} {address}")
    return Reply(
        said=(said, Text("To send them no copies all the same: {line}", line=line)),
        options=((button,),) if button.fits else (),
        ok=ok,
    )


def _not_among(wording: _Wording, mlist: MailingList, who: str) -> UserError:
    return UserError(
        Text(
            "On {list}, {address} is not among {people}: /{listing} {name} shows who is.",
            address=who,
            people=Text(wording.people),
            list=mlist.address,
            listing=wording.listing,
            name=mlist.local_part,
        )
    )


def _about(template: str, wording: _Wording, mlist: MailingList, who: Text) -> Text:
    """The role, the list and the person or group, in a sentence."""
    return Text(template, people=Text(wording.people), list=mlist.address, person=who)


async def _show(
    desk: Desk, call: Call, wording: _Wording, mlist: MailingList, words: str, after: int | None
) -> Reply:
    store = desk.stores.people
    found = await store.holders(mlist, wording.role, words, call.page(after))
    total = sum(len(holder.person.addresses) for holder in found.items)
    if call.paged and found.total > len(found.items) and not words:
        total = len(await store.addresses_of(mlist, wording.role))
    title = Text(
        "{list}, {role}: {people}, {addresses}",
        list=mlist.address,
        role=Text(wording.people),
        people=people(found.total),
        addresses=addresses(total),
    )
    given = [group.written for group in await store.groups_of(mlist, wording.role)]
    left_out = await left_out_of(desk.stores, mlist)
    reply = Reply(
        said=(
            title,
            *((Text("By group: {groups}", groups=given),) if given else ()),
            *(holder_line(holder, left_out) for holder in found.items),
        ),
        rows=[holder_row(holder, left_out) for holder in found.items],
    )
    return turned(reply, found, Turning(wording.listing, mlist, words, after))


_register_members(_WORDINGS[0])
for _wording in _WORDINGS[1:]:
    _register(_wording)
