"""Hop 5: a moderator's word on a held post, and taking it back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import structlog

from bot.core.clock import Clock
from bot.core.deliveries import MailingKind, NewMailing
from bot.core.header import split
from bot.core.people import Actor
from bot.core.posts import Decision, Disposition, Post, PostState
from bot.core.stores import Stores
from bot.flow.answers import Answers
from bot.flow.distribution import copy_for

log = structlog.get_logger()


class Decisions:
    """Decides held posts: the first word wins, everybody else is told who was first."""

    def __init__(self, stores: Stores, clock: Clock, answers: Answers) -> None:
        self._stores = stores
        self._clock = clock
        self._answers = answers

    async def decide(
        self, post_id: int, disposition: Disposition, by: Actor, *, reason: str = "", seen: int | None = None
    ) -> tuple[Post, bool]:
        """Accept, reject or discard a held post; nothing leaves before the undo window has ended.

        Args:
            post_id: the post's number.
            disposition: anything but HOLD.
            by: who decides; their name is shown.
            reason: for the author of a rejected post.
            seen: the count of decisions that the pressed button carried; None for a command.

        Returns:
            The post, and whether its author is going to be told.

        Raises:
            AlreadyDecided: it is not held any more, or the button is of an earlier decision.
            UserError: there is no such post.
        """
        post = await self._stores.posts.get(post_id)
        mlist = await self._stores.lists.get(post.mlist_id)
        now = self._clock.now()
        decision = Decision(
            post_id, disposition, by, now, now + timedelta(seconds=mlist.settings.undo_s), reason, seen
        )
        if post.state is PostState.HELD:
            decision = replace(decision, mailings=await self._mailings(post, decision))
        decided = await self._stores.posts.decide(decision)
        log.info("decided", list=mlist.address, post=post_id, disposition=disposition.value, by=by.id)
        return decided, any(mailing.kind is MailingKind.NOTICE for mailing in decision.mailings)

    async def undo(self, post_id: int, by: Actor, *, seen: int | None = None) -> Post:
        """Bring a decided post back to `held`. Raises UserError once it is too late."""
        post = await self._stores.posts.undo(post_id, by, self._clock.now(), seen)
        log.info("undone", post=post_id, by=by.id)
        return post

    async def stop(self, post_id: int, by: Actor, *, seen: int | None = None) -> tuple[Post, int]:
        """Drop what has not left yet; as `PostStore.stop`."""
        post, dropped = await self._stores.posts.stop(post_id, by, self._clock.now(), seen)
        log.info("stopped", post=post_id, by=by.id, dropped=dropped)
        return post, dropped

    async def _mailings(self, post: Post, decision: Decision) -> tuple[NewMailing, ...]:
        mlist = await self._stores.lists.get(post.mlist_id)
        header, _ = split(await self._stores.posts.raw(post.id))
        told = await self._answers.decided(post, header, mlist, decision)
        match decision.disposition:
            case Disposition.ACCEPT:
                policy = post.authentication.policy
                return (await copy_for(self._stores, mlist, header, policy, decision.undo_until), *told)
            case _:
                return told
