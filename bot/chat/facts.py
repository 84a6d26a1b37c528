"""What a card tells beside the post itself, gathered from the stores."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.addresses import Address
from bot.core.clock import Clock
from bot.core.deliveries import Counts
from bot.core.header import split
from bot.core.lists import MailingList
from bot.core.people import Standing
from bot.core.posts import Post, PostState
from bot.core.stores import Stores
from bot.flow.accounts import Accounts
from bot.flow.distribution import recipients

AUTHORS_SHOWN = 3
"""Authors of one post whom a card or a line names; of the others it says how many there are."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a card tells beside the post itself, as of `now`.

    `standings` are those of the first authors. `recipients` and `leaves_by` (None = as soon as the
    decision cannot be undone any more) are forecasts and of a held post only, `counts` of what its
    copy has become.
    """

    mlist: MailingList
    standings: tuple[Standing, ...]
    now: datetime
    counts: Counts = field(default_factory=Counts)
    recipients: int = 0
    leaves_by: datetime | None = None
    redirect_to: Address | None = None


async def facts_of(post: Post, stores: Stores, accounts: Accounts, clock: Clock) -> Facts:
    """Gather them. Raises UserError if the post or its list is gone meanwhile."""
    mlist = await stores.lists.get(post.mlist_id)
    asked = [author.address for author in post.authors[:AUTHORS_SHOWN]]
    standings = tuple([await stores.people.standing(mlist, address) for address in asked])
    now = clock.now()
    if post.state is not PostState.HELD:
        counts = await stores.outbox.counts(post.id)
        return Facts(mlist, standings, now, counts, redirect_to=accounts.redirect_to)
    header, _ = split(await stores.posts.raw(post.id))
    expected = len(await recipients(stores, mlist, header))
    outgoing = accounts.shared_by(mlist, await stores.lists.all())
    due_at = now + timedelta(seconds=mlist.settings.undo_s)
    forecast = await stores.outbox.forecast(
        outgoing.account, outgoing.mlist_ids, now, more=expected, due_at=due_at
    )
    return Facts(
        mlist,
        standings,
        now,
        recipients=expected,
        leaves_by=forecast.new if forecast.new and forecast.new > due_at else None,
        redirect_to=accounts.redirect_to,
    )
