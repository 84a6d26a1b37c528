"""The ports of hops 7 and 8: what leaves, and by which account."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bot.core.deliveries import Batch, Counts, Delivery, Forecast, NewMailing, QuotaReply, Recorded
from bot.core.lists import AccountState, SmtpAccount

if TYPE_CHECKING:
    from bot.core.stores import Listing, Page


class OutboxStore(Protocol):
    """Mailings and their deliveries; among the ids of lists that it is asked about may be `NO_LIST`."""

    async def put(self, mailing: NewMailing, mlist_id: int) -> None:
        """Store a mail that is about no post, with its deliveries; `mlist_id` may be `NO_LIST`."""
        ...

    async def claim(self, account: SmtpAccount, mlist_ids: Collection[int], now: datetime) -> Batch | None:
        """**Commit 4**: take due deliveries of one mailing, within the account's quota.

        The attempt is counted and the next date stored before the network is used; never-tried
        deliveries first; lists that are paused are passed over. None = nothing may be sent now.

        Args:
            account: gives the limits; its key names the quota.
            mlist_ids: every list that sends through this account.
            now: the time of the attempt.
        """
        ...

    async def prolong(self, batch: Batch, now: datetime, until: datetime) -> None:
        """Say that a batch is still under way, so that no other worker claims it before `until`.

        Needed where a transaction may take longer than the first retry delay: a large mail over a
        slow line would otherwise go out twice. A batch that nothing is heard of for two minutes is
        taken for one that a crash ended.
        """
        ...

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
        """**Commit 5**: outcomes; closes the post whose last delivery ended, and raises its cards.

        What was not even offered, because the relay was away, does not count in the quota.

        Args:
            batch: what was claimed; if it was a trial and was heard, the account's pause is over.
            results: one for each of its deliveries.
            at: now.
            offered: whether the relay was there at all.
            over_quota: the relay wants a pause. It lasts until the account's window of an hour has
                moved; where nothing is known of the window, an hour.
            letters: what the owners are owed because the mail as such cannot leave; stored once for
                each post, whatever the number of its batches.

        Returns:
            The end of the pause that this began; None if it began none.
        """
        ...

    async def next_due(
        self, account: SmtpAccount, mlist_ids: Collection[int], now: datetime
    ) -> datetime | None:
        """When `claim` may next give something, quota included; None = nothing waits."""
        ...

    async def counts(self, post_id: int) -> Counts:
        """Of the post's copy; notices do not count."""
        ...

    async def forecast(
        self,
        account: SmtpAccount,
        mlist_ids: Collection[int],
        now: datetime,
        *,
        more: int = 0,
        due_at: datetime | None = None,
    ) -> Forecast:
        """When what waits leaves, if each goes at its next attempt and nothing is added.

        Both windows of the quota and a pause of the account are counted in; lists that are paused
        send nothing. `more` new deliveries are due at `due_at`, None = now.
        """
        ...

    async def find(
        self, mlist_ids: Collection[int] | None, states: Collection[str], address: str, page: Page
    ) -> Listing[Delivery]:
        """Newest first; `address` empty = every recipient."""
        ...

    async def retry(
        self, mlist_ids: Collection[int], post_id: int | None, address: str, now: datetime
    ) -> int:
        """Make deferred and bounced deliveries due now; their number."""
        ...

    async def drop(self, mlist_ids: Collection[int], post_id: int, address: str, at: datetime) -> int:
        """Drop open deliveries; their number."""
        ...

    async def forget(self, before: datetime) -> int:
        """Forget the deliveries that ended before; their number.

        Never one of a post that is held or has others still open. The counts of a post stay.
        """
        ...


class AccountStore(Protocol):
    """What relays have told of outgoing accounts, by `SmtpAccount.key`."""

    async def states(self, keys: Collection[str]) -> Mapping[str, AccountState]:
        """One for each key, also for an account that nothing is known of."""
        ...

    async def note_size(self, key: str, max_octets: int) -> None:
        """The relay announced that it takes mails up to this size; 0 = it announced none."""
        ...

    async def note_attempt(self, key: str, recipients: int, at: datetime) -> None:
        """A mail that went past the outbox counts in the account's windows too."""
        ...

    async def resume(self, keys: Collection[str], now: datetime) -> Sequence[str]:
        """End the pauses that hold now, with a trial of one delivery each; whose they were."""
        ...
