"""Waves: one card for many held posts, a page at a time, decided line by line or page by page.

Buttons of a line carry what a card's own do. Those of the page carry ``wave:id:page``,
``sweep:id:page`` and, for the yes to that, ``swept:id:page:sum``: the sum tells whether the page still
holds what was read, so a yes never decides anything else.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.chat.cards import author_line, authors_line, outcome, subject_of
from bot.chat.desk import Call, Desk, Option, Reply, say
from bot.chat.readable import one_line
from bot.core.chat import Button, Line, Screen, Span, Tone, Wave, line
from bot.core.errors import AlreadyDecided, UserError
from bot.core.lists import MailingList
from bot.core.people import Rank
from bot.core.posts import Disposition, Post, PostState
from bot.core.stores import Stores
from bot.core.text import Language, Text

PAGE_POSTS = 8

_DATA = re.compile(r"(wave|sweep|swept):([0-9]{1,9}):([0-9]{1,9})(?::([0-9]{1,10}))?")
_NUMBERS = tuple(f"{digit}\ufe0f\u20e3" for digit in range(1, PAGE_POSTS + 1))
_AUTHOR_LIMIT = 100
_SUBJECT_LIMIT = 90
_OUTCOME_LIMIT = 200
_NOT_THIS = Text("This page has changed since: please look at it again.")


@dataclass(frozen=True, slots=True)
class WaveTap:
    """A press on what belongs to a page; `total` is what a yes was read with, else None."""

    key: str
    wave_id: int
    page: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """The posts of a page that are still there, and its number from 0 of `count`."""

    posts: tuple[Post, ...]
    number: int
    count: int

    @property
    def held(self) -> tuple[Post, ...]:
        return tuple(post for post in self.posts if post.state is PostState.HELD)

    @property
    def total(self) -> int:
        """Changes with the posts that wait on it and with what was decided about them."""
        seen = ",".join(f"{post.id}:{post.decisions}" for post in self.held)
        return zlib.crc32(seen.encode())


async def wave_card(wave: Wave, stores: Stores, language: Language) -> Screen:
    """The card as it should look now."""
    if not wave.post_ids:
        return Screen(lines=(line(Text("These posts are not shown here any more.").render(language)),))
    lists = {mlist.id: mlist for mlist in await stores.lists.all()}
    return wave_screen(wave, await _page(wave, wave.page, stores), lists, language)


def wave_screen(wave: Wave, page: Page, lists: Mapping[int, MailingList], language: Language) -> Screen:
    """One page of it, with buttons while any of its posts waits; `lists` by id."""
    lines: list[Line] = [line(_title(wave, page).render(language), strong=True)]
    buttons = []
    for number, post in zip(_NUMBERS, page.posts, strict=False):
        lines += _lines(post, number, lists.get(post.mlist_id), language)
        if post.state is PostState.HELD:
            buttons.append(_decisions(post, number))
    return Screen(lines=tuple(lines), buttons=(*buttons, *_pages(wave, page, language)) if wave.held else ())


def tapped(data: str) -> WaveTap | None:
    """What a button carried, if it is one of a page."""
    match = _DATA.fullmatch(data)
    if not match:
        return None
    return WaveTap(match[1], int(match[2]), int(match[3]), int(match[4]) if match[4] else None)


async def pressed(desk: Desk, call: Call, what: WaveTap) -> Reply:
    """Turn or sweep a page. Raises UserError where the wave is not of this place, or has changed."""
    room = await desk.stores.rooms.at(call.place)
    wave = await desk.stores.rooms.wave(what.wave_id)
    if not room or not wave or wave.room_id != room.id:
        raise UserError(Text("These posts are not shown here any more."))
    page = await _page(wave, what.page, desk.stores)
    if what.key == "wave":
        await desk.stores.rooms.turn(wave.id, page.number, desk.clock.now())
        return say(Text("Page {page} of {pages}", page=page.number + 1, pages=page.count))
    for post in page.held:
        _require(call, post)
    if what.key == "sweep":
        return _asked(wave, page)
    return await _swept(desk, call, page, what)


def _asked(wave: Wave, page: Page) -> Reply:
    if not page.held:
        raise UserError(_NOT_THIS)
    said = Text.counted(
        "Reject {count} post silently? Its author is not told: {posts}",
        "Reject {count} posts silently? Their authors are not told: {posts}",
        len(page.held),
        posts=[f"#{post.id}" for post in page.held],
    )
    yes = Option(Text("🔇 Yes, silently"), f"swept:{wave.id}:{page.number}:{page.total}", Tone.DANGER)
    return Reply(said=(said,), options=((yes,),))


async def _swept(desk: Desk, call: Call, page: Page, what: WaveTap) -> Reply:
    """What somebody else decides meanwhile stays theirs."""
    if not page.held or what.total != page.total:
        raise UserError(_NOT_THIS)
    count = 0
    for post in page.held:
        try:
            await desk.decisions.decide(post.id, Disposition.DISCARD, call.speaker, seen=post.decisions)
        except AlreadyDecided:
            continue
        count += 1
    return say(
        Text.counted(
            "🔇 {count} post is rejected silently; /undo brings it back.",
            "🔇 {count} posts are rejected silently; /undo brings each back.",
            count,
        )
    )


def _require(call: Call, post: Post) -> None:
    if call.rights.on(post.mlist_id) < Rank.MODERATOR:
        raise UserError(Text("Posts of a list that is not yours are among them."))


async def _page(wave: Wave, number: int, stores: Stores) -> Page:
    """The last one where there are not so many any more."""
    count = max(1, -(-len(wave.post_ids) // PAGE_POSTS))
    number = min(number, count - 1)
    posts = []
    for post_id in wave.post_ids[number * PAGE_POSTS :][:PAGE_POSTS]:
        try:
            posts.append(await stores.posts.get(post_id))
        except UserError:  # purged just now
            continue
    return Page(tuple(posts), number, count)


def _title(wave: Wave, page: Page) -> Text:
    if not wave.held:
        return Text.counted(
            "✅ {count} post, none waits any more",
            "✅ {count} posts, none waits any more",
            len(wave.post_ids),
        )
    title = Text.counted("{count} held post", "{count} held posts", len(wave.held))
    if wave.spam:
        title = Text.counted(
            "🗑 {count} post is probably spam", "🗑 {count} posts are probably spam", len(wave.held)
        )
    if page.count == 1:
        return title
    return Text("{title} · page {page} of {pages}", title=title, page=page.number + 1, pages=page.count)


def _lines(post: Post, number: str, mlist: MailingList | None, language: Language) -> list[Line]:
    """Number, author and subject; what became of it below, once it is decided."""
    held = post.state is PostState.HELD
    mark = f"{number} " if held else ""
    author = author_line(post.author) if len(post.authors) == 1 and post.author else authors_line(post)
    said = [one_line(author.render(language), _AUTHOR_LIMIT)]
    said.append(one_line(subject_of(post).render(language), _SUBJECT_LIMIT))
    warning = "⚠️ " if held and post.warning else ""
    title = Span(f"{mark}#{post.id} {mlist.local_part if mlist else ''}".rstrip(), strong=held)
    lines: list[Line] = [(title, Span(f" · {warning}{' · '.join(said)}"))]
    if not held:
        lines += [line(one_line(text.render(language), _OUTCOME_LIMIT)) for text in outcome(post)[:2]]
    return lines


def _decisions(post: Post, number: str) -> tuple[Button, ...]:
    keys = (("✅", "distribute", Tone.SUCCESS), ("❌", "reject", Tone.DANGER), ("🔇", "discard", Tone.PLAIN))
    opening = Button(f"{number} #{post.id}", f"open:{post.id}:{post.decisions}")
    return (opening, *(Button(sign, f"{key}:{post.id}:{post.decisions}", tone) for sign, key, tone in keys))


def _pages(wave: Wave, page: Page, language: Language) -> list[tuple[Button, ...]]:
    """Signs that no other button begins with: where buttons are reactions, these can be pressed."""
    turning: Sequence[tuple[str, int]] = (("⬅️", page.number - 1), ("➡️", page.number + 1))
    row = [
        Button(f"{sign} {number + 1}/{page.count}", f"wave:{wave.id}:{number}")
        for sign, number in turning
        if 0 <= number < page.count
    ]
    if len(page.held) > 1:
        label = Text("🧹 All silently ({count})", count=len(page.held)).render(language)
        row.append(Button(label, f"sweep:{wave.id}:{page.number}"))
    return [tuple(row)] if row else []
