"""The sliding windows of an outgoing account: any 60 minutes and any 24 hours, in recipients."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.core.lists import SmtpAccount

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)


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

    def finished_at(self, recipients: int, now: datetime) -> datetime:
        """When the last of so many would be offered, each as soon as the windows let it."""
        moment = now
        while (left := self.left(moment)) is not None and recipients > left:
            if left:
                self._spent.append((moment, left))
                recipients -= left
            moment = self.free_at(moment)
            self._spent = [(at, n) for at, n in self._spent if at > moment - DAY]
        return moment

    def _within(self, length: timedelta, now: datetime) -> int:
        return sum(recipients for at, recipients in self._spent if at > now - length)
