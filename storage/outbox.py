"""The port `OutboxStore`: deliveries are claimed (commit 4), then their outcomes recorded (commit 5)."""

from __future__ import annotations

import asyncio
import zlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tortoise.expressions import Q
from tortoise.functions import Count
from tortoise.queryset import QuerySet

from bot.core.addresses import Address
from bot.core.deliveries import (
    OPEN_STATES,
    Batch,
    Claimed,
    Counts,
    Delivery,
    DeliveryState,
    MailingKind,
    Recorded,
    next_delay,
)
from bot.core.header import split
from bot.core.lists import SmtpAccount
from bot.core.posts import PostState
from bot.core.stores import Listing, Page
from storage.atomic import Store, atomic, reading
from storage.cards import note_progress, raise_cards
from storage.mailings import copy_ids, has_open_copy
from storage.quota import DAY, Quota
from storage.rows import AttemptRow, DeliveryRow, MailingRow, MlistRow, PostRow, RawRow
from storage.values import address_key, column, listing, paged
from storage.waiting import lock_posts, one_at_a_time

_LONGEST_SILENCE = timedelta(minutes=2)
"""An attempt that was neither recorded nor prolonged for so long is taken for one that a crash ended."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """What a claim took, before its content is put together."""

    attempt_id: int
    mailing: MailingRow
    deliveries: tuple[Claimed, ...]
    packed: bytes | None  # the post's raw mail, where its body is needed


class SqlOutboxStore(Store):
    """Mailings and their deliveries."""

    async def claim(self, account: SmtpAccount, mlist_ids: Collection[int], now: datetime) -> Batch | None:
        # most looks find nothing due: they must not queue for the write lock
        taken = await self._take(account, mlist_ids, now) if await self._any_due(mlist_ids, now) else None
        if taken is None:
            return None
        mailing = taken.mailing
        return Batch(
            attempt_id=taken.attempt_id,
            mailing_id=mailing.id,
            mlist_id=mailing.mlist_id,
            post_id=mailing.post_id,
            kind=MailingKind(mailing.kind),
            mail_from=Address(mailing.mail_from),
            content=bytes(mailing.header) + await asyncio.to_thread(_body, taken),
            deliveries=taken.deliveries,
        )

    @reading
    async def _any_due(self, mlist_ids: Collection[int], now: datetime) -> bool:
        return await _first_due(list(mlist_ids), now) is not None

    @atomic
    async def _take(self, account: SmtpAccount, mlist_ids: Collection[int], now: datetime) -> _Taken | None:
        await one_at_a_time(f"account {account.key}")  # two claims together must not exceed its quota
        active = await _active(mlist_ids)
        await AttemptRow.filter(account=account.key, at__lte=now - DAY).delete()
        left = (await _quota(account, now)).left(now)
        if left == 0:
            return None
        first = await _first_due(active, now)
        if first is None:
            return None
        mailing = await MailingRow.get_or_none(id=first)
        if mailing is None:
            return None  # its post was undone or deleted this moment
        await lock_posts([mailing.post_id])
        size = account.max_recipients if left is None else min(account.max_recipients, left)
        due = DeliveryRow.filter(mailing_id=first, state__in=OPEN_STATES, next_attempt_at__lte=now)
        due = due.order_by("attempts", "id").limit(size).select_for_update(skip_locked=True)
        rows = await due.only("id", "recipient", "attempts", "first_attempt_at")
        if not rows:
            return None  # as above, or stopped
        attempt = await AttemptRow.create(account=account.key, at=now, recipients=len(rows))
        claimed = await _count_attempt(rows, now)
        packed = None
        if mailing.body is None:
            packed = bytes((await RawRow.get(post_id=mailing.post_id)).packed)
        return _Taken(attempt.id, mailing, claimed, packed)

    @atomic
    async def prolong(self, batch: Batch, now: datetime, until: datetime) -> None:
        ids = [claimed.id for claimed in batch.deliveries]
        running = DeliveryRow.filter(id__in=ids, state__in=OPEN_STATES)
        await running.update(last_attempt_at=now)
        await running.filter(next_attempt_at__lt=until).update(next_attempt_at=until)

    @atomic
    async def record(
        self, batch: Batch, results: Sequence[Recorded], at: datetime, *, offered: bool = True
    ) -> None:
        await lock_posts([batch.post_id])  # of two last outcomes, one must see the other
        if not offered:
            await AttemptRow.filter(id=batch.attempt_id).delete()
        same: defaultdict[tuple[DeliveryState, str, datetime | None], list[int]] = defaultdict(list)
        for result in results:
            same[result.state, result.reply, result.retry_at].append(result.delivery_id)
        for (state, reply, retry_at), ids in same.items():
            values: dict[str, Any] = {
                "state": state,
                "last_reply": reply,
                "next_attempt_at": retry_at,
                "under_way": False,
            }
            if state in OPEN_STATES:
                rows = DeliveryRow.filter(id__in=ids, state__in=OPEN_STATES)
            else:  # what was dropped while it was under way takes the outcome it had
                rows = DeliveryRow.filter(id__in=ids, state__in=(*OPEN_STATES, DeliveryState.DROPPED))
                values["ended_at"] = at
            await rows.update(**values)
        recorded = DeliveryRow.filter(id__in=[result.delivery_id for result in results])
        await _close_posts(await _copied_posts(recorded), at)

    @reading
    async def next_due(
        self, account: SmtpAccount, mlist_ids: Collection[int], now: datetime
    ) -> datetime | None:
        active = await _active(mlist_ids)
        waiting = DeliveryRow.filter(mlist_id__in=active, state__in=OPEN_STATES)
        row = await waiting.order_by("next_attempt_at").first()
        if row is None or row.next_attempt_at is None:
            return None
        return max(row.next_attempt_at, (await _quota(account, now)).free_at(now))

    @reading
    async def counts(self, post_id: int) -> Counts:
        copies = DeliveryRow.filter(mailing_id__in=await copy_ids(post_id))
        rows = await copies.annotate(n=Count("id")).group_by("state").values_list("state", "n")
        last = await copies.filter(state=DeliveryState.DELIVERED).order_by("-ended_at").first()
        return Counts(**{str(state): n for state, n in rows}, last_at=last.ended_at if last else None)

    @reading
    async def forecast(
        self, account: SmtpAccount, mlist_ids: Collection[int], more: int, now: datetime
    ) -> datetime:
        waiting = DeliveryRow.filter(mlist_id__in=list(mlist_ids), state__in=OPEN_STATES)
        quota = await _quota(account, now)
        return quota.finished_at(await waiting.count() + more, now)

    @reading
    async def find(
        self,
        mlist_ids: Collection[int] | None,
        states: Collection[str],
        address: str,
        page: Page,
    ) -> Listing[Delivery]:
        found = DeliveryRow.filter(state__in=list(states))
        if mlist_ids is not None:
            found = found.filter(mlist_id__in=list(mlist_ids))
        if address:
            found = found.filter(recipient=address_key(address))
        rows, total = await paged(found, page)
        return listing(await _deliveries(rows), page, total)

    @atomic
    async def retry(
        self, mlist_ids: Collection[int], post_id: int | None, address: str, now: datetime
    ) -> int:
        states = (DeliveryState.DEFERRED, DeliveryState.BOUNCED)
        rows = await _concerned(states, mlist_ids, post_id, address)
        await lock_posts(await _posts(rows))
        # one that is being sent this moment would go out twice
        rows = rows.filter(Q(under_way=False) | Q(last_attempt_at__lt=now - _LONGEST_SILENCE))
        post_ids = await _copied_posts(rows)
        # five more days from the next attempt on: a person has looked at it
        retried = await rows.update(
            state=DeliveryState.DEFERRED, next_attempt_at=now, first_attempt_at=None, ended_at=None
        )
        await note_progress(post_ids, now)
        return retried

    @atomic
    async def drop(self, mlist_ids: Collection[int], post_id: int, address: str, at: datetime) -> int:
        await lock_posts([post_id])
        rows = await _concerned(OPEN_STATES, mlist_ids, post_id, address)
        dropped = await rows.update(state=DeliveryState.DROPPED, next_attempt_at=None, ended_at=at)
        await _close_posts([post_id], at)
        return dropped


async def _active(mlist_ids: Collection[int]) -> list[int]:
    lists = MlistRow.filter(id__in=list(mlist_ids), paused=False)
    return await column(lists, "id")


async def _quota(account: SmtpAccount, now: datetime) -> Quota:
    if not (account.max_per_hour or account.max_per_day):
        return Quota(account, ())
    spent = AttemptRow.filter(account=account.key, at__gt=now - DAY).order_by("at")
    return Quota(account, await spent.values_list("at", "recipients"))


async def _first_due(mlist_ids: list[int], now: datetime) -> int | None:
    """The mailing that goes next: with the oldest delivery never tried, else the oldest retry."""
    due = DeliveryRow.filter(mlist_id__in=mlist_ids, next_attempt_at__lte=now)
    for rows in (
        due.filter(state=DeliveryState.DUE, attempts=0),
        due.filter(state__in=OPEN_STATES, attempts__gt=0),
    ):
        row = await rows.order_by("next_attempt_at", "id").first()
        if row is not None:
            return row.mailing_id
    return None


async def _count_attempt(rows: Sequence[DeliveryRow], now: datetime) -> tuple[Claimed, ...]:
    """Store one more attempt and the date of the next, and say what will be tried."""
    claimed = tuple(
        Claimed(row.id, Address(row.recipient), row.attempts + 1, row.first_attempt_at or now) for row in rows
    )
    same: defaultdict[tuple[int, datetime], list[int]] = defaultdict(list)
    for delivery in claimed:
        same[delivery.attempts, delivery.first_attempt_at].append(delivery.id)
    for (attempts, first_attempt_at), ids in same.items():
        await DeliveryRow.filter(id__in=ids).update(
            attempts=attempts,
            first_attempt_at=first_attempt_at,
            last_attempt_at=now,
            under_way=True,
            next_attempt_at=now + next_delay(attempts),
        )
    return claimed


async def _posts(rows: QuerySet[DeliveryRow]) -> list[int]:
    return await column(rows.distinct(), "mailing__post_id")


async def _copied_posts(rows: QuerySet[DeliveryRow]) -> list[int]:
    """The posts whose copies are among the deliveries."""
    copies = rows.filter(mailing__kind=MailingKind.COPY).distinct()
    return await column(copies, "mailing__post_id")


async def _close_posts(post_ids: Collection[int], at: datetime) -> None:
    """Close the posts whose last copy ended, and raise the cards of all."""
    for post_id in post_ids:
        closed = not await has_open_copy(post_id) and await PostRow.filter(
            id=post_id, state=PostState.ACCEPTED
        ).update(state=PostState.DISTRIBUTED, ended_at=at)
        if closed:
            await raise_cards([post_id], at)
        else:
            await note_progress([post_id], at)


async def _concerned(
    states: Collection[str], mlist_ids: Collection[int], post_id: int | None, address: str
) -> QuerySet[DeliveryRow]:
    rows = DeliveryRow.filter(state__in=list(states), mlist_id__in=list(mlist_ids))
    if post_id is not None:
        rows = rows.filter(mailing_id__in=await column(MailingRow.filter(post_id=post_id), "id"))
    return rows.filter(recipient=address_key(address)) if address else rows


async def _deliveries(rows: QuerySet[DeliveryRow]) -> list[Delivery]:
    found = await rows.values(
        "id",
        "mlist_id",
        "recipient",
        "state",
        "attempts",
        "next_attempt_at",
        "last_attempt_at",
        "last_reply",
        post_id="mailing__post_id",
        kind="mailing__kind",
    )
    return [
        Delivery(**{**row, "state": DeliveryState(row["state"]), "kind": MailingKind(row["kind"])})
        for row in found
    ]


def _body(taken: _Taken) -> bytes:
    """The mailing's own body, or that of the post, byte for byte."""
    if taken.packed is None:
        return bytes(taken.mailing.body or b"")
    return split(zlib.decompress(taken.packed))[1]
