"""What the buttons of a card do. A button carries ``key:post:decisions[:arg]`` and no other state.

The number of decisions is the one it was shown with: a button of an earlier decision is refused,
whoever kept, replayed or invented it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from bot.chat.cards import authors_line, subject_of
from bot.chat.commands.bans import allow_author, ban_author, ban_of_domain
from bot.chat.commands.directory import another_address, may_extend
from bot.chat.commands.moderation import decided_by_hand, stopped, undone
from bot.chat.desk import Call, Desk, Option, Reply, mistakes
from bot.chat.dialogues import ask
from bot.chat.readable import harmless, one_line
from bot.chat.reasons import canned_reason, canned_reasons
from bot.chat.registry import find
from bot.core.chat import File, Screen, Tone, line
from bot.core.errors import AlreadyDecided, UserError
from bot.core.posts import Disposition, Post, PostState
from bot.core.text import Text
from bot.flow.bans import lone
from bot.flow.reading import attached_files

_DATA = re.compile(r"([a-z]{1,16}):([0-9]{1,9}):([0-9]{1,9})(?::([0-9]{1,9}))?")

PAGE_CHARACTERS = 3_000
_LOOK_ALIKES = 4
_NAME_LIMIT = 60
_REASON_LIMIT = 60
PAGES = 3
"""How much of a text is posted; the rest is in the ``.eml``, which comes with it anyway."""


@dataclass(frozen=True, slots=True)
class Tap:
    """A press taken apart; `argument` is a number or None, `words` were typed when it asked for them."""

    key: str
    post_id: int
    seen: int
    argument: int | None
    words: str = ""

    @property
    def is_of_more(self) -> bool:
        """Whether the button is below what ➕ More shows, and not on the card."""
        return self.key in _OF_MORE or self.argument is not None


def tap(data: str) -> Tap:
    """What a button carried. Raises UserError if no card of ours has such a button."""
    match = _DATA.fullmatch(data)
    if not match or match[1] not in _PRESSES:
        raise UserError(Text("I do not know this button; /resend or /show brings a fresh card."))
    return Tap(match[1], int(match[2]), int(match[3]), int(match[4]) if match[4] else None)


async def pressed(desk: Desk, call: Call, post: Post, what: Tap) -> Reply:
    """Do what the button says; the right to it was tested before.

    What ➕ More shows has served then, also where somebody else was faster, and the outcome takes its place.
    """
    if not what.is_of_more:
        return await _PRESSES[what.key](desk, call, post, what)
    try:
        reply = await _PRESSES[what.key](desk, call, post, what)
    except AlreadyDecided as error:
        return Reply(said=mistakes(error), ok=False, in_place=True)
    return replace(reply, in_place=not reply.asks)


async def _distribute(desk: Desk, call: Call, post: Post, what: Tap) -> Reply:
    return await decided_by_hand(desk, call, post, Disposition.ACCEPT, seen=what.seen)


async def _reject(desk: Desk, call: Call, post: Post, what: Tap) -> Reply:
    mlist = await desk.stores.lists.get(post.mlist_id)
    reason = what.words if what.argument is None else canned_reason(desk, mlist, what.argument)
    return await decided_by_hand(desk, call, post, Disposition.REJECT, reason=reason, seen=what.seen)


async def _again(desk: Desk, call: Call, post: Post, what: Tap) -> Reply:
    """With the reason that the same post was rejected with before."""
    before = await desk.stores.posts.rejected_before(post)
    if before is None or before.id != what.argument:
        raise UserError(Text("That reason is no longer there: please open ➕ More again."))
    reason = before.decision_reason
    return await decided_by_hand(desk, call, post, Disposition.REJECT, reason=reason, seen=what.seen)


async def _reason(desk: Desk, call: Call, post: Post, what: Tap) -> Reply:
    """Ask for the reason to reject with; the count of decisions is that of this button."""
    _require_held(post, what)
    more = await _more(desk, call, post, what)
    reason = find("reject").param("reason")
    asked = await ask(desk, call, f"reject:{post.id}:{what.seen}", reason)
    return replace(asked, leaves=more.said)


async def _discard(desk: Desk, call: Call, post: Post, what: Tap) -> Reply:
    return await decided_by_hand(desk, call, post, Disposition.DISCARD, seen=what.seen)


async def _undo(desk: Desk, call: Call, post: Post, what: Tap) -> Reply:
    return await undone(desk, call, post, seen=what.seen)


async def _stop(desk: Desk, call: Call, post: Post, what: Tap) -> Reply:
    return await stopped(desk, call, post, seen=what.seen)


async def _read(desk: Desk, call: Call, post: Post, what: Tap) -> Reply:
    """The whole text, then the mail itself and what is attached to it."""
    raw = await desk.stores.posts.raw(post.id)
    text = harmless(post.text).strip() or Text("(empty)").render(call.language)
    pages = [text[start : start + PAGE_CHARACTERS] for start in range(0, len(text), PAGE_CHARACTERS)]
    title = line(Text("#{number}: {subject}", number=post.id, subject=subject_of(post)).render(call.language))
    screens = [Screen(lines=(title,), quote=page) for page in pages[:PAGES]]
    more = len(pages) > PAGES
    rest = Text("The rest of the text is in the file:") if more else Text("The mail as it came:")
    files = (File(f"{post.id}.eml", "message/rfc822", raw), *await asyncio.to_thread(attached_files, raw))
    return Reply(
        said=(Text("Here is #{number}.", number=post.id),),
        screens=(*screens, Screen(lines=(line(rest.render(call.language)),), files=files)),
    )


async def _open(desk: Desk, call: Call, post: Post, what: Tap) -> Reply:
    """Its own card, in place of a line in a wave."""
    room = await desk.stores.rooms.at(call.place)
    if not room or not await desk.stores.rooms.take_out(room, post.id, desk.clock.now()):
        raise UserError(Text("#{number} has its own card; /resend {number} shows it anew.", number=post.id))
    return Reply(said=(Text("#{number} comes below, with all of it.", number=post.id),))


async def _more(desk: Desk, call: Call, post: Post, what: Tap) -> Reply:
    """Less frequent answers to a held post, as buttons."""
    mlist = await desk.stores.lists.get(post.mlist_id)
    before = await desk.stores.posts.rejected_before(post)
    reasons = [
        (Option(Text("❌ {reason}", reason=reason), f"reject:{post.id}:{what.seen}:{number}"),)
        for number, reason in enumerate(canned_reasons(desk, mlist))
    ]
    same = await _perhaps_known(desk, call, post, what)
    about_author = (
        Option(Text("👍 Always allow this author"), f"allow:{post.id}:{what.seen}"),
        Option(Text("🚫 Ban this author"), f"ban:{post.id}:{what.seen}", Tone.DANGER),
    )
    domain = [(button,) for button in ban_of_domain(call, post, mlist)]
    said = (
        Text("More for #{number}, {subject}", number=post.id, subject=subject_of(post)),
        authors_line(post),
        *([_was_rejected(before)] if before else ()),
        Text("Reject with a reason below, or with one in your own words."),
    )
    again = [(_for_that_reason(before, post, what),)] if before else []
    own = (Option(Text("✏️ Another reason..."), f"reason:{post.id}:{what.seen}"),)
    about = (*same, about_author, *domain) if post.author else ()
    return Reply(said=said, options=(*again, *reasons, own, *about))


def _was_rejected(before: Post) -> Text:
    """That this very post has come before, and who rejected it."""
    return Text(
        "🔁 The same came as #{number} and was rejected by {who} at {at}.",
        number=before.id,
        who=one_line(before.decided_by.name, _NAME_LIMIT) if before.decided_by else "",
        at=before.decided_at or before.received_at,
    )


def _for_that_reason(before: Post, post: Post, what: Tap) -> Option:
    reason = one_line(before.decision_reason, _REASON_LIMIT)
    return Option(Text("🔁 Again: {reason}", reason=reason), f"again:{post.id}:{what.seen}:{before.id}")


async def _perhaps_known(desk: Desk, call: Call, post: Post, what: Tap) -> list[tuple[Option]]:
    """People of whom a stranger's address may be another one."""
    if post.author is None or await desk.stores.people.find(post.author.address):
        return []
    alike = await desk.stores.people.alike(post.author, _LOOK_ALIKES)
    alike = [person for person in alike if await may_extend(desk, call, person.id)]
    return [
        (
            Option(
                Text("🔗 Another address of {person}", person=one_line(person.written, _NAME_LIMIT)),
                f"same:{post.id}:{what.seen}:{person.id}",
            ),
        )
        for person in alike
    ]


