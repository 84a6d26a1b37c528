"""Addresses that mail does not reach, and giving them another chance."""

from __future__ import annotations

from typing import Any

from bot.chat.desk import Call, Desk, Option, Reply, iso, say
from bot.chat.kinds import AnyList
from bot.chat.listings import scope
from bot.chat.readable import server_words
from bot.chat.registry import command
from bot.chat.whom import EmailAddress
from bot.core.bounces import Bouncing, Unnamed
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import Rank
from bot.core.text import N_, Text

_BUTTONS_LIMIT = 8


@command("bounces", N_("Show the addresses that mail does not reach"), rank=Rank.OWNER)
async def bounces(desk: Desk, call: Call, mlist: AnyList = None) -> Reply:
    """Suspended addresses first, with the reason and a button."""
    lists = await scope(desk, call, mlist)
    found = await desk.stores.bounces.all(list(lists))
    unnamed = await desk.stores.bounces.unnamed(list(lists))
    title = (
        Text.counted("{count} address is not reached:", "{count} addresses are not reached:", len(found))
        if found
        else Text("Every address is reached.")
    )
    options = [(again(each),) for each in found if each.suspended_at][:_BUTTONS_LIMIT]
    return Reply(
        said=(title, *map(bouncing_line, found), *(_unnamed(each, lists[each.mlist_id]) for each in unnamed)),
        rows=[_row(each, lists) for each in found],
        options=tuple(each for each in options if each[0].fits),
    )


@command("reactivate", N_("Send copies to a suspended address again"), rank=Rank.OWNER)
async def reactivate(desk: Desk, call: Call, address: EmailAddress) -> Reply:
    """Its points are forgotten."""
    if not await desk.stores.bounces.reactivate(address):
        raise UserError(Text("{address} is not suspended: /bounces shows what is.", address=address))
    return say(Text("▶️ {address} gets copies again, from the next post on.", address=address))


def bouncing_line(each: Bouncing) -> Text:
    """Since when, how often and why mail does not reach an address."""
    reason = server_words(each.reason) if each.reason else Text("no reason was given")
    if each.suspended_at:
        return Text(
            "⏸ {address} · suspended since {at}: {reason}",
            address=each.address,
            at=each.suspended_at,
            reason=reason,
        )
    return Text.counted(
        "{address} · {count} point, {at}: {reason}",
        "{address} · {count} points, the last {at}: {reason}",
        each.points,
        address=each.address,
        at=each.last_at,
        reason=reason,
    )


def _unnamed(each: Unnamed, mlist: MailingList) -> Text:
    return Text.counted(
        "{list}: {count} report names nobody of the directory, {at}",
        "{list}: {count} reports name nobody of the directory, the last {at}",
        each.count,
        list=mlist.address,
        at=each.last_at,
    )


def again(each: Bouncing) -> Option:
    """The button that gives a suspended address another chance."""
    return Option(Text("▶️ Reactivate {address}", address=each.address), f"/reactivate {each.address}")


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
    }
