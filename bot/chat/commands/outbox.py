"""The outbox: what waits, what failed and why, whether somebody got it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from bot.chat.cards import subject_of
from bot.chat.desk import Call, Desk, Reply, iso, say
from bot.chat.kinds import After, AnyList, LeavingPost, ListOrPost
from bot.chat.leaving import leaving
from bot.chat.listings import Turning, scope, turned
from bot.chat.readable import server_words
from bot.chat.registry import command
from bot.chat.whom import EmailAddress
from bot.core.addresses import Address
from bot.core.deliveries import NO_LIST, OPEN_STATES, Delivery, DeliveryState
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import Rank
from bot.core.posts import Post
from bot.core.stores import Page
from bot.core.text import N_, Text

_FAILED = (DeliveryState.DEFERRED, DeliveryState.BOUNCED)
_ANYBODY = Address("")
_LAST = 3


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which deliveries a command lists, and whether with the posts' subjects.

    No list = every list, no address = everybody's.
    """

    command: str
    states: Collection[DeliveryState]
    mlist: MailingList | None = None
    address: Address = _ANYBODY
    subjects: bool = False


@command("queue", N_("Show the deliveries that wait"), rank=Rank.OWNER)
async def queue(desk: Desk, call: Call, mlist: AnyList = None, *, after: After = None) -> Reply:
    """What has not left yet, when the last of it will, and which account waits for its quota."""
    reply = await _listing(desk, call, _Wanted("queue", OPEN_STATES, mlist), after)
    lists = await scope(desk, call, mlist)
    forecasts = await leaving(desk, lists)
    ends = [end for outlook in forecasts for end in outlook.ends.values()]
    title, *rest = reply.said
    said = [title, *([Text("The last one leaves at {at}.", at=max(ends))] if ends else [])]
    pauses = ((outlook.account.key, outlook.pause) for outlook in forecasts if outlook.pause)
    said += [Text("⏳ {account}: {pause}", account=key, pause=pause) for key, pause in pauses]
    by_list = {address: iso(end) for outlook in forecasts for address, end in outlook.ends.items()}
    rows = [{**row, "last_leaves_at": by_list.get(row["list"])} for row in reply.rows]
    return replace(reply, said=(*said, *rest), rows=rows)


@command("errors", N_("Show the deliveries that failed, and why"), rank=Rank.OWNER)
async def errors(desk: Desk, call: Call, mlist: AnyList = None, *, after: After = None) -> Reply:
    """What was refused, for now or for good."""
    return await _listing(desk, call, _Wanted("errors", _FAILED, mlist), after)


@command("trace", N_("Show what was sent to an address"), rank=Rank.OWNER)
async def trace(desk: Desk, call: Call, address: EmailAddress, *, after: After = None) -> Reply:
    """Did this person get it?"""
    return await _listing(
        desk, call, _Wanted("trace", tuple(DeliveryState), address=address, subjects=True), after
    )


@command("retry", N_("Try deliveries again now that failed"), rank=Rank.OWNER)
async def retry(
    desk: Desk,
    call: Call,
    what: ListOrPost = None,
    address: EmailAddress = _ANYBODY,
) -> Reply:
    """Deferred and bounced deliveries of a post, a list or everything become due; pauses end."""
    if isinstance(what, Post):
        await _require_recipient(desk, what, address)
    post_id = what.id if isinstance(what, Post) else None
    mlist_ids = [what.mlist_id] if isinstance(what, Post) else list(await scope(desk, call, what))
    now = desk.clock.now()
    count = await desk.stores.outbox.retry(mlist_ids, post_id, address, now)
    lists = await desk.stores.lists.all()
    keys = {desk.accounts.smtp(mlist).key for mlist in lists if mlist.id in mlist_ids}
    resumed = await desk.stores.accounts.resume(keys, now)
    return Reply(
        said=(
            Text.counted(
                "{count} delivery is tried again now.", "{count} deliveries are tried again now.", count
            ),
            *(Text("{account} does not wait any longer.", account=key) for key in resumed),
        ),
        rows=[{"retried": count, "resumed": list(resumed)}],
    )


