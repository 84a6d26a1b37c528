"""Trying the accounts of a list before there is one: whether they work, and how much mail lies there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bot.core.addresses import Address
from bot.core.changing import whole
from bot.core.clock import Clock
from bot.core.errors import UnknownCertificate, UserError
from bot.core.lists import MailingList, mailbox_account
from bot.core.ports import Servers
from bot.core.stores import Stores
from bot.core.text import Text
from bot.flow.accounts import Accounts
from bot.flow.checked import Checked
from bot.flow.checks import attempted, mailbox_named, outgoing_named, trusted_by


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it; `mails` = how many lie in the mailbox.

    `pins`: the certificates that were the first of their servers, by ``host:port``; each is told of by the
    note of what was tried.
    """

    mailbox: Checked
    relay: Checked
    mails: int
    pins: Mapping[str, str]

    @property
    def works(self) -> bool:
        return self.mailbox.trouble is None and self.relay.trouble is None


class Trials:
    """Tries accounts that no list has yet; nothing is stored, and nothing is changed there."""

    def __init__(self, stores: Stores, servers: Servers, accounts: Accounts, clock: Clock) -> None:
        self._stores = stores
        self._servers = servers
        self._accounts = accounts
        self._clock = clock

    async def run(self, address: Address, own: Mapping[str, Any]) -> Tried:
        """Read what lies in the mailbox, log in to the relay; `own` are the settings that it would have."""
        mlist = await self.draft(address, own)
        mailbox, mails, trusting = await self._read(mlist)
        relay, trusting = await self._send(trusting)
        fresh = {server: seen for server, seen in trusting.pins.items() if server not in mlist.pins}
        return Tried(mailbox, relay, mails, fresh)

    async def draft(self, address: Address, own: Mapping[str, Any]) -> MailingList:
        """A list as it would be; its number is nobody's."""
        lists = await self._stores.lists.all()
        settings = whole(await self._stores.lists.defaults(), own)
        pins = dict(lists[0].pins) if lists else {}  # every list carries all of them
        return MailingList(
            0, address, settings, dict(own), 0, paused=False, created_at=self._clock.now(), pins=pins
        )

    async def _read(self, mlist: MailingList) -> tuple[Checked, int, MailingList]:
        found: list[int] = []

        async def listing(trusting: MailingList) -> None:
            if not trusting.settings.host:
                raise UserError(Text("no server is named: please give host=NAME"))
            mailbox = self._servers.mailbox(mailbox_account(trusting))
            try:
                found.append(len(await mailbox.listing()))
            finally:
                await mailbox.close()

        account = mailbox_account(mlist)
        checked, trusting = await _tried(mailbox_named(account), account.host, listing, mlist)
        return checked, sum(found), trusting

    async def _send(self, mlist: MailingList) -> tuple[Checked, MailingList]:
        async def login(trusting: MailingList) -> None:
            account = self._accounts.smtp(trusting)
            if not account.host:
                raise UserError(Text("no outgoing server is named: please give smtp_host=NAME"))
            sender = self._servers.sender(account)
            try:
                await sender.check()
            finally:
                await sender.close()

        account = self._accounts.smtp(mlist)
        return await _tried(outgoing_named(account), account.host, login, mlist)


async def _tried(
    what: Text, host: str, attempt: Callable[[MailingList], Awaitable[None]], mlist: MailingList
) -> tuple[Checked, MailingList]:
    """What came of it, and the list as it trusts then: the first certificate of a server is accepted."""
    try:
        return await attempted(what, host, partial(attempt, mlist)), mlist
    except UnknownCertificate as error:
        if error.pinned:
            return Checked(what, error.text, kind=error.trouble), mlist
        note = trusted_by(error)
        trusting = replace(mlist, pins={**mlist.pins, error.server: error.seen})
    try:
        checked = await attempted(what, host, partial(attempt, trusting))
    except UnknownCertificate as error:  # two servers behind one name, or somebody in between
        return Checked(what, error.text, kind=error.trouble), mlist
    return replace(checked, note=note), trusting
