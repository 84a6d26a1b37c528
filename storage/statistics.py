"""The port `StatisticsStore`: everything is counted in the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from tortoise.expressions import RawSQL
from tortoise.functions import Count
from tortoise.queryset import QuerySet

from bot.core.deliveries import DeliveryState
from bot.core.posts import PostState
from bot.core.statistics import Week
from storage.atomic import Store, reading
from storage.rows import DeliveryRow, PostRow
from storage.waiting import is_sqlite

_NAMES = {
    PostState.RECEIVED: "waiting",
    PostState.HELD: "waiting",
    PostState.ACCEPTED: "distributed",
    PostState.DISTRIBUTED: "distributed",
    PostState.REJECTED: "rejected",
    PostState.DISCARDED: "discarded",
    PostState.EXPIRED: "expired",
}
_SECONDS = {
    True: "(julianday(decided_at) - julianday(received_at)) * 86400.0",
    False: "extract(epoch from decided_at - received_at)::float8",
}
"""From the post's arrival to the decision, on SQLite or not."""


class SqlStatisticsStore(Store):
    """Numbers about posts and deliveries."""

    @reading
    async def weeks(
        self, mlist_ids: Collection[int], begins: Sequence[datetime], end: datetime
    ) -> Sequence[Week]:
        return [await _week(mlist_ids, start, until) for start, until in pairwise([*begins, end])]

    @reading
    async def median_decision(self, mlist_ids: Collection[int], since: datetime) -> timedelta | None:
        decided = _posts(mlist_ids).filter(received_at__gte=since, decided_at__isnull=False)
        decided = decided.exclude(decided_by_id="")  # by people, not by rules
        count = await decided.count()
        if not count:
            return None
        in_order = decided.annotate(took=RawSQL(_SECONDS[is_sqlite()])).order_by("took")
        middle = in_order.offset((count - 1) // 2).limit(2 - count % 2)
        found = [float(seconds) for (seconds,) in await middle.values_list("took")]
        return timedelta(seconds=sum(found) / len(found))


async def _week(mlist_ids: Collection[int], start: datetime, until: datetime) -> Week:
    posts = _posts(mlist_ids).filter(received_at__gte=start, received_at__lt=until)
    counts = dict.fromkeys(_NAMES.values(), 0)
    for state, n in await posts.annotate(n=Count("id")).group_by("state").values_list("state", "n"):
        counts[_NAMES[PostState(state)]] += n
    bounced = DeliveryRow.filter(
        mlist_id__in=list(mlist_ids), state=DeliveryState.BOUNCED, ended_at__gte=start, ended_at__lt=until
    )
    return Week(start, **counts, bounced=await bounced.count())


def _posts(mlist_ids: Collection[int]) -> QuerySet[PostRow]:
    """All of the lists; their states are named because the index by time begins with the state."""
    return PostRow.filter(state__in=list(_NAMES), mlist_id__in=list(mlist_ids))
