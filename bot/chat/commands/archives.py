"""Posts that are decided: finding them, and handing one out as a file."""

from __future__ import annotations

from bot.chat.cards import authors_line, subject_of
from bot.chat.desk import Call, Desk, Reply
from bot.chat.kinds import After, ListOrWords, PostId, Rest
from bot.chat.listings import Turning, post_row, scope, turned
from bot.chat.registry import command
from bot.core.chat import File
from bot.core.people import Rank
from bot.core.posts import Post, PostState
from bot.core.text import N_, Text

_ARCHIVED = frozenset(PostState) - {PostState.HELD, PostState.RECEIVED}
_MARKS = {
    PostState.ACCEPTED: "📤",
    PostState.DISTRIBUTED: "✅",
    PostState.REJECTED: "❌",
    PostState.DISCARDED: "🔇",
    PostState.EXPIRED: "⌛",
}


@command("archives", N_("Search the posts that are no longer waiting"), rank=Rank.MODERATOR)
async def archives(
    desk: Desk, call: Call, mlist: ListOrWords = None, words: Rest = "", *, after: After = None
) -> Reply:
    """Newest first; every word is somewhere in subject, author or text."""
    lists = await scope(desk, call, mlist)
    found = await desk.stores.posts.find(list(lists), _ARCHIVED, words, call.page(after))
    title = (
        Text.counted("{count} post in the archives.", "{count} posts in the archives.", found.total)
        if found.total
        else Text("Nothing in the archives.")
    )
    reply = Reply(
        said=(title, *(_line(post, lists[post.mlist_id].local_part) for post in found.items)),
        rows=[post_row(post, lists[post.mlist_id]) for post in found.items],
    )
    return turned(reply, found, Turning("archives", mlist, words, after))


@command("eml", N_("Hand out a post as a file"), rank=Rank.MODERATOR)
async def eml(desk: Desk, call: Call, post: PostId) -> Reply:
    """The mail as it came, octet by octet."""
    content = await desk.stores.posts.raw(post.id)
    return Reply(
        said=(Text("#{number}: {subject}", number=post.id, subject=subject_of(post)),),
        files=(File(f"{post.id}.eml", "message/rfc822", content),),
    )


def _line(post: Post, local_part: str) -> Text:
    person = post.decided_by.name if post.decided_by and post.decided_by.id else ""
    end = Text("{mark} {state}", mark=_MARKS[post.state], state=post.state.words)
    if post.state is PostState.DISCARDED and not person and post.reason:
        end = Text("🔇 not distributed: {reason}", reason=post.reason)
    return Text(
        "#{number} {list} · {author} · {subject} · {at} · {end}",
        number=post.id,
        list=local_part,
        author=authors_line(post),
        subject=subject_of(post),
        at=post.received_at,
        end=Text("{end} by {who}", end=end, who=person) if person else end,
    )
