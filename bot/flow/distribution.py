"""Hop 6: who gets an accepted post, and the copy they get; both frozen at the decision."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.core.addresses import Address, is_deliverable, unique
from bot.core.authentication import Policy
from bot.core.deliveries import MailingKind, NewMailing
from bot.core.directory import PeopleStore
from bot.core.header import Header
from bot.core.lists import MailingList
from bot.core.people import Role
from bot.core.stores import Page, Stores
from bot.flow.copy import list_copy

_ANY_DATE = datetime(2000, 1, 1, tzinfo=UTC)
"""All are of one length."""


async def recipients(stores: Stores, mlist: MailingList, header: Header) -> tuple[Address, ...]:
    """Every address that gets the post with this header, each once, however often it is a member's."""
    settings, people = mlist.settings, stores.people
    left_out = {mlist.address, *await people.addresses_of(mlist, Role.EXCLUDED)}
    left_out.update(await stores.bounces.suspended())
    if settings.skip_addressed:
        left_out.update(mailbox.address for field in ("to", "cc") for mailbox in header.mailboxes(field))
    if not settings.copy_to_author:
        for author in header.mailboxes("from"):
            standing = await people.standing(mlist, author.address)
            left_out.update((author.address, *standing.addresses))
    members = await people.addresses_of(mlist, Role.MEMBER)
    return tuple(
        unique(address for address in members if is_deliverable(address) and address not in left_out)
    )


async def copy_for(
    stores: Stores, mlist: MailingList, header: Header, policy: Policy, due_at: datetime
) -> NewMailing:
    """The members' copy of a post and its deliveries, due at `due_at`.

    `policy`: the strictest that the authors' domains publish.
    """
    return NewMailing(
        kind=MailingKind.COPY,
        mail_from=mlist.address,
        recipients=await recipients(stores, mlist, header),
        header=await _copy_header(stores.people, mlist, header, policy, due_at),
        body=None,
        due_at=due_at,
    )


async def copy_octets(people: PeopleStore, mlist: MailingList, header: Header, body: bytes) -> int:
    """How large the copy would be on its way to the relay (RFC 1870 section 3), at most.

    Its line ends are CRLF there, and nobody knows yet whether From must be rewritten.
    """
    ours = len(await _copy_header(people, mlist, header, Policy.REJECT, _ANY_DATE))
    pairs = body.count(b"\r\n")
    lone = body.count(b"\n") + body.count(b"\r") - 2 * pairs
    return ours + len(body) + lone + len(b"\r\n")


async def _copy_header(
    people: PeopleStore, mlist: MailingList, header: Header, policy: Policy, at: datetime
) -> bytes:
    return list_copy(header, mlist, await _owners(people, mlist), policy, at).to_bytes()


async def _owners(people: PeopleStore, mlist: MailingList) -> list[Address]:
    """The first address of each owner that can be written to."""
    owners = await people.holders(mlist, Role.OWNER, "", Page())
    reachable = ([*filter(is_deliverable, owner.person.addresses)] for owner in owners.items)
    return [addresses[0] for addresses in reachable if addresses]
