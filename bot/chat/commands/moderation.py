"""Deciding about posts by command; the buttons of cards end in the same functions."""

from __future__ import annotations

from bot.chat.cards import authors_line, card, on_their_way, subject_of
from bot.chat.desk import Call, Desk, Reply, say
from bot.chat.facts import facts_of
from bot.chat.kinds import After, AnyList, DecidedPost, LeavingPost, PostId, Reason
from bot.chat.listings import Turning, counted, post_row, scope, turned
from bot.chat.registry import command
from bot.core.lists import MailingList
from bot.core.people import Rank
from bot.core.posts import Disposition, Post, PostState
from bot.core.text import N_, Text

_DECIDED = {
    Disposition.ACCEPT: N_("✅ #{number} is going to be distributed."),
    Disposition.REJECT: N_("❌ #{number} is rejected."),
    Disposition.DISCARD: N_("🔇 #{number} is rejected silently: the author is not told."),
}
_DECIDED_WITH_UNDO = {
    Disposition.ACCEPT: N_("✅ #{number} is going to be distributed, unless undone within {seconds} s."),
    Disposition.REJECT: N_("❌ #{number} is rejected; that can be undone within {seconds} s."),
    Disposition.DISCARD: N_("🔇 #{number} is rejected silently; that can be undone within {seconds} s."),
}


async def decided_by_hand(
    desk: Desk,
    call: Call,
    post: Post,
    disposition: Disposition,
    *,
    reason: str = "",
    seen: int | None = None,
) -> Reply:
    """Decide, and say so. Raises AlreadyDecided where somebody was first."""
    mlist = await desk.stores.lists.get(post.mlist_id)
    decided, told = await desk.decisions.decide(post.id, disposition, call.speaker, reason=reason, seen=seen)
    seconds = mlist.settings.undo_s
    template = (_DECIDED_WITH_UNDO if seconds else _DECIDED)[disposition]
    said = [Text(template, number=post.id, seconds=seconds)]
    if disposition is Disposition.REJECT and not told:
        said.append(_untold(mlist))
    return Reply(said=tuple(said), rows=[post_row(decided, mlist)])


async def undone(desk: Desk, call: Call, post: Post, *, seen: int | None = None) -> Reply:
    """Take a decision back. Raises UserError where it is too late."""
    mlist = await desk.stores.lists.get(post.mlist_id)
    held = await desk.decisions.undo(post.id, call.speaker, seen=seen)
    return Reply(
        said=(Text("↩️ #{number} waits for a decision again.", number=post.id),),
        rows=[post_row(held, mlist)],
    )


async def stopped(desk: Desk, call: Call, post: Post, *, seen: int | None = None) -> Reply:
    """End a distribution. Raises UserError where none is under way."""
    mlist = await desk.stores.lists.get(post.mlist_id)
    ended, dropped = await desk.decisions.stop(post.id, call.speaker, seen=seen)
    counts = await desk.stores.outbox.counts(post.id)
    return Reply(
        said=(
            Text.counted(
                "⏹ #{number} is stopped: {count} copy does not leave.",
                "⏹ #{number} is stopped: {count} copies do not leave.",
                dropped,
                number=post.id,
            ),
            *on_their_way(counts),
        ),
        rows=[{**post_row(ended, mlist), "dropped": dropped}],
    )


@command("pending", N_("Show the posts that wait for a decision"), rank=Rank.MODERATOR)
async def pending(desk: Desk, call: Call, mlist: AnyList = None, *, after: After = None) -> Reply:
    """Held posts, newest first."""
    lists = await scope(desk, call, mlist)
    found = await desk.stores.posts.find(list(lists), {PostState.HELD}, "", call.page(after))
    lines = [_pending_line(post, lists[post.mlist_id]) for post in found.items]
    title = (
        Text.counted("{count} post waits.", "{count} posts wait.", found.total)
        if found.total
        else Text("No post waits. Enjoy your day!")
    )
    reply = Reply(
        said=(title, *lines),
        rows=[post_row(post, lists[post.mlist_id]) for post in found.items],
    )
    return turned(reply, found, Turning("pending", mlist, "", after))


@command("show", N_("Show a post, what became of it and its buttons"), rank=Rank.MODERATOR)
async def show(desk: Desk, call: Call, post: PostId) -> Reply:
    """The card of a post, with what became of its copies."""
    facts = await facts_of(post, desk.stores, desk.accounts, desk.clock)
    screen, _ = card(post, facts, call.language)
    row = {**post_row(post, facts.mlist), "deliveries": counted(facts.counts)}
    return Reply(screens=(screen,), rows=[row])


@command("distribute", N_("Send a held post to the members"), rank=Rank.MODERATOR)
async def distribute(desk: Desk, call: Call, post: PostId) -> Reply:
    """Accept."""
    return await decided_by_hand(desk, call, post, Disposition.ACCEPT)


@command("reject", N_("Reject a held post and tell its author why"), rank=Rank.MODERATOR)
async def reject(desk: Desk, call: Call, post: PostId, reason: Reason = "") -> Reply:
    """Reject; the reason goes to the author."""
    return await decided_by_hand(desk, call, post, Disposition.REJECT, reason=reason)


@command("discard", N_("Reject a held post without telling its author"), rank=Rank.MODERATOR)
async def discard(desk: Desk, call: Call, post: PostId) -> Reply:
    """Reject silently."""
    return await decided_by_hand(desk, call, post, Disposition.DISCARD)


@command("undo", N_("Take a decision back before anything has left"), rank=Rank.MODERATOR)
async def undo(desk: Desk, call: Call, post: DecidedPost) -> Reply:
    """Back to waiting."""
    return await undone(desk, call, post)


@command("stop", N_("Stop a distribution that is under way"), rank=Rank.MODERATOR)
async def stop(desk: Desk, call: Call, post: LeavingPost) -> Reply:
    """Drop what has not left."""
    return await stopped(desk, call, post)


@command("resend", N_("Show the card of a post anew"), rank=Rank.MODERATOR)
async def resend(desk: Desk, call: Call, post: PostId) -> Reply:
    """A fresh card in every room of the list."""
    rooms = await desk.stores.posts.resend(post.id)
    if not rooms:
        return say(Text("No room is open in which #{number} could be shown.", number=post.id))
    return say(
        Text.counted(
            "#{number} is shown again in {count} room.",
            "#{number} is shown again in {count} rooms.",
            rooms,
            number=post.id,
        )
    )


def _untold(mlist: MailingList) -> Text:
    if not mlist.settings.notify_rejected:
        return Text("The author is not told: this list has notify_rejected=no.")
    return Text("Nobody is told: a program wrote it, or its author cannot be reached.")


def _pending_line(post: Post, mlist: MailingList) -> Text:
    return Text(
        "#{number} {list} · {author} · {subject} · {at} · {reason}",
        number=post.id,
        list=mlist.local_part,
        author=authors_line(post),
        subject=subject_of(post),
        at=post.received_at,
        reason=post.reason or "",
    )
