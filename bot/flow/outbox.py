"""Hops 7 to 9: take due deliveries, send them, store one outcome per recipient."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from bot.core.addresses import Address
from bot.core.clock import Clock
from bot.core.deliveries import (
    GIVE_UP_AFTER,
    Batch,
    Claimed,
    DeliveryState,
    Envelope,
    Outcome,
    RecipientResult,
    Recorded,
    next_delay,
)
from bot.core.errors import ServerTrouble, TransientError
from bot.core.ports import MailSender
from bot.core.stores import Stores
from bot.core.text import Text
from bot.flow.accounts import Outgoing

log = structlog.get_logger()

_FIRST_PAUSE = timedelta(seconds=30)
_CLAIM = next_delay(1)
_LONGEST_PAUSE = timedelta(minutes=15)
_STATES = {
    Outcome.DELIVERED: DeliveryState.DELIVERED,
    Outcome.DEFERRED: DeliveryState.DEFERRED,
    Outcome.BOUNCED: DeliveryState.BOUNCED,
}


class Outbox:
    """One connection to one outgoing account, and what is due there."""

    def __init__(
        self,
        outgoing: Outgoing,
        sender: MailSender,
        stores: Stores,
        clock: Clock,
        redirect_to: Address | None,
    ) -> None:
        """`redirect_to`: test mode, every mail goes there instead of to its recipients."""
        self._outgoing = outgoing
        self._sender = sender
        self._stores = stores
        self._clock = clock
        self._redirect_to = redirect_to
        self._failures = 0
        self._healthy: bool | None = None

    async def step(self) -> datetime | None:
        """Send one batch, if one is due; returns when to look again, None = only on a change."""
        now = self._clock.now()
        account, mlist_ids = self._outgoing.account, self._outgoing.mlist_ids
        batch = await self._stores.outbox.claim(account, mlist_ids, now)
        if batch is None:
            return await self._stores.outbox.next_due(account, mlist_ids, now)
        log.info("claimed", post=batch.post_id, mailing=batch.mailing_id, recipients=len(batch.deliveries))
        trouble = await self._send(batch)
        if trouble:
            # the relay is away: leave it alone for a while, whatever else is due
            self._failures += 1
            return now + min(_FIRST_PAUSE * (1 << min(self._failures - 1, 10)), _LONGEST_PAUSE)
        self._failures = 0
        return self._clock.now()

    async def close(self) -> None:
        """Leave the relay."""
        await self._sender.close()

    async def _send(self, batch: Batch) -> Text | None:
        trouble = None
        claim = asyncio.create_task(self._hold_claim(batch))
        try:
            results = await self._offer(batch)
        except ServerTrouble as error:
            trouble = error.text
            results = [
                RecipientResult(delivery.recipient, Outcome.DEFERRED, 0, str(error))
                for delivery in batch.deliveries
            ]
        finally:
            claim.cancel()
        now = self._clock.now()
        outcomes = [outcome.value for outcome in Outcome]
        counts = {name: sum(result.outcome == name for result in results) for name in outcomes}
        log.info("sent", post=batch.post_id, mailing=batch.mailing_id, **counts)
        recorded = [
            self._recorded(claimed, result, now)
            for claimed, result in zip(batch.deliveries, results, strict=True)
        ]
        await self._stores.outbox.record(recorded, now)
        log.info("recorded", post=batch.post_id, mailing=batch.mailing_id)
        await self._note_health(trouble, now)
        return trouble

    async def _hold_claim(self, batch: Batch) -> None:
        """A slow transaction outlasts the first retry delay: nobody else may claim the batch meanwhile."""
        while True:
            await self._clock.wait(asyncio.Event().wait(), self._clock.now() + _CLAIM / 2)
            try:
                await self._stores.outbox.prolong(batch, self._clock.now() + _CLAIM)
            except TransientError:
                log.warning("claim not prolonged", post=batch.post_id, mailing=batch.mailing_id)

    async def _offer(self, batch: Batch) -> list[RecipientResult]:
        """One result per delivery, in their order."""
        recipients = tuple(delivery.recipient for delivery in batch.deliveries)
        if self._redirect_to:
            [only] = await self._sender.send(Envelope(batch.mail_from, (self._redirect_to,)), batch.content)
            return [
                RecipientResult(recipient, only.outcome, only.code, only.reply, only.maybe_taken)
                for recipient in recipients
            ]
        return list(await self._sender.send(Envelope(batch.mail_from, recipients), batch.content))

    @staticmethod
    def _recorded(claimed: Claimed, result: RecipientResult, now: datetime) -> Recorded:
        """What the outcome means for the delivery: deferred too often is bounced."""
        reply = f"{result.code} {result.reply}".removeprefix("0 ").strip()[:500]
        if result.outcome is not Outcome.DEFERRED:
            return Recorded(claimed.id, _STATES[result.outcome], reply)
        retry_at = now + next_delay(claimed.attempts)
        if retry_at > claimed.first_attempt_at + GIVE_UP_AFTER:
            return Recorded(claimed.id, DeliveryState.BOUNCED, reply)
        return Recorded(claimed.id, DeliveryState.DEFERRED, reply, retry_at)

    async def _note_health(self, trouble: Text | None, now: datetime) -> None:
        """Only when it changes: health is not worth a write for each batch."""
        if self._healthy is (trouble is None):
            return
        self._healthy = trouble is None
        await self._stores.lists.connected(self._outgoing.mlist_ids, now, trouble)
        if trouble:
            log.warning("relay in trouble", account=self._outgoing.account.key, trouble=str(trouble))