@command("drop", N_("Give up the deliveries of a post that wait"), rank=Rank.OWNER)
async def drop(
    desk: Desk,
    call: Call,
    post: LeavingPost,
    address: EmailAddress = _ANYBODY,
) -> Reply:
    """Drop what has not left, for everybody or one address."""
    await _require_recipient(desk, post, address)
    count = await desk.stores.outbox.drop([post.mlist_id], post.id, address, desk.clock.now())
    if not count:
        return say(Text("Nothing of #{number} was waiting.", number=post.id))
    return Reply(
        said=(
            Text.counted(
                "{count} delivery of #{number} is dropped.",
                "{count} deliveries of #{number} are dropped.",
                count,
                number=post.id,
            ),
        ),
        rows=[{"dropped": count}],
    )


async def _require_recipient(desk: Desk, post: Post, address: Address) -> None:
    """Raises UserError if nothing of this post was ever meant for `address`."""
    if not address:
        return
    found = await desk.stores.outbox.find([post.mlist_id], tuple(DeliveryState), address, Page())
    if not any(delivery.post_id == post.id for delivery in found.items):
        raise UserError(
            Text(
                "{address} is not among the recipients of #{number}: /show {number} tells what became of it.",
                address=address,
                number=post.id,
            )
        )


async def _listing(desk: Desk, call: Call, wanted: _Wanted, after: int | None) -> Reply:
    lists = await scope(desk, call, wanted.mlist)
    # what is of no list is the administrators' to see, where they ask about no room's lists
    own = [NO_LIST] if call.rights.admin and not (wanted.mlist or call.rights.here) else []
    found = await desk.stores.outbox.find([*lists, *own], wanted.states, wanted.address, call.page(after))
    title = (
        Text.counted("{count} delivery.", "{count} deliveries.", found.total)
        if found.total
        else Text("None at all.")
    )
    subjects = await _subjects(desk, found.items) if wanted.subjects else {}
    reply = Reply(
        said=(title, *(_line(delivery, subjects.get(delivery.post_id or 0)) for delivery in found.items)),
        rows=[_row(delivery, lists.get(delivery.mlist_id)) for delivery in found.items],
    )
    return turned(reply, found, Turning(wanted.command, wanted.mlist, wanted.address, after))


async def last_errors(desk: Desk, mlist: MailingList) -> list[Text]:
    """The newest deliveries of a list that failed, as one sentence each."""
    found = await desk.stores.outbox.find([mlist.id], _FAILED, "", Page(_LAST))
    return [_line(delivery, None) for delivery in found.items]


async def _subjects(desk: Desk, deliveries: Iterable[Delivery]) -> dict[int, Text]:
    """The subjects of the posts, by number; of one that is purged meanwhile there is none."""
    found = {}
    for post_id in {delivery.post_id for delivery in deliveries if delivery.post_id}:
        try:
            found[post_id] = subject_of(await desk.stores.posts.get(post_id))
        except UserError:
            continue
    return found


def _line(delivery: Delivery, subject: Text | None) -> Text:
    """``#12 Panier → anne@example.org: sent, 14:02 (250 OK)``; the moment is that of the last try."""
    state = delivery.state.words
    if delivery.last_attempt_at:
        state = Text("{state}, {at}", state=state, at=delivery.last_attempt_at)
    number = Text("#{number}", number=delivery.post_id) if delivery.post_id else Text("✉️ from facteur itself")
    said = Text(
        "{post} → {recipient}: {state}",
        post=Text("{number} {subject}", number=number, subject=subject) if subject else number,
        recipient=delivery.recipient,
        state=state,
    )
    if delivery.last_reply:
        said = Text("{said} ({reply})", said=said, reply=server_words(delivery.last_reply))
    if delivery.next_attempt_at and delivery.attempts and delivery.state in OPEN_STATES:
        return Text("{said}, next at {at}", said=said, at=delivery.next_attempt_at)
    return said


def _row(delivery: Delivery, mlist: MailingList | None) -> dict[str, Any]:
    return {
        "post_id": delivery.post_id,
        "list": mlist.address if mlist else None,
        "kind": delivery.kind.value,
        "recipient": delivery.recipient,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "next_attempt_at": iso(delivery.next_attempt_at),
        "last_attempt_at": iso(delivery.last_attempt_at),
        "last_reply": delivery.last_reply,
    }
