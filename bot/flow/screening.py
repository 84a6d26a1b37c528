"""Hop 3: the automatic judgement before a person looks, and what follows from it at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from bot.core.addresses import PUBLIC_PROVIDERS, Mailbox, domain_of
from bot.core.clock import Clock
from bot.core.directory import PeopleStore
from bot.core.header import Header, split
from bot.core.lists import MailingList
from bot.core.people import Role, Standing
from bot.core.posts import Disposition, Post, Screened, Verdict
from bot.core.stores import Page, Stores
from bot.core.text import Text
from bot.flow import rules
from bot.flow.accounts import Accounts
from bot.flow.answers import Answers
from bot.flow.authentication import Authenticator
from bot.flow.automatic import looks_returned
from bot.flow.bounces import Bounces
from bot.flow.distribution import copy_for, copy_octets
from bot.flow.leaving import Leaving
from bot.flow.lookalike import resembled
from bot.flow.rules import CHAIN, HANDLED, Evidence, Rule
from bot.flow.runner import NOT_ITS_FAULT, alone
from bot.flow.selftest import SelfTest

log = structlog.get_logger()


_UNREADABLE = Verdict(
    Disposition.HOLD, "unreadable", Text("this mail is damaged: look at its .eml"), warning=True
)


def judge(evidence: Evidence, chain: Sequence[Rule] = CHAIN) -> Verdict:
    """The first opinion wins; no opinion at all means hold, never accept."""
    opinions = (rule(evidence) for rule in chain)
    return next((verdict for verdict in opinions if verdict), rules.default(evidence))


class Screening:
    """Judges posts that were taken in."""

    def __init__(  # noqa: PLR0913, PLR0917 - one of each thing that it asks
        self,
        stores: Stores,
        clock: Clock,
        authenticator: Authenticator,
        accounts: Accounts,
        bounces: Bounces,
        answers: Answers,
        leaving: Leaving,
        self_test: SelfTest,
        spam_headers: Sequence[str] = (),
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._authenticator = authenticator
        self._accounts = accounts
        self._bounces = bounces
        self._answers = answers
        self._leaving = leaving
        self._self_test = self_test
        self._spam_headers = spam_headers

    async def screen(self, mlist: MailingList, post_id: int) -> None:
        """Judge one post and store the verdict with all that follows from it, in one transaction."""
        now = self._clock.now()
        judged = await alone("screening", partial(self._judged, mlist, post_id, now), but=NOT_ITS_FAULT)
        # one mail that breaks a rule must not wait for ever, nor stop the others: a person looks
        screened = judged or Screened(post_id, _UNREADABLE, now)
        post = await self._stores.posts.screened(screened)
        if post:
            log.info(
                "screened",
                list=mlist.address,
                post=post_id,
                message_id=post.message_id,
                state=post.state.value,
                rule=screened.verdict.rule,
            )

    async def _judged(self, mlist: MailingList, post_id: int, now: datetime) -> Screened:
        post = await self._stores.posts.get(post_id)
        raw = await self._stores.posts.raw(post_id)
        header, body = split(raw)
        evidence = await self._with_sizes(await self._evidence(post, raw, header, mlist), body)
        verdict = judge(evidence)
        if verdict.rule == "bounce":
            # before it is stored: a crash in between counts it again, which gives no second point
            await self._bounces.take(mlist, post_id, raw, now)
        if verdict.disposition is Disposition.DISCARD and verdict.rule not in HANDLED:
            return Screened(post_id, verdict, now)
        # only now, because it takes time, and a discarded mail is worth none
        found = await self._authenticator.examine(post, raw, header, mlist)
        post = replace(post, authentication=found)
        verdict = judge(replace(evidence, authentication=found, post=post))
        if verdict.disposition is Disposition.DISCARD:
            return await self._handled(verdict, post, header, mlist)
        if verdict.disposition is not Disposition.ACCEPT:
            if not any(standing.known for standing in evidence.standings):
                found = replace(found, resembles=await self._resembled(post, mlist))
            told = await self._answers.screened(verdict, post, header, mlist, now)
            return Screened(post_id, verdict, now, told, found)
        told = await self._answers.screened(verdict, post, header, mlist, now)
        copy = await copy_for(self._stores, mlist, header, found.policy, now)
        return Screened(post_id, verdict, now, (copy, *told), found)

    async def _handled(self, verdict: Verdict, post: Post, header: Header, mlist: MailingList) -> Screened:
        """What is no post is done at once, and stored with what came of it."""
        now, found = self._clock.now(), post.authentication
        handlers = {
            "self-test": self._self_test.returned,
            "leave": self._leaving.asked,
            "confirm": self._leaving.answered,
        }
        handler = handlers.get(verdict.rule)
        if handler is None:  # the finding let another rule speak
            return Screened(post.id, verdict, now, authentication=found)
        done = await handler(post, header, mlist)
        verdict = replace(verdict, reason=done.reason)
        return Screened(post.id, verdict, now, done.mailings, found, done.shown)

    async def _resembled(self, post: Post, mlist: MailingList) -> Mailbox | None:
        """Somebody of the list whom the author could be taken for."""
        if not post.author:
            return None
        holders = [await self._stores.people.holders(mlist, role, "", Page()) for role in Role]
        people = {holder.person.id: holder.person for found in holders for holder in found.items}
        return resembled(post.author, people.values())

    async def _with_sizes(self, evidence: Evidence, body: bytes) -> Evidence:
        """What the list's relay said that it takes, and what the copy would have."""
        mlist = evidence.mlist
        key = self._accounts.smtp(mlist).key
        limit = (await self._stores.accounts.states([key]))[key].max_octets
        if not limit:
            return evidence
        size = await copy_octets(self._stores.people, mlist, evidence.header, body)
        return replace(evidence, copy_octets=size, relay_max_octets=limit)

    async def _evidence(self, post: Post, raw: bytes, header: Header, mlist: MailingList) -> Evidence:
        people = self._stores.people
        known = await standings(people, mlist, post, header)
        return Evidence(
            post=post,
            header=header,
            mlist=mlist,
            standings=known,
            bans=await self._stores.bans.concerning(mlist.id),
            repeated=await self._stores.posts.is_repeated(post),
            spam_headers=self._spam_headers,
            own_test=await self._self_test.knows(mlist, header),
            names_undelivered=looks_returned(header)
            and not any(standing.known for standing in known)
            and await self._bounces.concerns(raw),
        )


async def standings(
    people: PeopleStore, mlist: MailingList, post: Post, header: Header
) -> tuple[Standing, ...]:
    """What is known of each author; Sender counts for a lone author of the same organisation.

    Not where that is a provider of mailboxes: it vouches for From, and its customers write what they like
    into Sender.
    """
    found = [await people.standing(mlist, author.address) for author in post.authors]
    senders, domain = header.mailboxes("sender"), domain_of(post.author_address)
    alike = len(found) == 1 and senders and domain_of(senders[0].address) == domain
    if alike and domain not in PUBLIC_PROVIDERS:
        second = await people.standing(mlist, senders[0].address)
        found = [replace(found[0], known=found[0].known or second.known, roles=found[0].roles | second.roles)]
    return tuple(found)
