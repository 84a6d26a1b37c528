"""Addresses that mail does not reach: what reports and refusals say, and when an address is suspended."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.addresses import Address


@dataclass(frozen=True, slots=True)
class Failure:
    """An address that a mail did not reach for good, and the words of the server that said so.

    `blames_mail`: the mail or its sender was refused, not the address.
    """

    address: Address
    reason: str
    blames_mail: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a mail about another mail says.

    `complaint`: somebody called the mail spam (RFC 5965). `delayed`: it is still being tried, for the
    addresses `late` if they are named. `of_notice`: it is about a mail that facteur itself had written.
    """

    failures: tuple[Failure, ...] = ()
    complaint: bool = False
    delayed: bool = False
    late: tuple[Address, ...] = ()
    of_notice: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """So many points suspend an address; they are forgotten when so much time passes without another."""

    points: int
    forget: timedelta


@dataclass(frozen=True, slots=True)
class Bouncing:
    """An address that mail did not reach lately; `suspended_at` None = it still gets copies.

    `points` 0: a mail was refused there, and not the address.
    `mlist_id`: the list whose mail it was the last time; None if that was deleted. `report`: the number
    of the post that said so; None = the relay did.
    """

    address: Address
    mlist_id: int | None
    points: int
    last_at: datetime
    reason: str
    suspended_at: datetime | None
    report: int | None = None


@dataclass(frozen=True, slots=True)
class Unnamed:
    """Reports to a list that name nobody it knows."""

    mlist_id: int
    count: int
    last_at: datetime


class BounceStore(Protocol):
    """Points of addresses. An address of nobody's has none.

    Administrators are told on a card of the list: posted anew once a day at most, edited in between.
    """

    async def note(
        self, mlist_id: int, failure: Failure, at: datetime, limit: Limit, report: int | None = None
    ) -> Bouncing | None:
        """One more point, at most one a day (UTC); suspends at the limit. None = nobody's address.

        What blames the mail gives none; it is told where nothing worse is known of the address.
        `report` is the number of the post that says so; None = the relay does.
        """
        ...

    async def note_unnamed(self, mlist_id: int, at: datetime) -> None: ...

    async def suspended(self) -> Collection[Address]:
        """Every suspended address."""
        ...

    async def all(self, mlist_ids: Collection[int]) -> Sequence[Bouncing]:
        """Those that the lists' mail did not reach, suspended ones first, then the latest; as stored."""
        ...

    async def of(self, addresses: Collection[Address]) -> Sequence[Bouncing]:
        """Those of the addresses that mail did not reach lately; in the order of `all`."""
        ...

    async def unnamed(self, mlist_ids: Collection[int]) -> Sequence[Unnamed]: ...

    async def reactivate(self, address: Address) -> bool:
        """Forget its points. False = it had none."""
        ...
