"""What the listings of commands share: their lists, the way to the next page, the rows of posts."""

from __future__ import annotations

from typing import Any

from bot.chat.desk import Call, Desk, Option, Reply, iso
from bot.chat.kinds import by_id
from bot.core.deliveries import Counts
from bot.core.lists import MailingList
from bot.core.people import Group
from bot.core.posts import Post
from bot.core.text import Text, undirected


async def scope(desk: Desk, call: Call, mlist: MailingList | None) -> dict[int, MailingList]:
    """One list or, for None, those that are meant where none is named, by id."""
    return {each.id: each for each in ([mlist] if mlist else call.meant(await desk.stores.lists.all()))}


def next_page(name: str, about: MailingList | Group | None, words: str, after: int | None) -> Reply:
    """The button to the next page; where its line is too long for a button, the line to type."""
    if after is None:
        return Reply()
    named = about.written if isinstance(about, Group) else by_id(about) if about else ""
    parts = [f"/{name}", named, words, f"after={after}"]
    line = " ".join(part for part in parts if part)
    button = Option(Text("Next ▶"), line)
    return (
        Reply(options=((button,),))
        if button.fits
        else Reply(said=(Text("There are more: {line}", line=line),))
    )


def people(count: int) -> Text:
    """So many people."""
    return Text.counted("{count} person", "{count} people", count)


def addresses(count: int) -> Text:
    """So many addresses: a person may have several."""
    return Text.counted("{count} address", "{count} addresses", count)


def waiting(count: int) -> Text:
    """So many held posts."""
    return Text.counted("{count} post waits", "{count} posts wait", count)


def post_row(post: Post, mlist: MailingList) -> dict[str, Any]:
    """A post for scripts, which may print it: its own subject, decoded and without prefix; bare addresses."""
    person = post.decided_by if post.decided_by and post.decided_by.id else None
    return {
        "id": post.id,
        "list": mlist.address,
        "author": undirected(post.author_address),
        "authors": [undirected(author.address) for author in post.authors],
        "author_name": undirected(post.author.name) if post.author else "",
        "subject": undirected(post.subject),
        "state": post.state.value,
        "rule": post.rule,
        "reason": str(post.reason or ""),
        "received_at": iso(post.received_at),
        "decided_by": person.name if person else None,
        "decided_at": iso(post.decided_at),
        "decision_reason": post.decision_reason,
        "size": post.size_octets,
    }


def counted(counts: Counts) -> dict[str, int]:
    """The deliveries of a post by state, disjoint."""
    return {
        "delivered": counts.delivered,
        "deferred": counts.deferred,
        "bounced": counts.bounced,
        "dropped": counts.dropped,
        "due": counts.due,
    }
