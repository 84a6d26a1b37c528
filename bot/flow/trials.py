"""Trying the accounts of a list before there is one: whether they work, and how much mail lies there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bot.core.addresses import Address
from bot.core.clock import Clock
from bot.core.errors import UnknownCertificate, UserError
from bot.core.lists import MailingList, mailbox_account
from bot.core.ports import Servers
from bot.core.settings import whole
from bot.core.stores import Stores
from bot.core.text import Text
from bot.flow.accounts import Accounts
from bot.flow.checked import Checked
from bot.flow.checks import attempted, mailbox_named, outgoing_named


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it; `mails` = how many lie in the mailbox."""

    mailbox: Checked
    relay: Checked
    mails: int

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
        mailbox, mails = await self._read(mlist)
        return Tried(mailbox, await self._send(mlist), mails)

    async def draft(self, address: Address, own: Mapping[str, Any]) -> MailingList:
        """A list as it would be; its number is nobody's."""
        lists = await self._stores.lists.all()
        settings = whole(await self._stores.lists.defaults(), own)
        pins = dict(lists[0].pins) if lists else {}  # every list carries all of them
        return MailingList(
            0, address, settings, dict(own), 0, paused=False, created_at=self._clock.now(), pins=pins
        )

    async def _read(self, mlist: MailingList) -> tuple[Checked, int]:
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
        try:
            checked = await attempted(mailbox_named(account), account.host, partial(listing, mlist))
        except UnknownCertificate as error:
            trusting = _trusting(mlist, error)
            checked = await attempted(mailbox_named(account), account.host, partial(listing, trusting))
        return checked, sum(found)

    async def _send(self, mlist: MailingList) -> Checked:
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
        try:
            return await attempted(outgoing_named(account), account.host, partial(login, mlist))
        except UnknownCertificate as error:
            trusting = _trusting(mlist, error)
            return await attempted(outgoing_named(account), account.host, partial(login, trusting))


def _trusting(mlist: MailingList, error: UnknownCertificate) -> MailingList:
    """With the certificate that was seen first; raises the error where another one is trusted already."""
    if error.pinned:
        raise error
    return replace(mlist, pins={**mlist.pins, error.server: error.seen})
