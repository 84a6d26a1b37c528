"""Who is in a group: the commands of members, where a group stands in the place of a list."""

from __future__ import annotations

from bot.chat.desk import Call, Desk, Reply
from bot.chat.holders import LeftOut, holder_line, holder_row, left_out_of, written
from bot.chat.listings import Turning, addresses, people, turned
from bot.core.addresses import Mailbox
from bot.core.errors import UserError
from bot.core.people import Group, Holder, Rank
from bot.core.text import Text


async def show(desk: Desk, call: Call, group: Group, words: str, after: int | None) -> Reply:
    """Everybody in it, by name. Raises UserError for a group that is on no list of who asks."""
    facts = await desk.stores.groups.facts(group)
    ids = {mlist.address: mlist.id for mlist in await desk.stores.lists.all()}
    known = any(address in ids and call.may_know(ids[address]) for address, _ in facts.roles)
    if call.rank < Rank.ADMIN and not known:
        raise UserError(Text("{group} is on none of your lists.", group=group.written))
    found = await desk.stores.groups.holders(group, words, call.page(after))
    total = sum(len(holder.person.addresses) for holder in found.items) if words else facts.addresses
    title = Text(
        "{group}: {people}, {addresses}",
        group=group.written,
        people=people(found.total),
        addresses=addresses(total),
    )
    left_out = await left_out_of(desk.stores, None)
    reply = Reply(
        said=(title, *(holder_line(holder, left_out) for holder in found.items)),
        rows=[holder_row(holder, left_out) for holder in found.items],
    )
    return turned(reply, found, Turning("members", group, words, after))


async def add(desk: Desk, group: Group, who: Mailbox | Group) -> Reply:
    """Put somebody in by hand. Raises UserError for a group: groups do not nest."""
    if isinstance(who, Group):
        raise UserError(
            Text("A group cannot be in a group: give {group} a role on the list instead.", group=who.written)
        )
    person, new = await desk.stores.groups.join(group, who)
    said = (
        Text("{person} is in {group} now.", person=written(person), group=group.written)
        if new
        else Text("{person} was in {group} already.", person=written(person), group=group.written)
    )
    left_out = await left_out_of(desk.stores, None)
    return Reply(said=(said,), rows=[holder_row(Holder(person), left_out)])


async def remove(desk: Desk, group: Group, who: Mailbox | Group) -> Reply:
    """Take somebody out who was put in by hand. Raises UserError where the source brings them."""
    address = who.written if isinstance(who, Group) else who.address
    person = None if isinstance(who, Group) else await desk.stores.groups.leave(group, who.address)
    still = None if isinstance(who, Group) else await desk.stores.groups.holder(group, who.address)
    if still:
        said = Text(
            "{person} is in {group} because its source {source} names them: take them out there.",
            person=written(still.person),
            group=group.written,
            source=group.source,
        )
        return Reply(said=(said,), ok=person is not None)
    if person is None:
        raise UserError(
            Text(
                "{address} is not in {group}: /members {group} shows who is.",
                address=address,
                group=group.written,
            )
        )
    return Reply(
        said=(Text("{person} is no longer in {group}.", person=written(person), group=group.written),),
        rows=[{**holder_row(Holder(person), LeftOut()), "status": "removed"}],
    )
