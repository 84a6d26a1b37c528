"""The port `PostStore`: posts from intake to purge."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from tortoise.expressions import Q

from bot.core.deliveries import OPEN_STATES
from bot.core.posts import Cursor, NewPost, Post, PostState, no_such_post
from bot.core.stores import Listing, Page
from bot.core.text import folded
from storage.atomic import atomic, reading
from storage.cards import delete_cards
from storage.decisions import SqlDecisionStore
from storage.mailings import delete_mailings
from storage.packing import packed, unpacked
from storage.rows import DeliveryRow, KnownMailRow, MailingRow, PostRow, RawRow
from storage.values import address_key, column, in_groups, listing, paged, post_of, words_of

_ASKED_AT_ONCE = 500
"""Values in one statement: databases take some 32,000."""
_PURGED_AT_ONCE = 100
"""Posts deleted in one transaction, so that nobody waits long for the write lock."""


class SqlPostStore(SqlDecisionStore):
    """Posts; their decisions are in the base class."""

    async def take_in(self, post: NewPost) -> int | None:
        """**Commit 1**; compressing a large mail takes a second, so it happens in a thread."""
        return await self._store(post, await asyncio.to_thread(packed, post.raw))

    @atomic
    async def _store(self, post: NewPost, octets: bytes) -> int | None:
        identity: dict[str, Any] = {
            "mlist_id": post.mlist_id,
            "cursor": str(post.cursor),
            "raw_sha256": hashlib.sha256(post.raw).hexdigest(),
        }
        for stored in (PostRow, KnownMailRow):
            if await stored.filter(**identity).exists():
                return None
        authors = [[mailbox.name, mailbox.address] for mailbox in post.authors]
        searched = "\n".join([post.subject, *(part for pair in authors for part in pair), post.text])
        row = await PostRow.create(
            **identity,
            cursor_parts=[post.cursor.folder, post.cursor.validity, post.cursor.uid],
            state=PostState.RECEIVED,
            old=post.old,
            received_at=post.received_at,
            size_octets=len(post.raw),
            author=address_key(post.authors[0].address) if post.authors else "",
            authors=authors,
            subject=post.subject,
            message_id=post.message_id,
            body_sha256=post.body_sha256,
            text=post.text,
            attachments=[[a.name, a.content_type, a.size_octets] for a in post.attachments],
            unread=list(post.unread),
            folded=folded(searched),
        )
        await RawRow.create(post_id=row.id, packed=octets)
        return row.id

    @reading
    async def taken_in(self, mlist_id: int, cursors: Collection[Cursor]) -> Collection[str]:
        taken: set[str] = set()
        for group in in_groups((str(cursor) for cursor in cursors), _ASKED_AT_ONCE):
            posts = PostRow.filter(mlist_id=mlist_id, cursor__in=group)
            purged = KnownMailRow.filter(mlist_id=mlist_id, cursor__in=group).exclude(raw_sha256="")
            taken.update(await column(posts, "cursor"))
            taken.update(await column(purged, "cursor"))
        return taken

    @reading
    async def received(self, mlist_id: int) -> Sequence[int]:
        waiting = PostRow.filter(mlist_id=mlist_id, state=PostState.RECEIVED).order_by("id")
        return await column(waiting, "id")

    @reading
    async def get(self, post_id: int) -> Post:
        row = await PostRow.get_or_none(id=post_id)
        if row is None:
            raise no_such_post(post_id)
        return post_of(row)

    async def raw(self, post_id: int) -> bytes:
        return await asyncio.to_thread(unpacked, await self._packed(post_id))

    @reading
    async def _packed(self, post_id: int) -> bytes:
        row = await RawRow.get_or_none(post_id=post_id)
        if row is None:
            raise no_such_post(post_id)
        return bytes(row.packed)

    @reading
    async def is_repeated(self, post: Post) -> bool:
        earlier = PostRow.filter(
            mlist_id=post.mlist_id,
            body_sha256=post.body_sha256,
            message_id=post.message_id,
            author=address_key(post.author_address) if post.authors else "",
            id__lt=post.id,
        )
        return bool(post.message_id) and await earlier.exists()

    @reading
    async def rejected_before(self, post: Post) -> Post | None:
        same = Q(body_sha256=post.body_sha256)
        if post.text:
            same |= Q(subject=post.subject, text=post.text)
        theirs = PostRow.filter(same, mlist_id=post.mlist_id, author=address_key(post.author_address))
        rejected = theirs.filter(state=PostState.REJECTED, id__lt=post.id).exclude(decision_reason="")
        row = await rejected.order_by("-id").first()
        return post_of(row) if row else None

    @reading
    async def find(
        self,
        mlist_ids: Collection[int] | None,
        states: Collection[PostState],
        words: str,
        page: Page,
    ) -> Listing[Post]:
        found = PostRow.filter(state__in=list(states))
        if mlist_ids is not None:
            found = found.filter(mlist_id__in=list(mlist_ids))
        for word in words_of(words):
            found = found.filter(folded__contains=word)
        rows, around = await paged(found, page)
        return listing([post_of(row) for row in await rows], page, around)

    async def purge(self, before: datetime) -> int:
        purged = 0
        while count := await self._purge_some(before):
            purged += count
        return purged

    @atomic
    async def _purge_some(self, before: datetime) -> int:
        ended = PostRow.filter(ended_at__lt=before).order_by("ended_at", "id")
        ended = ended.filter(id__not_in=await _with_open_deliveries()).limit(_PURGED_AT_ONCE)
        # one that somebody takes up again at this moment is not old any more
        found = await ended.select_for_update(skip_locked=True).only("id", "mlist_id", "cursor", "raw_sha256")
        taken_up = await _with_open_deliveries()
        rows = [row for row in found if row.id not in taken_up]
        # the mail may still be in the mailbox (after_intake = keep): it must not come in again
        await KnownMailRow.bulk_create(
            KnownMailRow(mlist_id=row.mlist_id, cursor=row.cursor, raw_sha256=row.raw_sha256) for row in rows
        )
        await delete_posts([row.id for row in rows])
        return len(rows)


async def delete_posts(post_ids: Collection[int]) -> None:
    """Delete posts and all that hangs on them."""
    for group in in_groups(post_ids, _ASKED_AT_ONCE):
        await delete_mailings(await column(MailingRow.filter(post_id__in=group), "id"))
        await delete_cards(group)
        await RawRow.filter(post_id__in=group).delete()
        await PostRow.filter(id__in=group).delete()


async def _with_open_deliveries() -> list[int]:
    mailings = DeliveryRow.filter(state__in=OPEN_STATES, mailing__post_id__isnull=False).distinct()
    return await column(mailings, "mailing__post_id")
