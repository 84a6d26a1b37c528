"""Who looks after a list, and is told by mail what asks for a person."""

from __future__ import annotations

from bot.core.addresses import Address, is_deliverable
from bot.core.lists import MailingList
from bot.core.people import Role
from bot.core.stores import Stores


async def owners_to_tell(stores: Stores, mlist: MailingList) -> list[Address]:
    """The addresses of its owners, as far as a mail of the list can reach them."""
    owners = await stores.people.addresses_of(mlist, Role.OWNER)
    return [owner for owner in owners if is_deliverable(owner) and owner != mlist.address]
