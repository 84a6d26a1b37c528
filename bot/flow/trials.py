"""Trying the accounts of a list before there is one: whether they work, and how much mail lies there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from bot.core.addresses import Address
from bot.core.changing import whole
from bot.core.clock import Clock
from bot.core.errors import ServerTrouble, Trouble, UnknownCertificate, UserError
from bot.core.lists import MailboxAccount, MailingList, SmtpAccount, mailbox_account
from bot.core.ports import Servers
from bot.core.settings import Security
from bot.core.stores import Stores
from bot.core.text import Text
from bot.flow.accounts import Accounts
from bot.flow.checked import Checked
from bot.flow.checks import attempted, mailbox_named, outgoing_named

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate that a server showed before anybody logged in; `told` is what people compare."""

    server: str
    sha256: str
    told: Text


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it; `mails` = how many lie in the mailbox.

    `shown`: where a certificate stands in the way, that of each server, for somebody to trust.
    """

    mailbox: Checked
    relay: Checked
    mails: int
    shown: tuple[Shown, ...] = ()

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

    async def run(self, address: Address, own: Mapping[str, Any], trusted: Mapping[str, str]) -> Tried:
        """Read what lies in the mailbox, log in to the relay.

        Args:
            address: the list's.
            own: the settings that it would have.
            trusted: the certificates that somebody was shown and trusts, by ``host:port``; no other is.
        """
        mlist = await self.draft(address, own)
        mlist = replace(mlist, pins={**mlist.pins, **trusted})
        mailbox, mails = await self._read(mlist)
        relay = await self._send(mlist)
        doubted = Trouble.CERTIFICATE in {mailbox.kind, relay.kind}
        return Tried(mailbox, relay, mails, await self._shown(mlist) if doubted else ())

    async def draft(self, address: Address, own: Mapping[str, Any]) -> MailingList:
        """A list as it would be; its number is nobody's."""
        lists = await self._stores.lists.all()
        settings = whole(await self._stores.lists.defaults(), own)
        pins = dict(lists[0].pins) if lists else {}  # every list carries all of them
        return MailingList(
            0, address, settings, dict(own), 0, paused=False, created_at=self._clock.now(), pins=pins
        )

    async def _read(self, mlist: MailingList) -> tuple[Checked, int]:
        account = mailbox_account(mlist)
        found: list[int] = []

        async def listing() -> None:
            if not account.host:
                raise UserError(Text("no server is named: please give host=NAME"))
            found.append(await self._listed(account))

        return await _tried(mailbox_named(account), account.host, listing), sum(found)

    async def _send(self, mlist: MailingList) -> Checked:
        account = self._accounts.smtp(mlist)

        async def login() -> None:
            if not account.host:
                raise UserError(Text("no outgoing server is named: please give smtp_host=NAME"))
            await self._logged_in(account)

        return await _tried(outgoing_named(account), account.host, login)

    async def _listed(self, account: MailboxAccount) -> int:
        mailbox = self._servers.mailbox(account)
        try:
            return len(await mailbox.listing())
        finally:
            await mailbox.close()

    async def _logged_in(self, account: SmtpAccount) -> None:
        sender = self._servers.sender(account)
        try:
            await sender.check()
        finally:
            await sender.close()

    async def _shown(self, mlist: MailingList) -> tuple[Shown, ...]:
        """The certificates of both servers. With none that is trusted, nobody logs in."""
        mailbox, relay = replace(mailbox_account(mlist), pin=""), replace(self._accounts.smtp(mlist), pin="")
        found: dict[str, Shown] = {}
        attempts: tuple[tuple[MailboxAccount | SmtpAccount, Callable[[], Awaitable[object]]], ...] = (
            (mailbox, partial(self._listed, mailbox)),
            (relay, partial(self._logged_in, relay)),
        )
        for account, attempt in attempts:
            if not account.host or account.security is Security.NONE:  # in clear, there is none to be shown
                continue
            try:
                await attempt()
            except UnknownCertificate as error:
                found[error.server] = Shown(error.server, error.seen, error.told)
            except ServerTrouble as error:
                log.info("certificate not seen", host=account.host, trouble=str(error))
        return tuple(found.values())


async def _tried(what: Text, host: str, attempt: Callable[[], Awaitable[None]]) -> Checked:
    """What came of it; a certificate that nobody has trusted yet stands in the way."""
    try:
        return await attempted(what, host, attempt)
    except UnknownCertificate as error:
        new = Text("nobody has accepted its certificate yet, so nothing was sent there.")
        return Checked(what, error.text if error.pinned else new, kind=error.trouble)
