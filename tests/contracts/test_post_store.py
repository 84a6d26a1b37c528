"""What every `PostStore` promises about posts at rest: intake, reading, searching, purging."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.deliveries import DeliveryState, MailingKind, Recorded
from bot.core.errors import Conflict, UserError
from bot.core.posts import Disposition, Post, PostState
from bot.core.stores import Listing, Page, Stores
from tests.support.clock import ManualClock
from tests.support.outgoing import ACCOUNT
from tests.support.stores import a_list, accepted, decision, mailing, new_post, screened

EVERY_STATE = frozenset(PostState)


async def test_a_post_comes_back_as_it_was_taken_in(stores: Stores, clock: ManualClock) -> None:
    """Every field of the mail, and its bytes, whatever they are."""
    mlist = await a_list(stores, clock.now())
    raw = b"Subject: x\r\n\r\n" + bytes(range(256)) + os.urandom(5000)
    new = new_post(mlist.id, clock.now(), raw=raw)

    post_id = await stores.posts.take_in(new)
    assert post_id is not None
    post = await stores.posts.get(post_id)

    assert raw == await stores.posts.raw(post_id)
    assert PostState.RECEIVED is post.state
    assert (new.cursor, new.received_at, new.authors) == (post.cursor, post.received_at, post.authors)
    assert (new.subject, new.text, new.message_id) == (post.subject, post.text, post.message_id)
    assert (len(raw), 0, None) == (post.size_octets, post.decisions, post.decided_by)


async def test_the_same_mail_is_taken_in_once(stores: Stores, clock: ManualClock) -> None:
    """A crash before the deletion on the server makes the same mail come again."""
    mlist = await a_list(stores, clock.now())
    new = new_post(mlist.id, clock.now())

    first, second = await stores.posts.take_in(new), await stores.posts.take_in(new)

    assert first is not None
    assert second is None
    assert [first] == await stores.posts.received(mlist.id)


async def test_a_reused_cursor_does_no_harm(stores: Stores, clock: ManualClock) -> None:
    """Another mail under a cursor that was seen before is another post."""
    mlist = await a_list(stores, clock.now())

    first = await stores.posts.take_in(new_post(mlist.id, clock.now(), uid="7", text="un"))
    second = await stores.posts.take_in(new_post(mlist.id, clock.now(), uid="7", text="deux"))

    assert [first, second] == await stores.posts.received(mlist.id)


async def test_the_same_mail_on_two_lists_is_two_posts(stores: Stores, clock: ManualClock) -> None:
    """Numbers are unique in the installation, cursors only in their mailbox."""
    one = await a_list(stores, clock.now(), "un@example.org")
    two = await a_list(stores, clock.now(), "deux@example.org")

    first = await stores.posts.take_in(new_post(one.id, clock.now(), uid="7"))
    second = await stores.posts.take_in(new_post(two.id, clock.now(), uid="7"))

    assert first != second
    assert [second] == await stores.posts.received(two.id)


async def test_a_mail_for_a_list_deleted_meanwhile_is_refused(stores: Stores, clock: ManualClock) -> None:
    """It stays in its mailbox, and nothing dangles."""
    mlist = await a_list(stores, clock.now())
    await stores.lists.delete(mlist, newest_post=0)

    with pytest.raises(Conflict):
        await stores.posts.take_in(new_post(mlist.id, clock.now()))


async def test_cursors_seen_before_are_told_apart(stores: Stores, clock: ManualClock) -> None:
    """Also thousands of them in one question."""
    mlist = await a_list(stores, clock.now())
    known = new_post(mlist.id, clock.now(), uid="known")
    await stores.posts.take_in(known)
    unknown = [new_post(mlist.id, clock.now(), uid=f"new {n}").cursor for n in range(1200)]

    assert {str(known.cursor)} == await stores.posts.taken_in(mlist.id, [*unknown, known.cursor])


async def test_a_missing_post_is_told_in_a_sentence(stores: Stores) -> None:
    with pytest.raises(UserError, match="no post 404"):
        await stores.posts.get(404)
    with pytest.raises(UserError, match="no post 404"):
        await stores.posts.raw(404)


async def test_repeated_is_same_message_id_and_same_body(stores: Stores, clock: ManualClock) -> None:
    """Of an earlier post on the same list; a corrected second version is another post.

    Never by the Message-ID alone, which many mails lack or share; and of the same author, else a stranger
    who has seen a mail could send it first and have the true one discarded.
    """
    mlist = await a_list(stores, clock.now())
    raw = b"Subject: x\r\n\r\nBonjour\r\n"
    again = b"Received: again\r\nSubject: x\r\n\r\nBonjour\r\n"
    first = await screened(stores, new_post(mlist.id, clock.now(), uid="1", raw=raw))
    repeated = await screened(stores, new_post(mlist.id, clock.now(), uid="1", raw=again))
    corrected = await screened(stores, new_post(mlist.id, clock.now(), uid="1", raw=raw + b"PS\r\n"))
    of_another = new_post(mlist.id, clock.now(), uid="1", raw=b"X: y\r\n" + raw, author="boris@example.org")
    posts = (first, repeated, corrected, await screened(stores, of_another))

    assert [await stores.posts.is_repeated(post) for post in posts] == [False, True, False, False]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("foret", True),
        ("FORÊT carottes", True),
        ("oeufs", True),
        ("anne@example", True),
        ("foret navets", False),
        ("100%", True),
        ("1_0", False),
        ("\\", False),
        ("'", False),
        ("", True),
    ],
)
async def test_search_folds_case_and_accents(
    stores: Stores, clock: ManualClock, words: str, found: bool
) -> None:
    """Every word is somewhere in subject, author or text; nothing in it is a pattern."""
    mlist = await a_list(stores, clock.now())
    post = new_post(mlist.id, clock.now(), subject="Carottes de la Forêt", text="Œufs: 100% bio")
    await screened(stores, post)

    listing = await stores.posts.find([mlist.id], EVERY_STATE, words, Page())

    assert int(found) == listing.total == len(listing.items)


async def test_listings_page_from_the_newest(stores: Stores, clock: ManualClock) -> None:
    """Each page says where the next begins; the total counts all of them.

    By the time of arrival, whatever the mail claims.
    """
    mlist, other = await a_list(stores, clock.now()), await a_list(stores, clock.now(), "b@example.org")
    ids = [(await screened(stores, new_post(mlist.id, clock.now()))).id for _ in range(5)]
    await screened(stores, new_post(other.id, clock.now()))

    pages, after = [], None
    for _ in range(3):
        page = await stores.posts.find([mlist.id], {PostState.HELD}, "", Page(2, after))
        pages.append([post.id for post in page.items])
        after = page.next_after
        assert len(ids) == page.total

    assert [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]] == pages
    assert after is None
    assert (await stores.posts.find([], EVERY_STATE, "", Page())).total == 0
    assert (await stores.posts.find(None, EVERY_STATE, "", Page())).total == 6


async def test_a_page_tells_the_way_back(stores: Stores, clock: ManualClock) -> None:
    """The page before has as many items again, or is the first, whatever came in meanwhile."""
    mlist, other = await a_list(stores, clock.now()), await a_list(stores, clock.now(), "b@example.org")
    for _ in range(6):
        await screened(stores, new_post(mlist.id, clock.now()))
        await screened(stores, new_post(other.id, clock.now()))

    async def page(after: int | None) -> Listing[Post]:
        return await stores.posts.find([mlist.id], {PostState.HELD}, "", Page(2, after))

    first = await page(None)
    second = await page(first.next_after)
    third = await page(second.next_after)
    assert (first.previous_after, first.before) == (None, 0)
    assert (second.previous_after, second.before) == (0, 2)
    assert (third.previous_after, third.before) == (first.next_after, 4)
    assert await page(0) == first

    await screened(stores, new_post(mlist.id, clock.now()))
    again = await page(second.next_after)
    assert (again.items, again.before) == (third.items, 5)
    assert (await page(again.previous_after)).items == second.items
    beyond = await page(1)
    assert beyond.items == ()
    assert beyond.before == beyond.total == 7
    assert (await page(beyond.previous_after)).items == third.items


async def test_purging_takes_only_what_ended_long_ago(stores: Stores, clock: ManualClock) -> None:
    """Held posts and those with mail under way stay, however old."""
    mlist = await a_list(stores, clock.now())
    held = await screened(stores, new_post(mlist.id, clock.now()))
    running = await accepted(stores, mlist, clock.now(), ["a@example.org"])
    rejected = await screened(stores, new_post(mlist.id, clock.now()))
    notice = mailing(["anne@example.org"], clock.now(), MailingKind.NOTICE)
    await stores.posts.decide(
        decision(rejected, clock.now(), disposition=Disposition.REJECT, mailings=[notice])
    )
    discarded = await screened(stores, new_post(mlist.id, clock.now()), Disposition.DISCARD)
    old = clock.advance(timedelta(days=100))
    recent = await screened(stores, new_post(mlist.id, clock.now()), Disposition.DISCARD)

    assert await stores.posts.purge(old) == 1

    kept = await stores.posts.find(None, EVERY_STATE, "", Page())
    assert {held.id, running.id, rejected.id, recent.id} == {post.id for post in kept.items}
    with pytest.raises(UserError):
        await stores.posts.raw(discarded.id)


async def test_purging_ends_once_the_last_mail_has_left(stores: Stores, clock: ManualClock) -> None:
    """Age counts from the end, not from the reception; nothing dangles."""
    mlist = await a_list(stores, clock.now())
    room = await stores.rooms.open("terminal", "tty", "fr", clock.now())
    post = await accepted(stores, mlist, clock.now(), ["a@example.org"])
    closed = clock.advance(timedelta(days=3))
    batch = await stores.outbox.claim(ACCOUNT, [mlist.id], closed)
    assert batch is not None
    delivered = Recorded(batch.deliveries[0].id, DeliveryState.DELIVERED, "250 ok")
    await stores.outbox.record(batch, [delivered], closed)

    assert [await stores.posts.purge(at) for at in (closed, clock.advance(timedelta(1)))] == [0, 1]
    assert (await stores.outbox.find(None, set(DeliveryState), "", Page())).total == 0
    assert await stores.rooms.cards_due(room, clock.now(), 10) == []
    with pytest.raises(UserError):
        await stores.posts.get(post.id)


async def test_a_purged_mail_that_is_still_on_the_server_does_not_come_back(
    stores: Stores, clock: ManualClock
) -> None:
    """With ``after_intake = keep`` the mailbox outlives the archive, and *keep* may become *delete*."""
    mlist = await a_list(stores, clock.now())
    mail = new_post(mlist.id, clock.now())
    post = await screened(stores, mail, Disposition.DISCARD)

    await stores.posts.purge(clock.advance(timedelta(days=1)))

    assert {str(post.cursor)} == await stores.posts.taken_in(mlist.id, [post.cursor])
    assert await stores.posts.take_in(mail) is None
    assert await stores.posts.take_in(replace(mail, raw=b"another, under a cursor used again")) is not None
