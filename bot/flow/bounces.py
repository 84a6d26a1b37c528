"""What becomes of mail that does not arrive: points for its address, and in the end no more copies."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from bot.core.addresses import fold
from bot.core.bounces import Bouncing, Failure, Limit
from bot.core.clock import Clock
from bot.core.deliveries import Batch, MailingKind, NewMailing, Obstacle, Outcome, RecipientResult
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.stores import Stores
from bot.flow.notices import Notices
from bot.flow.owners import owners_to_tell
from bot.flow.reports import is_about_mail, read_report

log = structlog.get_logger()

_REASON_LIMIT = 300
_OF_THE_MAIL = {Obstacle.SIGNED, Obstacle.INTRICATE}
"""What keeps a mail from everybody who should get it by a relay."""


class Bounces:
    """Counts what reports and refusals say about addresses."""

    def __init__(self, stores: Stores, clock: Clock, limit: Limit, notices: Notices) -> None:
        self._stores = stores
        self._clock = clock
        self._limit = limit
        self._notices = notices

    async def take(self, mlist: MailingList, post_id: int, raw: bytes, received_at: datetime) -> None:
        """A report that came to a list as `post_id`; twice does no harm, as a day gives one point."""
        report = await asyncio.to_thread(read_report, raw)  # a hostile one takes a second
        log.info(
            "report",
            list=mlist.address,
            failures=len(report.failures),
            complaint=report.complaint,
            delayed=report.delayed,
        )
        if report.of_notice or report.delayed:
            return
        failures = [each for each in report.failures if each.address != mlist.address]
        known = [await self._note(mlist.id, failure, received_at, post_id) for failure in failures]
        if not any(known):
            await self._stores.bounces.note_unnamed(mlist.id, received_at)

    async def concerns(self, raw: bytes) -> bool:
        """Whether a mail names, as a report would, somebody whom the directory knows."""
        report = await asyncio.to_thread(read_report, raw)
        named = [*(failure.address for failure in report.failures), *report.late]
        return any([await self._stores.people.find(address) for address in named])

    async def refused(self, batch: Batch, results: Sequence[RecipientResult]) -> None:
        """What a relay refused for good counts the same, where it means the address.

        One reply for all of several recipients means the mail.
        """
        bounced = [result for result in results if result.outcome is Outcome.BOUNCED]
        same_for_all = len(results) > 1 and len({(each.code, each.reply) for each in results}) == 1
        if batch.kind is not MailingKind.COPY or same_for_all:
            return
        for result in bounced:
            reason = f"{result.code} {result.reply}".removeprefix("0 ").strip()[:_REASON_LIMIT]
            failure = Failure(fold(result.recipient), reason, is_about_mail(reason))
            await self._note(batch.mlist_id, failure, self._clock.now())

    async def letters(
        self, batch: Batch, results: Sequence[RecipientResult], now: datetime
    ) -> Sequence[NewMailing]:
        """What the owners are owed where a post cannot leave by its relay as it is; they can do something."""
        obstacles = _OF_THE_MAIL & {result.reply for result in results}
        if batch.kind is not MailingKind.COPY or batch.post_id is None or not obstacles:
            return ()
        try:
            post = await self._stores.posts.get(batch.post_id)
            mlist = await self._stores.lists.get(batch.mlist_id)
        except UserError:
            return ()  # deleted meanwhile: there is nothing left to do
        owners = await owners_to_tell(self._stores, mlist)
        log.info("cannot leave", post=post.id, list=mlist.address, owners=len(owners))
        return [
            self._notices.cannot_leave(post, mlist, owner, now, signed=Obstacle.SIGNED in obstacles)
            for owner in owners
        ]

    async def _note(
        self, mlist_id: int, failure: Failure, at: datetime, report: int | None = None
    ) -> Bouncing | None:
        noted = await self._stores.bounces.note(mlist_id, failure, at, self._limit, report)
        if noted and noted.suspended_at == at:
            log.warning("suspended", address=noted.address, why=noted.reason)
        return noted
