"""What lists have done lately, as numbers: posts by week and outcome, how long a decision took, bounces."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Week:
    """Posts received from `begins` on, by what has become of them, and deliveries that bounced then."""

    begins: datetime
    distributed: int = 0
    rejected: int = 0
    discarded: int = 0
    expired: int = 0
    waiting: int = 0
    bounced: int = 0

    @property
    def posts(self) -> int:
        return self.distributed + self.rejected + self.discarded + self.expired + self.waiting


class StatisticsStore(Protocol):
    """Counted by the database; what is purged or forgotten counts no more."""

    async def weeks(
        self, mlist_ids: Collection[int], begins: Sequence[datetime], end: datetime
    ) -> Sequence[Week]:
        """One for each of `begins`, in their order, up to the next one; the last up to `end`."""
        ...

    async def median_decision(self, mlist_ids: Collection[int], since: datetime) -> timedelta | None:
        """How long half of the posts received since waited at most for a person's word; None: no post did."""
        ...
