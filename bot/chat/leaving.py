"""When what waits will have left, by outgoing account, and which account waits for its quota."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.chat.desk import Desk
from bot.chat.health import pause_line
from bot.core.addresses import Address
from bot.core.lists import MailingList, SmtpAccount
from bot.core.text import Text


@dataclass(frozen=True, slots=True)
class Outlook:
    """An outgoing account: when the last delivery of each list (by address) leaves, and why it waits."""

    account: SmtpAccount
    ends: Mapping[Address, datetime]
    pause: Text | None


async def leaving(desk: Desk, lists: Mapping[int, MailingList]) -> list[Outlook]:
    """The accounts of these lists; what other lists send through them is counted in."""
    now = desk.clock.now()
    used = [
        outgoing
        for outgoing in desk.accounts.outgoing(await desk.stores.lists.all())
        if lists.keys() & set(outgoing.mlist_ids)
    ]
    states = await desk.stores.accounts.states({outgoing.account.key for outgoing in used})
    found = []
    for outgoing in used:
        forecast = await desk.stores.outbox.forecast(outgoing.account, outgoing.mlist_ids, now)
        ends = {lists[id_].address: end for id_, end in forecast.lists.items() if id_ in lists}
        found.append(Outlook(outgoing.account, ends, pause_line(states[outgoing.account.key], now)))
    return found
