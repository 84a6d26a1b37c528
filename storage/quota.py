"""The sliding windows of an outgoing account: any 60 minutes and any 24 hours, in recipients."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.lists import SmtpAccount

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)

_SHORTEST_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """Deliveries that are due at the same moment; ordered as they are claimed.

    Those never tried go first. Whoever has the greater `mlist_id` comes second.
    """

    tried: bool
    due_at: datetime
    mlist_id: int
    recipients: int


def pause_end(attempts: Iterable[datetime], now: datetime) -> datetime:
    """When to try again after a quota reply, given the moments of attempts before it.

    The relay's window is taken for one of an hour: it moves when the oldest attempt in it is an hour
    old. Where there was none, others have used the account, and an hour is as good a guess as any.
    """
    oldest = min((at for at in attempts if at > now - HOUR), default=now)
    return max(oldest + HOUR, now + _SHORTEST_PAUSE)


class Quota:
    """What an account may still send, given what it sent in the last 24 hours."""

    def __init__(self, account: SmtpAccount, spent: Iterable[tuple[datetime, int]]) -> None:
        """`spent` holds the moments of attempts, oldest first, and their recipients."""
        limits = ((HOUR, account.max_per_hour), (DAY, account.max_per_day))
        self._windows = [(length, limit) for length, limit in limits if limit]
        self._spent = list(spent)

    def left(self, now: datetime) -> int | None:
        """Recipients that may be offered now; None = any number."""
        if not self._windows:
            return None
        return max(0, min(limit - self._within(length, now) for length, limit in self._windows))

    def free_at(self, now: datetime) -> datetime:
        """The first moment from `now` on at which somebody may be offered."""
        free = now
        for length, limit in self._windows:
            over = self._within(length, now) - limit + 1
            for at, recipients in self._spent:
                if over <= 0:
                    break
                if at > now - length:
                    over -= recipients
                    free = max(free, at + length)
        return free

    def last_of(
        self, waiting: Iterable[Waiting], now: datetime, paused_until: datetime | None
    ) -> dict[int, datetime]:
        """When the last of each list would be offered, each as soon as it is due and the windows let it.

        After a pause one goes first, alone; that it is taken is a matter of a moment.
        """
        moment = max(now, paused_until or now)
        later, ready = sorted(waiting, key=lambda each: each.due_at, reverse=True), list[Waiting]()
        last: dict[int, datetime] = {}
        while later or ready:
            while later and (later[-1].due_at <= moment or not ready):
                moment = max(moment, later[-1].due_at)
                heapq.heappush(ready, later.pop())
            first = heapq.heappop(ready)
            left = self.left(moment)
            taken = first.recipients if left is None else min(left, first.recipients)
            if taken:
                last[first.mlist_id] = moment
                self._spend(moment, taken)
            if taken < first.recipients:
                rest = Waiting(first.tried, first.due_at, first.mlist_id, first.recipients - taken)
                heapq.heappush(ready, rest)
                moment = self.free_at(moment)
        return last

    def _spend(self, moment: datetime, recipients: int) -> None:
        if self._windows:
            longest = max(length for length, _ in self._windows)
            self._spent = [(at, n) for at, n in self._spent if at > moment - longest]
            self._spent.append((moment, recipients))

    def _within(self, length: timedelta, now: datetime) -> int:
        return sum(recipients for at, recipients in self._spent if at > now - length)