async def _same(desk: Desk, call: Call, post: Post, what: Tap) -> Reply:
    _require_newest(post, what)
    if post.author is None or what.argument is None:
        raise UserError(Text("The author of #{number} cannot be read.", number=post.id))
    return await another_address(desk, call, what.argument, lone(post.author.address))


async def _allow(desk: Desk, call: Call, post: Post, what: Tap) -> Reply:
    _require_newest(post, what)
    return await allow_author(desk, post)


async def _ban(desk: Desk, call: Call, post: Post, what: Tap) -> Reply:
    _require_newest(post, what)
    return await ban_author(desk, call, post)


def _require_newest(post: Post, what: Tap) -> None:
    """Where no store compares: raises AlreadyDecided for a button of an earlier decision."""
    if what.seen != post.decisions:
        raise AlreadyDecided(Text("this button is of an earlier decision: the newest card counts"))


def _require_held(post: Post, what: Tap) -> None:
    """Lest somebody types a reason for nothing. Raises AlreadyDecided."""
    _require_newest(post, what)
    if post.state is not PostState.HELD:
        who = post.decided_by.name if post.decided_by else ""
        raise AlreadyDecided(
            Text("#{number} was decided by {who} at {at}", number=post.id, who=who, at=post.decided_at or "")
        )


_OF_MORE = frozenset({"reason", "same", "allow", "ban"})

_PRESSES: dict[str, Callable[[Desk, Call, Post, Tap], Awaitable[Reply]]] = {
    "distribute": _distribute,
    "reject": _reject,
    "again": _again,
    "reason": _reason,
    "discard": _discard,
    "undo": _undo,
    "stop": _stop,
    "read": _read,
    "open": _open,
    "more": _more,
    "same": _same,
    "allow": _allow,
    "ban": _ban,
}
