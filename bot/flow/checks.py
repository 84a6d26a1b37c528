"""Proving that a list's servers can be used, in words that say what to do if not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.clock import Clock
from bot.core.errors import ServerTrouble, UserError
from bot.core.lists import MailingList, SmtpAccount, mailbox_account
from bot.core.ports import Servers
from bot.core.stores import Stores
from bot.core.text import Text
from bot.flow.accounts import Accounts


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was tried; `trouble` None = it works."""

    what: Text
    trouble: Text | None


class Checks:
    """Tries the accounts of lists."""

    def __init__(self, stores: Stores, servers: Servers, accounts: Accounts, clock: Clock) -> None:
        self._stores = stores
        self._servers = servers
        self._accounts = accounts
        self._clock = clock

    async def check(self, mlist: MailingList) -> Sequence[Checked]:
        """Try the mailbox and the outgoing account of a list; what it found is shown by ``/lists``.

        The first successful look at the mailbox remembers which mail was there before the list.
        """
        account = mailbox_account(mlist)
        mailbox_trouble = await self._try_mailbox(mlist)
        await self._stores.lists.polled(mlist.id, self._clock.now(), mailbox_trouble)
        outgoing = await self._check_outgoing(self._accounts.smtp(mlist))
        await self._stores.lists.connected([mlist.id], self._clock.now(), outgoing.trouble)
        return [
            Checked(
                Text(
                    "Mailbox {username} on {host}:{port}",
                    username=account.username,
                    host=account.host,
                    port=account.port,
                ),
                mailbox_trouble,
            ),
            outgoing,
        ]

    async def check_common(self) -> Checked:
        """Try the outgoing account of the installation, which lists without their own use."""
        return await self._check_outgoing(self._accounts.common)

    async def _try_mailbox(self, mlist: MailingList) -> Text | None:
        if not mlist.settings.host:
            return Text("no server is named: /set {list} host=NAME", list=mlist.local_part)
        account = mailbox_account(mlist)
        mailbox = self._servers.mailbox(account)
        try:
            await self._stores.lists.note_old_mail(mlist.id, account, await mailbox.listing())
        except (ServerTrouble, UserError) as error:
            return error.text
        finally:
            await mailbox.close()
        return None

    async def _check_outgoing(self, account: SmtpAccount) -> Checked:
        what = Text("Outgoing mail by {host}:{port}", host=account.host, port=account.port)
        return Checked(what, await self._try_smtp(account))

    async def _try_smtp(self, account: SmtpAccount) -> Text | None:
        if not account.host:
            return Text(
                "no outgoing server is named: give it in [smtp] of the configuration, or smtp_host here"
            )
        sender = self._servers.sender(account)
        try:
            await sender.check()
        except ServerTrouble as error:
            return error.text
        finally:
            await sender.close()
        return None
