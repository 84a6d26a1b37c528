"""Commits 2 and 3: what is decided about a post, by screening or by people, and undone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tortoise.expressions import F

from bot.core.chat import CardKind
from bot.core.deliveries import OPEN_STATES, DeliveryState, MailingKind, NewMailing
from bot.core.errors import Conflict, UserError
from bot.core.people import Actor
from bot.core.posts import Decision, Disposition, Post, PostState, Screened, no_such_post
from bot.core.text import Text
from storage.atomic import Store, atomic
from storage.cards import deal_cards, note_waves, raise_cards, waves_of
from storage.logbook import any_forgotten
from storage.mailings import add_mailings, copy_ids, delete_mailings
from storage.refusals import already_decided, nothing_to_undo, too_late
from storage.rows import CardRow, DeliveryRow, MailingRow, PostRow
from storage.values import column, dump_authentication, post_of
from storage.waiting import lock_posts

_UNDOABLE = (PostState.ACCEPTED, PostState.DISTRIBUTED, PostState.REJECTED)
_UNDECIDED = {
    "decided_by_id": "",
    "decided_by_name": "",
    "decided_at": None,
    "decision_reason": "",
    "undo_until": None,
    "stopped_by": "",
    "ended_at": None,
}


class SqlDecisionStore(Store):
    """The part of the port `PostStore` that moves posts from state to state.

    Each move is one UPDATE with the expected state (and count of decisions) in its WHERE, and what
    follows from it happens in the same transaction.
    """

    @atomic
    async def screened(self, screened: Screened) -> Post | None:
        verdict = screened.verdict
        held = verdict.disposition is Disposition.HOLD
        values: dict[str, Any] = {
            "rule": verdict.rule,
            "reason": verdict.reason.dump(),
            "warning": verdict.warning,
            "authentication": dump_authentication(screened.authentication),
        }
        if not held:
            values |= {"decided_by_name": verdict.rule, "decided_at": screened.at}
        values |= _new_state(verdict.disposition, screened.mailings, screened.at)
        post = PostRow.filter(id=screened.post_id, state=PostState.RECEIVED)
        if not await post.update(**values):
            return None
        row = await _row(screened.post_id)
        await add_mailings(row, screened.mailings)
        if held or screened.shown:
            await deal_cards(row, screened.at)
        return post_of(row)

    @atomic
    async def decide(self, decision: Decision) -> Post:
        row = await _row(decision.post_id)
        _not_stale(row, decision.seen_decisions, PostState.HELD)
        won = await PostRow.filter(id=row.id, state=PostState.HELD, decisions=row.decisions).update(
            decisions=F("decisions") + 1,
            decided_by_id=decision.by.id,
            decided_by_name=decision.by.name,
            decided_at=decision.at,
            decision_reason=decision.reason,
            undo_until=decision.undo_until,
            **_new_state(decision.disposition, decision.mailings, decision.at),
        )
        row = await _row(decision.post_id)
        if not won:
            raise already_decided(row)
        await add_mailings(row, decision.mailings)
        await raise_cards([row.id], decision.at)
        return post_of(row)

    @atomic
    async def undo(
        self,
        post_id: int,
        by: Actor,  # noqa: ARG002 - it is the flow's log that tells
        at: datetime,
        seen_decisions: int | None,
    ) -> Post:
        await lock_posts([post_id])  # nobody claims its deliveries meanwhile
        row = await _row(post_id)
        _not_stale(row, seen_decisions, None)
        if not _can_be_undone(row):
            raise nothing_to_undo(row)
        mailing_ids = await column(MailingRow.filter(post_id=post_id, decision=row.decisions), "id")
        mailings = DeliveryRow.filter(mailing_id__in=mailing_ids)
        if await mailings.filter(last_attempt_at__isnull=False).exists() or await any_forgotten(mailing_ids):
            raise too_late(row)
        undone = PostRow.filter(id=post_id, state=row.state, decisions=row.decisions)
        if not await undone.update(state=PostState.HELD, decisions=F("decisions") + 1, **_UNDECIDED):
            raise Conflict(Text("somebody else changed this post just now: look at it again"))
        await delete_mailings(mailing_ids)
        row = await _row(post_id)
        await deal_cards(row, at)
        return post_of(row)

    @atomic
    async def stop(
        self, post_id: int, by: Actor, at: datetime, seen_decisions: int | None
    ) -> tuple[Post, int]:
        await lock_posts([post_id])
        row = await _row(post_id)
        _not_stale(row, seen_decisions, None)
        stopped = await PostRow.filter(id=post_id, state=PostState.ACCEPTED).update(
            state=PostState.DISTRIBUTED, stopped_by=by.name, ended_at=at
        )
        if not stopped:
            raise UserError(Text("Post {id} is not being distributed", id=post_id))
        waiting = DeliveryRow.filter(mailing_id__in=await copy_ids(post_id), state__in=OPEN_STATES)
        leaving = await waiting.filter(under_way=True).count()
        dropped = await waiting.update(state=DeliveryState.DROPPED, next_attempt_at=None, ended_at=at)
        await raise_cards([post_id], at)
        return post_of(await _row(post_id)), dropped - leaving

    @atomic
    async def expire(self, mlist_id: int, before: datetime, at: datetime) -> int:
        held = PostRow.filter(mlist_id=mlist_id, state=PostState.HELD, received_at__lt=before)
        post_ids = await column(held, "id")
        await lock_posts(post_ids)
        expired = PostRow.filter(id__in=post_ids, state=PostState.HELD)
        count = await expired.update(
            state=PostState.EXPIRED, decisions=F("decisions") + 1, decided_at=at, ended_at=at
        )
        await raise_cards(post_ids, at)
        return count

    @atomic
    async def resend(self, post_id: int) -> int:
        row = await _row(post_id)
        if row.state == PostState.RECEIVED:
            raise already_decided(row)
        await deal_cards(row, row.received_at)  # any moment that has passed: at once
        cards = CardRow.filter(kind=CardKind.POST, about=post_id, abandoned=False)
        waves = await waves_of(cards)
        count = await cards.update(message_id="", failures=0, wave_id=None)
        await note_waves(waves, row.received_at)
        return count


async def _row(post_id: int) -> PostRow:
    row = await PostRow.get_or_none(id=post_id)
    if row is None:
        raise no_such_post(post_id)
    return row


def _new_state(disposition: Disposition, mailings: Sequence[NewMailing], at: datetime) -> dict[str, Any]:
    """The state that follows; a copy for nobody is distributed as soon as it is accepted."""
    state = disposition.state
    if state is PostState.ACCEPTED and not any(
        mailing.recipients for mailing in mailings if mailing.kind is MailingKind.COPY
    ):
        state = PostState.DISTRIBUTED
    ended = state not in {PostState.HELD, PostState.ACCEPTED}
    return {"state": state, "ended_at": at if ended else None}


def _not_stale(row: PostRow, seen_decisions: int | None, expected: PostState | None) -> None:
    """Refuse a press of an earlier decision, and what comes after another's decision."""
    if expected and row.state != expected:
        raise already_decided(row)
    if seen_decisions is not None and seen_decisions != row.decisions:
        raise already_decided(row)


def _can_be_undone(row: PostRow) -> bool:
    """A person's decision that stands, or any discard; what was distributed to nobody counts as such."""
    if row.state == PostState.DISCARDED:
        return True
    return row.state in _UNDOABLE and bool(row.decided_by_id)
