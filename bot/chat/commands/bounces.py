"""Addresses that mail does not reach, and giving them another chance."""

from __future__ import annotations

from typing import Any

from bot.chat.bouncing import again, bouncing_line, unnamed_line
from bot.chat.desk import Call, Desk, Reply, iso, say
from bot.chat.kinds import AnyList
from bot.chat.listings import scope
from bot.chat.registry import command
from bot.chat.whom import EmailAddress
from bot.core.bounces import Bouncing
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import Rank
from bot.core.text import N_, Text


@command("bounces", N_("Show the addresses that mail does not reach"), rank=Rank.OWNER)
async def bounces(desk: Desk, call: Call, mlist: AnyList = None) -> Reply:
    """Suspended addresses first, with the reason and a button."""
    lists = await scope(desk, call, mlist)
    found = await desk.stores.bounces.all(list(lists))
    unnamed = await desk.stores.bounces.unnamed(list(lists))
    title = (
        Text.counted("{count} address is not reached:", "{count} addresses are not reached:", len(found))
        if found
        else Text("Nothing has come back so far; a report may take hours.")
    )
    counted = (unnamed_line(each, lists[each.mlist_id]) for each in unnamed)
    return Reply(
        said=(title, *map(bouncing_line, found), *counted),
        rows=[_row(each, lists) for each in found if each.points],
        options=tuple((each,) for each in again(found)),
    )


@command("reactivate", N_("Send copies to a suspended address again"), rank=Rank.OWNER)
async def reactivate(desk: Desk, call: Call, address: EmailAddress) -> Reply:
    """Its points are forgotten."""
    if not await desk.stores.bounces.reactivate(address):
        raise UserError(Text("{address} is not suspended: /bounces shows what is.", address=address))
    return say(Text("▶️ {address} gets copies again, from the next post on.", address=address))


def _row(each: Bouncing, lists: dict[int, MailingList]) -> dict[str, Any]:
    mlist = lists.get(each.mlist_id) if each.mlist_id else None
    return {
        "address": each.address,
        "list": mlist.address if mlist else None,
        "points": each.points,
        "reason": each.reason,
        "last_at": iso(each.last_at),
        "suspended": each.suspended_at is not None,
        "suspended_at": iso(each.suspended_at),
        "report": each.report,
    }
