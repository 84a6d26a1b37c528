"""What the listings of commands share: their lists, the way to the next page, the rows of posts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bot.chat.desk import PAGE_SIZE, Call, Desk, Option, Reply, iso
from bot.chat.kinds import by_id
from bot.core.deliveries import Counts
from bot.core.lists import MailingList
from bot.core.people import Group
from bot.core.posts import Post
from bot.core.stores import Listing
from bot.core.text import Text, undirected


async def scope(desk: Desk, call: Call, mlist: MailingList | None) -> dict[int, MailingList]:
    """One list or, for None, those that are meant where none is named, by id."""
    return {each.id: each for each in ([mlist] if mlist else call.meant(await desk.stores.lists.all()))}


@dataclass(frozen=True, slots=True)
class Turning:
    """The command that shows a listing, page by page: its name, what it is about and its other words.

    `after` is what the page was asked with: where it is not None, a page was turned.
    """

    name: str
    about: MailingList | Group | None
    words: str
    after: int | None

    def line(self, after: int) -> str:
        """What shows the page behind `after`."""
        about = self.about
        named = about.written if isinstance(about, Group) else by_id(about) if about else ""
        return " ".join(part for part in (f"/{self.name}", named, self.words, f"after={after}") if part)


def turned(reply: Reply, found: Listing[Any], turning: Turning) -> Reply:
    """The reply with which page it is and the buttons to those beside it, in whose place it is shown.

    Where their line is too long for a button, the line to type leads to the next one.
    """
    previous, following = found.previous_after, found.next_after
    buttons = [
        Option(label, turning.line(after))
        for label, after in ((Text("⬅️ Previous"), previous), (Text("➡️ Next"), following))
        if after is not None
    ]
    said = list(reply.said)
    if buttons:
        earlier = -(-found.before // PAGE_SIZE)
        count = earlier + max(1, -(-(found.total - found.before) // PAGE_SIZE))
        said.append(Text("Page {number} of {count}", number=earlier + 1, count=count))
    fitting = tuple(button for button in buttons if button.fits)
    if following is not None and len(fitting) < len(buttons):
        said.append(Text("There are more: {line}", line=turning.line(following)))
    options = (*reply.options, fitting) if fitting else reply.options
    return replace(reply, said=tuple(said), options=options, in_place=turning.after is not None)


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
