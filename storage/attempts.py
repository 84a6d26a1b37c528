"""The part of the port `OutboxStore` that sends: deliveries are claimed (commit 4), then recorded (5)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise.expressions import F
from tortoise.queryset import QuerySet

from bot.core.addresses import Address
from bot.core.deliveries import (
    NO_LIST,
    OPEN_STATES,
    Batch,
    Claimed,
    DeliveryState,
    MailingKind,
    NewMailing,
    QuotaReply,
    Recorded,
    next_delay,
)
from bot.core.header import split
from bot.core.lists import AccountState, SmtpAccount
from bot.core.posts import PostState
from storage.accounts import lock_account, pause_until, state_of
from storage.atomic import Store, atomic, reading
from storage.cards import note_progress, raise_cards
from storage.mailings import add_letters, has_open_copy
from storage.packing import unpacked
from storage.quota import DAY, HOUR, Quota, pause_end
from storage.rows import AttemptRow, DeliveryRow, MailingRow, MlistRow, PostRow, RawRow
from storage.values import column
from storage.waiting import lock_posts


@dataclass(frozen=True, slots=True)
class _Taken:
    """What a claim took, before its content is put together."""

    attempt_id: int
    trial: bool
    mailing: MailingRow
    deliveries: tuple[Claimed, ...]
    packed: bytes | None  # the post's raw mail, where its body is needed


class SqlAttemptStore(Store):
    """What is being sent, and what became of it."""

    async def claim(self, account: SmtpAccount, mlist_ids: Collection[int], now: datetime) -> Batch | None:
        # most looks find nothing due: they must not queue for the write lock
        look = await self._may_take(account, mlist_ids, now)
        taken = await self._take(account, mlist_ids, now) if look else None
        if taken is None:
            return None
        mailing = taken.mailing
        return Batch(
            attempt_id=taken.attempt_id,
            account=account.key,
            trial=taken.trial,
            mailing_id=mailing.id,
            mlist_id=mailing.mlist_id or NO_LIST,
            post_id=mailing.post_id,
            kind=MailingKind(mailing.kind),
            mail_from=Address(mailing.mail_from),
            content=bytes(mailing.header) + await asyncio.to_thread(_body, taken),
            deliveries=taken.deliveries,
        )

    @reading
    async def _may_take(self, account: SmtpAccount, mlist_ids: Collection[int], now: datetime) -> bool:
        if await _first_due(list(mlist_ids), now) is None:
            return False
        return (await state_of(account.key)).pause(now) is None

    @atomic
    async def _take(self, account: SmtpAccount, mlist_ids: Collection[int], now: datetime) -> _Taken | None:
        await lock_account(account.key)  # two claims together must not exceed its quota
        state, active = await state_of(account.key), await active_of(mlist_ids)
        await AttemptRow.filter(account=account.key, at__lte=now - DAY).delete()
        most = _most((await quota_of(account, now)).left(now), account.max_recipients, state, now)
        if not most:
            return None
        first = await _first_due(active, now)
        if first is None:
            return None
        mailing = await MailingRow.get_or_none(id=first)
        if mailing is None:
            return None  # its post was undone or deleted this moment
        await lock_posts([mailing.post_id])
        due = DeliveryRow.filter(mailing_id=first, state__in=OPEN_STATES, next_attempt_at__lte=now)
        # whom the quota stopped goes behind the others: should that reply be about him, they leave at least
        due = (
            due.order_by("attempts", "next_attempt_at", "id").limit(most).select_for_update(skip_locked=True)
        )
        rows = await due.only("id", "recipient", "attempts", "first_attempt_at")
        if not rows:
            return None  # as above, or stopped
        attempt = await AttemptRow.create(account=account.key, at=now, recipients=len(rows))
        claimed = await _count_attempt(rows, now)
        trial = state.paused_until is not None
        if trial:  # the others wait for what becomes of it, and no longer than for one that was killed
            await pause_until(account.key, now + next_delay(1), state.quota_reply)
        packed = None
        if mailing.body is None:
            packed = bytes((await RawRow.get(post_id=mailing.post_id)).packed)
        return _Taken(attempt.id, trial, mailing, claimed, packed)

    @atomic
    async def prolong(self, batch: Batch, now: datetime, until: datetime) -> None:
        ids = [claimed.id for claimed in batch.deliveries]
        running = DeliveryRow.filter(id__in=ids, state__in=OPEN_STATES)
        await running.update(last_attempt_at=now)
        await running.filter(next_attempt_at__lt=until).update(next_attempt_at=until)

    @atomic
    async def record(
        self,
        batch: Batch,
        results: Sequence[Recorded],
        at: datetime,
        *,
        offered: bool = True,
        over_quota: QuotaReply | None = None,
        letters: Sequence[NewMailing] = (),
    ) -> datetime | None:
        until = await _settle_account(batch, at, over_quota, offered=offered)
        await lock_posts([batch.post_id])  # of two last outcomes, one must see the other
        same: defaultdict[tuple[DeliveryState | None, str, datetime | None], list[int]] = defaultdict(list)
        for result in results:
            same[result.state, result.reply, result.retry_at].append(result.delivery_id)
        for (state, reply, retry_at), ids in same.items():
            if state is None:
                await _take_back_attempt(ids, at)
            else:
                await _store_outcome(ids, state, at, reply=reply, retry_at=retry_at)
        if letters and batch.post_id is not None:
            await add_letters(batch.post_id, batch.mailing_id, letters)
        recorded = DeliveryRow.filter(id__in=[result.delivery_id for result in results])
        await close_posts(await copied_posts(recorded), at)
        return until


def _most(left: int | None, in_one_mail: int, state: AccountState, now: datetime) -> int:
    """How many a claim may take, `left` being what the quota leaves (None = any number)."""
    if state.pause(now):
        return 0
    if state.paused_until:  # the pause is over: one shows whether mail leaves again
        in_one_mail = 1
    return in_one_mail if left is None else min(in_one_mail, left)


async def _settle_account(
    batch: Batch, at: datetime, over_quota: QuotaReply | None, *, offered: bool
) -> datetime | None:
    """What the transaction means for its account; the end of the pause that it begins."""
    if not offered:
        await AttemptRow.filter(id=batch.attempt_id).delete()
        return None
    if not over_quota:
        if batch.trial:
            await lock_account(batch.account)
            await pause_until(batch.account, None)
        return None
    await lock_account(batch.account)
    await AttemptRow.filter(id=batch.attempt_id).update(recipients=over_quota.offered)
    others = AttemptRow.filter(account=batch.account, at__gt=at - HOUR).exclude(id=batch.attempt_id)
    until = pause_end(await column(others, "at"), at)
    await pause_until(batch.account, until, over_quota.words)
    return until


async def _store_outcome(
    ids: Sequence[int], state: DeliveryState, at: datetime, *, reply: str, retry_at: datetime | None
) -> None:
    values: dict[str, Any] = {
        "state": state,
        "last_reply": reply,
        "next_attempt_at": retry_at,
        "under_way": False,
    }
    if state in OPEN_STATES:
        rows = DeliveryRow.filter(id__in=ids, state__in=OPEN_STATES)
        await DeliveryRow.filter(id__in=ids).exclude(state__in=OPEN_STATES).update(under_way=False)
    else:  # what was dropped while it was under way takes the outcome it had
        rows = DeliveryRow.filter(id__in=ids, state__in=(*OPEN_STATES, DeliveryState.DROPPED))
        values["ended_at"] = at
    await rows.update(**values)


async def _take_back_attempt(ids: Sequence[int], at: datetime) -> None:
    """As if they had not been claimed: no attempt is counted, no time towards giving up begins."""
    rows = DeliveryRow.filter(id__in=ids)
    due: dict[str, Any] = {"next_attempt_at": at, "under_way": False}
    never_tried = rows.filter(state__in=OPEN_STATES, attempts=1)
    await never_tried.update(attempts=0, first_attempt_at=None, last_attempt_at=None, **due)
    await rows.filter(state__in=OPEN_STATES, attempts__gt=1).update(attempts=F("attempts") - 1, **due)
    await rows.exclude(state__in=OPEN_STATES).update(under_way=False)


async def active_of(mlist_ids: Collection[int]) -> list[int]:
    """Those that may send: what is of no list is never paused."""
    lists = MlistRow.filter(id__in=list(mlist_ids), paused=False)
    return [*await column(lists, "id"), *({NO_LIST} & set(mlist_ids))]


async def quota_of(account: SmtpAccount, now: datetime) -> Quota:
    """The account's windows as they stand now."""
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


async def copied_posts(rows: QuerySet[DeliveryRow]) -> list[int]:
    """The posts whose copies are among the deliveries."""
    copies = rows.filter(mailing__kind=MailingKind.COPY).distinct()
    return await column(copies, "mailing__post_id")


async def close_posts(post_ids: Collection[int], at: datetime) -> None:
    """Close the posts whose last copy ended, and raise the cards of all."""
    for post_id in post_ids:
        closed = not await has_open_copy(post_id) and await PostRow.filter(
            id=post_id, state=PostState.ACCEPTED
        ).update(state=PostState.DISTRIBUTED, ended_at=at)
        if closed:
            await raise_cards([post_id], at)
        else:
            await note_progress([post_id], at)


def _body(taken: _Taken) -> bytes:
    """The mailing's own body, or that of the post, byte for byte."""
    if taken.packed is None:
        return bytes(taken.mailing.body or b"")
    return split(unpacked(taken.packed))[1]
