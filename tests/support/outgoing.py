"""Outgoing accounts and outcomes for tests of the outbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.core.deliveries import Batch, DeliveryState, Recorded
from bot.core.lists import SmtpAccount
from bot.core.settings import Security
from bot.core.stores import Stores

ACCOUNT = SmtpAccount("smtp.example.org", 465, Security.SSL, "facteur", "secret")


def limited(*, hour: int = 0, day: int = 0, recipients: int = 50) -> SmtpAccount:
    """The same account with limits in recipients."""
    return replace(ACCOUNT, max_per_hour=hour, max_per_day=day, max_recipients=recipients)


def all_of(batch: Batch, state: DeliveryState, retry_at: datetime | None = None) -> list[Recorded]:
    """The same outcome for every recipient of a batch."""
    return [Recorded(claimed.id, state, "the relay's word", retry_at) for claimed in batch.deliveries]


async def claim_all(stores: Stores, account: SmtpAccount, mlist_ids: list[int], now: datetime) -> list[Batch]:
    """Claim until nothing may be sent now."""
    batches = []
    while batch := await stores.outbox.claim(account, mlist_ids, now):
        batches.append(batch)
    return batches
