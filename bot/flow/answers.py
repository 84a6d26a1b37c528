"""Which notices an event calls for: by the list's settings, the author's standing and what was told today."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.deliveries import NewMailing
from bot.core.header import Header
from bot.core.lists import MailingList
from bot.core.notices import NoticeKind
from bot.core.posts import Decision, Disposition, Post, Verdict
from bot.core.stores import Stores
from bot.flow.notices import Notices, Occasion

_OWNER = "notices"
_QUIET_RULES = frozenset({"first-poll", "forged", "loop", "spam", "test", "unreadable"})
"""Held by one of these it is doubtful who wrote it, or when."""


class Answers:
    """The notices of each event, none where nobody is to be told."""

    def __init__(self, stores: Stores, notices: Notices) -> None:
        self._stores = stores
        self._notices = notices

    async def screened(
        self, verdict: Verdict, post: Post, header: Header, mlist: MailingList, now: datetime
    ) -> tuple[NewMailing, ...]:
        """To the author of a post that a rule let pass or wait."""
        settings = mlist.settings
        about = Occasion(NoticeKind.AUTO_DISTRIBUTED, post, header, mlist)
        if verdict.disposition is Disposition.ACCEPT and settings.notify_auto:
            return await self._to_known(about, now)
        wanted = verdict.disposition is Disposition.HOLD and settings.notify_held
        if not wanted or verdict.rule in _QUIET_RULES:
            return ()
        mailings = await self._to_known(replace(about, kind=NoticeKind.HELD), now)
        if mailings and not await self._first_today(mlist, post, now):
            return ()
        return mailings

    async def decided(
        self, post: Post, header: Header, mlist: MailingList, decision: Decision
    ) -> tuple[NewMailing, ...]:
        """To the author of a post that a person decided; strangers are told of a rejection too."""
        linked = await self._stores.admins.linked(decision.by.id)
        email = linked.addresses[0] if linked and linked.addresses else ""
        about = Occasion(NoticeKind.REJECTED, post, header, mlist, decision.by, decision.reason, email)
        match decision.disposition:
            case Disposition.REJECT if mlist.settings.notify_rejected:
                return await self._written(about, decision.undo_until)
            case Disposition.ACCEPT if mlist.settings.notify_distributed:
                return await self._to_known(replace(about, kind=NoticeKind.DISTRIBUTED), decision.undo_until)
            case _:
                return ()

    async def _to_known(self, about: Occasion, due_at: datetime) -> tuple[NewMailing, ...]:
        """Strangers only where the list writes to them too."""
        if not about.mlist.settings.notify_unknown:
            standing = await self._stores.people.standing(about.mlist, about.post.author_address)
            if not standing.known:
                return ()
        return await self._written(about, due_at)

    async def _written(self, about: Occasion, due_at: datetime) -> tuple[NewMailing, ...]:
        language = self._notices.language(about.mlist)
        own = await self._stores.templates.text(about.mlist.id, about.kind, language)
        notice = self._notices.write(about, due_at, own)
        return (notice,) if notice else ()

    async def _first_today(self, mlist: MailingList, post: Post, now: datetime) -> bool:
        """Whether the author was not yet told today that a post of theirs waits; noted at once.

        With the post, which is judged anew where a crash came before its verdict was stored.
        """
        notes, today = self._stores.notes, self._notices.today(now)
        name = f"held/{mlist.id}/{hashlib.sha256(post.author_address.encode()).hexdigest()}"
        noted = await notes.recall(_OWNER, name) or ""
        if noted.startswith(today):
            return noted == f"{today} {post.id}"
        await notes.keep(_OWNER, {name: f"{today} {post.id}"}, now)
        await notes.forget(_OWNER, "held/", now - timedelta(days=2))
        return True
