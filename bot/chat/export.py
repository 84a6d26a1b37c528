"""Every post of a list in one file on the disk, before the list goes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

from bot.chat.desk import Desk
from bot.chat.mbox import Mbox
from bot.core.errors import Conflict, UserError, why
from bot.core.lists import MailingList
from bot.core.posts import PostState
from bot.core.stores import Page, Removed
from bot.core.text import Text

_ATTEMPTS = 20
_ASKED_AT_ONCE = 100


async def export_and_delete(desk: Desk, mlist: MailingList) -> tuple[Path, Removed]:
    """Write the list's archive as mbox, and delete the list once all of it is safe on the disk.

    Raises:
        UserError: the file cannot be written, or posts never stop coming; the list is still there.
    """
    name = f"{quote(mlist.address, safe='@')}-{desk.clock.now():%Y%m%d-%H%M%S}.mbox"
    path = desk.installation.exports / name
    try:
        with await asyncio.to_thread(Mbox, path) as mbox:
            return path, await _export_and_delete(desk, mlist, mbox)
    except OSError as error:
        raise UserError(
            Text(
                "The archive cannot be written to {path}: {why}. Nothing is deleted.",
                path=str(path),
                why=why(error),
            )
        ) from error


async def _export_and_delete(desk: Desk, mlist: MailingList, mbox: Mbox) -> Removed:
    newest = 0
    for _ in range(_ATTEMPTS):
        newest = await _export(desk, mlist, mbox, newest)
        await asyncio.to_thread(mbox.sync)
        try:
            return await desk.stores.lists.delete(mlist, newest)
        except Conflict:  # a post came meanwhile: it belongs to the archive too
            continue
    raise UserError(Text("Posts keep coming to this list: please try again when it is calmer."))


async def _export(desk: Desk, mlist: MailingList, mbox: Mbox, behind: int) -> int:
    """Write the posts behind a number, oldest first and one at a time; the newest one's number."""
    found = []
    page = Page(_ASKED_AT_ONCE)
    while True:
        posts = await desk.stores.posts.find([mlist.id], frozenset(PostState), "", page)
        newer = [(post.id, post.author_address, post.received_at) for post in posts.items if post.id > behind]
        found += newer
        if posts.next_after is None or len(newer) < len(posts.items):
            break
        page = Page(_ASKED_AT_ONCE, posts.next_after)
    for post_id, author, received_at in reversed(found):
        try:
            raw = await desk.stores.posts.raw(post_id)
        except UserError:  # purged by its age meanwhile
            continue
        await asyncio.to_thread(mbox.add, author, received_at, raw)
    return found[0][0] if found else behind
