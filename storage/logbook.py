"""Finished deliveries are forgotten by age; what became of a post's copies is still known as a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from tortoise.expressions import Q

from bot.core.deliveries import OPEN_STATES, Counts, DeliveryState
from bot.core.posts import PostState
from storage.rows import DeliveryRow, MailingRow
from storage.values import column
from storage.waiting import lock_posts

_ENDS = [state for state in DeliveryState if state not in OPEN_STATES]
_UNDECIDED = (PostState.RECEIVED, PostState.HELD)
_AT_ONCE = 500
_LAST_AT = "last_at"


async def forget_some(before: datetime) -> int:
    """Delete deliveries that ended before, of posts that have come to their end; how many, 0 = no more."""
    ended = DeliveryRow.filter(ended_at__lt=before)  # which those that are still open do not have
    over = Q(mailing__post__state__not_in=_UNDECIDED) & Q(mailing__post_id__not_in=await _still_leaving())
    closed = ended.filter(Q(mailing__post_id__isnull=True) | over).order_by("ended_at", "id").limit(_AT_ONCE)
    found = await closed.values_list("id", "mailing__post_id")
    await lock_posts({post_id for _, post_id in found})
    rows = await ended.filter(id__in=[id_ for id_, _ in found]).only("id", "mailing_id", "state", "ended_at")
    for mailing_id in {row.mailing_id for row in rows}:
        await _count([row for row in rows if row.mailing_id == mailing_id], mailing_id)
    await DeliveryRow.filter(id__in=[row.id for row in rows]).delete()
    about_no_post = MailingRow.filter(id__in=[row.mailing_id for row in rows], post_id__isnull=True)
    left = await column(DeliveryRow.filter(mailing_id__in=await column(about_no_post, "id")), "mailing_id")
    await about_no_post.filter(id__not_in=left).delete()
    return len(rows)


async def with_forgotten(counts: Counts, mailing_ids: Collection[int]) -> Counts:
    """The counts of what is still known one by one, and of what is not any more."""
    for forgotten in await column(MailingRow.filter(id__in=list(mailing_ids)), "forgotten"):
        numbers = {state: getattr(counts, state) + forgotten.get(state, 0) for state in _ENDS}
        moments = [datetime.fromisoformat(forgotten[_LAST_AT])] if _LAST_AT in forgotten else []
        moments += [counts.last_at] if counts.last_at else []
        counts = replace(counts, **numbers, last_at=max(moments, default=None))
    return counts


async def any_forgotten(mailing_ids: Collection[int]) -> bool:
    """Whether some of their deliveries ended so long ago."""
    return any(await column(MailingRow.filter(id__in=list(mailing_ids)), "forgotten"))


async def _still_leaving() -> list[int]:
    leaving = DeliveryRow.filter(state__in=OPEN_STATES, mailing__post_id__isnull=False)
    return await column(leaving.distinct(), "mailing__post_id")


async def _count(rows: Collection[DeliveryRow], mailing_id: int) -> None:
    [forgotten] = await column(MailingRow.filter(id=mailing_id), "forgotten")
    numbers = Counter({state: n for state, n in forgotten.items() if state != _LAST_AT})
    numbers.update(str(row.state) for row in rows)
    sent = [row.ended_at.isoformat() for row in rows if row.ended_at and row.state == DeliveryState.DELIVERED]
    last = max([*sent, *([forgotten[_LAST_AT]] if _LAST_AT in forgotten else [])], default=None)
    stored = dict(numbers) | ({_LAST_AT: last} if last else {})
    await MailingRow.filter(id=mailing_id).update(forgotten=stored)
