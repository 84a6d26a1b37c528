"""The port `OutboxStore`: what waits to leave, what left, and what people do about it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection
from datetime import datetime, timedelta

from tortoise.expressions import Q
from tortoise.functions import Count
from tortoise.queryset import QuerySet

from bot.core.deliveries import (
    OPEN_STATES,
    Counts,
    Delivery,
    DeliveryState,
    Forecast,
    MailingKind,
    NewMailing,
)
from bot.core.lists import SmtpAccount
from bot.core.stores import Listing, Page
from storage.accounts import state_of
from storage.atomic import atomic, reading
from storage.attempts import SqlAttemptStore, active_of, close_posts, copied_posts, quota_of
from storage.cards import note_progress
from storage.logbook import forget_some, with_forgotten
from storage.mailings import add_mailing, copy_ids
from storage.quota import Waiting
from storage.rows import DeliveryRow, MailingRow
from storage.values import address_key, column, listing, paged
from storage.waiting import lock_posts

_NEW = sys.maxsize
"""In a forecast, in the place of a list's id: mail that does not exist yet, behind all that does."""

_LONGEST_SILENCE = timedelta(minutes=2)
"""An attempt that was neither recorded nor prolonged for so long is taken for one that a crash ended."""


class SqlOutboxStore(SqlAttemptStore):
    """Mailings and their deliveries; how they are sent is in the base class."""

    @atomic
    async def put(self, mailing: NewMailing, mlist_id: int) -> None:
        await add_mailing(mailing, mlist_id)

    @reading
    async def next_due(
        self, account: SmtpAccount, mlist_ids: Collection[int], now: datetime
    ) -> datetime | None:
        active = await active_of(mlist_ids)
        waiting = DeliveryRow.filter(mlist_id__in=active, state__in=OPEN_STATES)
        row = await waiting.order_by("next_attempt_at").first()
        if row is None or row.next_attempt_at is None:
            return None
        paused_until = (await state_of(account.key)).pause(now) or now
        return max(row.next_attempt_at, paused_until, (await quota_of(account, now)).free_at(now))

    @reading
    async def counts(self, post_id: int) -> Counts:
        mailing_ids = await copy_ids(post_id)
        copies = DeliveryRow.filter(mailing_id__in=mailing_ids)
        rows = await copies.annotate(n=Count("id")).group_by("state").values_list("state", "n")
        last = await copies.filter(state=DeliveryState.DELIVERED).order_by("-ended_at").first()
        leaving = await copies.filter(state=DeliveryState.DROPPED, under_way=True).count()
        replies = copies.filter(state=DeliveryState.BOUNCED).order_by().distinct().limit(2)
        because = await column(replies, "last_reply")
        known = Counts(
            **{str(state): n for state, n in rows},
            last_at=last.ended_at if last else None,
            leaving=leaving,
            because=because[0] if len(because) == 1 else "",
        )
        return await with_forgotten(known, mailing_ids)

    @reading
    async def forecast(
        self,
        account: SmtpAccount,
        mlist_ids: Collection[int],
        now: datetime,
        *,
        more: int = 0,
        due_at: datetime | None = None,
    ) -> Forecast:
        rows = DeliveryRow.filter(
            _at_rest(now), mlist_id__in=await active_of(mlist_ids), state__in=OPEN_STATES
        )
        groups = rows.annotate(n=Count("id")).group_by("mlist_id", "attempts", "next_attempt_at")
        waiting = [
            Waiting(attempts > 0, next_attempt_at, mlist_id, n)
            for mlist_id, attempts, next_attempt_at, n in await groups.values_list(
                "mlist_id", "attempts", "next_attempt_at", "n"
            )
        ]
        if more:
            waiting.append(Waiting(tried=False, due_at=due_at or now, mlist_id=_NEW, recipients=more))
        quota, state = await quota_of(account, now), await state_of(account.key)
        # a pause of hours over 10,000 deliveries is some arithmetic, and others wait for this loop
        last = await asyncio.to_thread(quota.last_of, waiting, now, state.paused_until)
        new = last.pop(_NEW, None)
        return Forecast(last, new)

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
        rows, around = await paged(found, page)
        return listing(await _deliveries(rows), page, around)

    @atomic
    async def retry(
        self, mlist_ids: Collection[int], post_id: int | None, address: str, now: datetime
    ) -> int:
        states = (DeliveryState.DEFERRED, DeliveryState.BOUNCED)
        rows = await _concerned(states, mlist_ids, post_id, address)
        await lock_posts(await _posts(rows))
        # one that is being sent this moment would go out twice
        rows = rows.filter(_at_rest(now))
        post_ids = await copied_posts(rows)
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
        await close_posts([post_id], at)
        return dropped

    async def forget(self, before: datetime) -> int:
        forgotten = 0
        while count := await self._forget_some(before):
            forgotten += count
        return forgotten

    @atomic
    async def _forget_some(self, before: datetime) -> int:
        return await forget_some(before)


def _at_rest(now: datetime) -> Q:
    """Of deliveries: not being sent this moment, as far as is known."""
    return Q(under_way=False) | Q(last_attempt_at__lt=now - _LONGEST_SILENCE)


async def _posts(rows: QuerySet[DeliveryRow]) -> list[int | None]:
    return await column(rows.distinct(), "mailing__post_id")


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
