"""Hops 7 to 9: take due deliveries, send them, store one outcome per recipient."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.core.addresses import Address
from bot.core.clock import Clock
from bot.core.deliveries import (
    GIVE_UP_AFTER,
    NO_LIST,
    Batch,
    Claimed,
    DeliveryState,
    Envelope,
    Obstacle,
    Outcome,
    QuotaReply,
    RecipientResult,
    Recorded,
    next_delay,
)
from bot.core.errors import ServerTrouble
from bot.core.lists import SmtpAccount, certificate_of
from bot.core.ports import MailSender
from bot.core.stores import Stores
from bot.flow.bounces import Bounces
from bot.flow.providers import advised
from bot.flow.runner import NOT_ITS_FAULT, alone

log = structlog.get_logger()

_AGAIN = timedelta(seconds=1)
_CLAIM = next_delay(1)
_STATES = {
    Outcome.DELIVERED: DeliveryState.DELIVERED,
    Outcome.DEFERRED: DeliveryState.DEFERRED,
    Outcome.BOUNCED: DeliveryState.BOUNCED,
}


class Outbox:
    """One connection to one outgoing account, and what is due there."""

    def __init__(  # noqa: PLR0913, PLR0917 - one of each thing that it needs
        self,
        account: SmtpAccount,
        sharing: Callable[[], Collection[int]],
        sender: MailSender,
        stores: Stores,
        clock: Clock,
        bounces: Bounces,
        redirect_to: Address | None,
    ) -> None:
        """`sharing`: which lists use the account just now.

        `redirect_to`: test mode, every mail goes there instead of to its recipients.
        """
        self._account = account
        self._sharing = sharing
        self._sender = sender
        self._stores = stores
        self._clock = clock
        self._bounces = bounces
        self._redirect_to = redirect_to
        self._noted_octets: int | None = None

    async def step(self) -> datetime | None:
        """Send one batch, if one is due; returns when to look again, None = only on a change.

        Raises:
            ServerTrouble: the relay cannot be used; what that means for the batch is stored already.
        """
        now, mlist_ids = self._clock.now(), self._sharing()
        batch = await self._stores.outbox.claim(self._account, mlist_ids, now)
        if batch is None:
            return await self._stores.outbox.next_due(self._account, mlist_ids, now)
        log.info("claimed", post=batch.post_id, mailing=batch.mailing_id, recipients=len(batch.deliveries))
        async with self._claim_held(batch):
            trouble, results = None, None
            try:
                # a mail that a part of ours stumbles over must come to an end like any other
                results = await alone("offer", partial(self._offer, batch), but=(ServerTrouble,))
            except ServerTrouble as error:
                trouble = error
            if results is None:
                words = str(trouble or Obstacle.STUMBLED)
                results = [_deferred(claimed, words) for claimed in batch.deliveries]
            await self._record(batch, results, offered=trouble is None)
        await self._note_health(batch, trouble)
        self._noted_octets = await note_size(self._stores, self._account, self._sender, self._noted_octets)
        if trouble:
            raise trouble
        return self._clock.now()

    async def close(self) -> None:
        """Leave the relay."""
        await self._sender.close()

    @asynccontextmanager
    async def _claim_held(self, batch: Batch) -> AsyncIterator[None]:
        """Nobody else claims the batch until its outcomes are stored."""
        claim = asyncio.create_task(self._hold_claim(batch))
        try:
            yield
        finally:
            claim.cancel()
            await asyncio.wait({claim})

    async def _record(self, batch: Batch, results: Sequence[RecipientResult], *, offered: bool) -> None:
        """Store the outcomes, however often it takes: what is not stored is sent once more."""
        now = self._clock.now()
        outcomes = [outcome.value for outcome in Outcome]
        counts = {name: sum(result.outcome == name for result in results) for name in outcomes}
        log.info("sent", post=batch.post_id, mailing=batch.mailing_id, **counts)
        recorded = [
            _recorded(claimed, result, now) for claimed, result in zip(batch.deliveries, results, strict=True)
        ]
        over_quota, until = _quota_reply(results), None
        while True:
            try:
                # before the outcomes: a crash in between counts it again, which gives no second point
                if not self._redirect_to:
                    await alone("refusals", partial(self._bounces.refused, batch, results), but=NOT_ITS_FAULT)
                letters = await alone(
                    "letters", partial(self._bounces.letters, batch, results, now), but=NOT_ITS_FAULT
                )
                until = await self._stores.outbox.record(
                    batch, recorded, now, offered=offered, over_quota=over_quota, letters=letters or ()
                )
                break
            except NOT_ITS_FAULT as error:
                log.warning("outcomes not stored yet", post=batch.post_id, why=str(error))
                await self._clock.wait(asyncio.Event().wait(), self._clock.now() + _AGAIN)
        log.info("recorded", post=batch.post_id, mailing=batch.mailing_id)
        if over_quota and until:
            log.warning(
                "account paused", account=self._account.key, until=until.isoformat(), why=over_quota.words
            )

    async def _hold_claim(self, batch: Batch) -> None:
        """A slow transaction outlasts the first retry delay: nobody else may claim the batch meanwhile."""
        while True:
            await self._clock.wait(asyncio.Event().wait(), self._clock.now() + _CLAIM / 2)
            now = self._clock.now()
            await alone("claim", partial(self._stores.outbox.prolong, batch, now, now + _CLAIM))

    async def _offer(self, batch: Batch) -> list[RecipientResult]:
        """One result per delivery, in their order. Raises ServerTrouble if nothing was offered."""
        recipients = tuple(delivery.recipient for delivery in batch.deliveries)
        if self._redirect_to:
            [only] = await self._sender.send(Envelope(batch.mail_from, (self._redirect_to,)), batch.content)
            return [replace(only, recipient=recipient) for recipient in recipients]
        return list(await self._sender.send(Envelope(batch.mail_from, recipients), batch.content))

    async def _note_health(self, batch: Batch, error: ServerTrouble | None) -> None:
        """What ``/lists`` shows of the account; only a change is worth a write."""
        trouble = advised(error, self._account.host) if error else None
        users = [mlist_id for mlist_id in (batch.mlist_id, *self._sharing()) if mlist_id != NO_LIST]
        if not users:
            return  # no list is the worse for it
        known = (await self._stores.lists.get(users[0])).smtp
        if known.trouble == trouble and (trouble or known.ok_at):
            return
        await self._stores.lists.connected(
            users, self._clock.now(), trouble, self._account.key, certificate_of(error)
        )
        if trouble:
            log.warning("relay in trouble", account=self._account.key, trouble=str(trouble))
        elif known.trouble:
            log.info("relay back", account=self._account.key)


async def note_size(
    stores: Stores, account: SmtpAccount, sender: MailSender, noted: int | None = None
) -> int | None:
    """Store how large a mail the relay takes, unless `noted` says it already; what is noted now."""
    if sender.max_octets is not None and sender.max_octets != noted:
        await stores.accounts.note_size(account.key, sender.max_octets)
    return sender.max_octets


def _quota_reply(results: Sequence[RecipientResult]) -> QuotaReply | None:
    """What the relay said of the account's quota, if it did."""
    refused = [result for result in results if result.over_quota]
    if not refused:
        return None
    return QuotaReply(_words(refused[0]), offered=sum(result.offered for result in results))


def _words(result: RecipientResult) -> str:
    return f"{result.code} {result.reply}".removeprefix("0 ").strip()[:500]


def _recorded(claimed: Claimed, result: RecipientResult, now: datetime) -> Recorded:
    """What the outcome means for the delivery: deferred too often is bounced.

    Nothing at all where it met the account's quota: that is no word on the recipient.
    """
    reply = _words(result)
    if result.over_quota:
        return Recorded(claimed.id, None, reply)
    if result.maybe_taken:
        reply = f"{reply} [it may have arrived nevertheless]"
    if result.outcome is not Outcome.DEFERRED:
        return Recorded(claimed.id, _STATES[result.outcome], reply)
    retry_at = now + next_delay(claimed.attempts)
    if retry_at > claimed.first_attempt_at + GIVE_UP_AFTER:
        return Recorded(claimed.id, DeliveryState.BOUNCED, reply)
    return Recorded(claimed.id, DeliveryState.DEFERRED, reply, retry_at)


def _deferred(claimed: Claimed, words: str) -> RecipientResult:
    """What the relay would have said, or said, is not known."""
    return RecipientResult(claimed.recipient, Outcome.DEFERRED, 0, words)
