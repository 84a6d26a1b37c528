"""Proving that a list's servers can be used, in words that say what to do if not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from zoneinfo import ZoneInfo

from bot.core.clock import Clock
from bot.core.errors import ServerTrouble, UnknownCertificate, UserError
from bot.core.lists import MailboxAccount, MailingList, SmtpAccount, certificate_of, mailbox_account
from bot.core.ports import Servers
from bot.core.stores import Stores
from bot.core.text import Text, fingerprint
from bot.flow.accounts import Accounts
from bot.flow.checked import Checked
from bot.flow.intake import look
from bot.flow.outbox import note_size
from bot.flow.providers import advised


class Checks:
    """Tries the accounts of lists."""

    def __init__(
        self, stores: Stores, servers: Servers, accounts: Accounts, clock: Clock, zone: ZoneInfo
    ) -> None:
        self._stores = stores
        self._servers = servers
        self._accounts = accounts
        self._clock = clock
        self._zone = zone

    async def check(self, mlist: MailingList, *, accept: bool = False) -> Sequence[Checked]:
        """Try the mailbox and the outgoing account of a list; what it found is shown by ``/lists``.

        The first successful look at the mailbox remembers which mail was there before the list. With
        ``self_signed`` the first certificate that a server shows is accepted, another one later only
        if `accept` says so.

        Raises:
            UserError: there is nothing to accept, because certificates are verified.
        """
        if accept and not mlist.settings.self_signed:
            raise UserError(
                Text(
                    "The certificates of {list}'s servers are verified, so there is none to accept. "
                    "/set {name} self_signed=yes would trust the one that each shows.",
                    list=mlist.address,
                    name=mlist.local_part,
                )
            )
        account = mailbox_account(mlist)
        fetching = await self._trusting(
            mailbox_named(account), account.host, partial(self._try_mailbox, mlist.id), accept=accept
        )
        await self._stores.lists.polled(mlist.id, self._clock.now(), fetching.trouble, fetching.seen)
        outgoing = self._accounts.smtp(mlist)
        sending = await self._trusting(
            outgoing_named(outgoing), outgoing.host, partial(self._try_outgoing, mlist.id), accept=accept
        )
        key = outgoing.key if outgoing.host else ""
        await self._stores.lists.connected([mlist.id], self._clock.now(), sending.trouble, key, sending.seen)
        return [fetching, sending]

    async def check_common(self) -> Checked:
        """Try the outgoing account of the installation, which lists without their own use."""
        common = self._accounts.common
        return await self._trusting(outgoing_named(common), common.host, self._try_common)

    async def _trusting(
        self, what: Text, host: str, attempt: Callable[[], Awaitable[None]], *, accept: bool = False
    ) -> Checked:
        """Try; where only the certificate stood in the way and may be accepted, accept it and try again.

        Nobody logs in before: the certificate is seen on a connection that comes to nothing, and the
        next one must show it again.
        """
        try:
            return await attempted(what, host, attempt)
        except UnknownCertificate as error:
            if error.pinned and not accept:
                return Checked(what, error.text, seen=certificate_of(error), kind=error.trouble)
            await self._stores.lists.pin(error.server, error.seen)
            note = trusted_by(error.server, error.seen)
        try:
            return replace(await attempted(what, host, attempt), note=note)
        except UnknownCertificate as error:  # two servers behind one name, or somebody in between
            return Checked(what, error.text, note, certificate_of(error), error.trouble)

    async def _try_mailbox(self, mlist_id: int) -> None:
        mlist = await self._stores.lists.get(mlist_id)
        if not mlist.settings.host:
            raise UserError(Text("no server is named: /set {list} host=NAME", list=mlist.local_part))
        account = mailbox_account(mlist)
        mailbox = self._servers.mailbox(account)
        try:
            await look(mlist, mailbox, self._stores, self._clock.now().astimezone(self._zone).date())
        finally:
            await mailbox.close()

    async def _try_outgoing(self, mlist_id: int) -> None:
        await self._try_smtp(self._accounts.smtp(await self._stores.lists.get(mlist_id)))

    async def _try_common(self) -> None:
        await self._try_smtp(self._accounts.common_for(await self._stores.lists.all()))

    async def _try_smtp(self, account: SmtpAccount) -> None:
        if not account.host:
            raise UserError(
                Text("no outgoing server is named: give it in [smtp] of the configuration, or smtp_host here")
            )
        sender = self._servers.sender(account)
        try:
            await sender.check()
            await note_size(self._stores, account, sender)
        finally:
            await sender.close()


async def attempted(what: Text, host: str, attempt: Callable[[], Awaitable[None]]) -> Checked:
    """What an attempt gave. Raises UnknownCertificate."""
    try:
        await attempt()
    except UnknownCertificate:
        raise
    except ServerTrouble as error:
        return Checked(what, advised(error, host), kind=error.trouble)
    except UserError as error:
        return Checked(what, error.text)
    return Checked(what, None)


def trusted_by(server: str, sha256: str) -> Text:
    """That the certificate which was seen is accepted."""
    return Text(
        "{server} is trusted by this certificate from now on: {seen}", server=server, seen=fingerprint(sha256)
    )


def mailbox_named(account: MailboxAccount) -> Text:
    """What is tried, as people read it."""
    return Text(
        "Mailbox {username} on {host}:{port}", username=account.username, host=account.host, port=account.port
    )


def outgoing_named(account: SmtpAccount) -> Text:
    """Likewise."""
    return Text("Outgoing mail by {host}:{port}", host=account.host, port=account.port)
