"""Which parts run: one intake per mailbox, a few connections per outgoing account, as lists come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

from bot.core.clock import Clock
from bot.core.errors import ServerTrouble, UserError
from bot.core.lists import MailingList, SmtpAccount, mailbox_account
from bot.core.ports import Servers
from bot.core.stores import Stores
from bot.core.text import Text
from bot.flow.accounts import Accounts, Outgoing
from bot.flow.archive import Archive
from bot.flow.bounces import Bounces
from bot.flow.disk import Disk
from bot.flow.following import Following, Wanted
from bot.flow.intake import Intake
from bot.flow.outbox import Outbox
from bot.flow.reminders import Reminders
from bot.flow.runner import Runner, alone
from bot.flow.screening import Screening
from bot.flow.sync import Sync
from bot.flow.welcomes import Welcomes


def _trust_in(account: SmtpAccount) -> str:
    """For the names of parts: lists may share an account and trust its server in different ways."""
    return "" if account.pin is None else "pinned "


class Service:
    """Runs the post's way for every list, and follows what is changed while it runs."""

    def __init__(  # noqa: PLR0913, PLR0917 - the composition root's view of the flow
        self,
        stores: Stores,
        servers: Servers,
        accounts: Accounts,
        screening: Screening,
        bounces: Bounces,
        archive: Archive,
        clock: Clock,
        poll_interval: timedelta,
        zone: ZoneInfo,
        sync: Sync,
        reminders: Reminders,
        welcomes: Welcomes,
        disk: Disk,
    ) -> None:
        self._stores = stores
        self._servers = servers
        self._accounts = accounts
        self._screening = screening
        self._bounces = bounces
        self._archive = archive
        self._clock = clock
        self._poll_interval = poll_interval
        self._zone = zone
        self._sync = sync
        self._reminders = reminders
        self._welcomes = welcomes
        self._disk = disk
        self.runner = Runner(clock, stores.changes)
        self._mailboxes = Following(self.runner)
        self._senders = Following(self.runner)
        self._sharing: dict[tuple[str, str | None], tuple[int, ...]] = {}

    def start_polling(self) -> None:
        """Take in mail, now and from lists to come; purge what is old; follow sources; remind; greet."""
        self.runner.start("mailboxes", self._follow_mailboxes)
        self.runner.start("archive", self._archive.step, wake=self._archive.wake)
        self.runner.start("sync", self._sync.step)
        self.runner.start("disk", self._disk.step, wake=self._disk.wake)
        self.runner.start("reminders", self._reminders.step)
        self.runner.start("welcomes", self._welcomes.step, wake=self._welcomes.wake)

    def start_delivering(self) -> None:
        """Send what is due, now and for lists to come."""
        self.runner.start("accounts", self._follow_accounts)

    async def stop(self) -> None:
        """Let every transaction under way finish."""
        await self.runner.stop_all()

    async def one_pass(self, between: Callable[[], Awaitable[object]] | None = None) -> Mapping[str, Text]:
        """Look at sources, poll every mailbox, then send all that is due; what went wrong, by list address.

        `between` is done after the first and before the second.
        """
        await alone("sync", self._sync.step)
        lists = await self._stores.lists.all()
        troubles = await asyncio.gather(
            *(alone(f"poll {mlist.id}", partial(self._poll_once, mlist)) for mlist in lists)
        )
        await alone("disk", self._disk.step)
        await alone("reminders", self._reminders.step)
        await alone("welcomes", self._welcomes.step)
        if between:
            await alone("between", between)
        for outgoing in self._accounts.outgoing(lists):
            await alone(f"deliver {outgoing.account.key}", partial(self._empty, outgoing))
        await alone("archive", self._archive.step)
        return {mlist.address: trouble for mlist, trouble in zip(lists, troubles, strict=True) if trouble}

    async def _poll_once(self, mlist: MailingList) -> Text | None:
        intake = self._intake(mlist)
        try:
            return await intake.poll()
        except (ServerTrouble, UserError) as error:
            return error.text
        finally:
            await intake.close()

    async def _empty(self, outgoing: Outgoing) -> None:
        self._sharing[outgoing.account.sharing_key] = outgoing.mlist_ids
        outbox = self._outbox(outgoing.account)
        try:
            while (again_at := await outbox.step()) and again_at <= self._clock.now():
                pass
        finally:
            await outbox.close()

    async def _follow_mailboxes(self) -> None:
        """Runs after each change, so a list added by another process is polled within a moment."""
        wanted = {}
        for mlist in await self._stores.lists.all():
            if mlist.settings.host:
                identity = (mlist.address, mailbox_account(mlist))
                wanted[f"poll {mlist.id}"] = Wanted(identity, self._starter(f"poll {mlist.id}", mlist))
        self._mailboxes.bring_about(wanted)

    def _starter(self, name: str, mlist: MailingList) -> Callable[[], None]:
        def start() -> None:
            intake = self._intake(mlist)
            self.runner.start(name, intake.step, wake=intake.wake, closing=intake)

        return start

    async def _follow_accounts(self) -> None:
        outgoings = self._accounts.outgoing(await self._stores.lists.all())
        self._sharing = {outgoing.account.sharing_key: outgoing.mlist_ids for outgoing in outgoings}
        wanted = {}
        for account in (outgoing.account for outgoing in outgoings):
            for number in range(account.connections):
                name = f"deliver {account.key} {_trust_in(account)}{number}"
                wanted[name] = Wanted(account, self._sender_starter(name, account))
        self._senders.bring_about(wanted)

    def _sender_starter(self, name: str, account: SmtpAccount) -> Callable[[], None]:
        def start() -> None:
            outbox = self._outbox(account)
            self.runner.start(name, outbox.step, closing=outbox)

        return start

    def _intake(self, mlist: MailingList) -> Intake:
        return Intake(
            mlist,
            self._servers.mailbox(mailbox_account(mlist)),
            self._stores,
            self._screening,
            self._clock,
            self._poll_interval,
            self._zone,
        )

    def _outbox(self, account: SmtpAccount) -> Outbox:
        return Outbox(
            account,
            lambda: self._sharing.get(account.sharing_key, ()),
            self._servers.sender(account),
            self._stores,
            self._clock,
            self._bounces,
            self._accounts.redirect_to,
        )
