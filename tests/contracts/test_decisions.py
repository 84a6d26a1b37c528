"""What every `PostStore` promises about the states of a post: each change happens once, and whole."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.core.deliveries import Counts, DeliveryState, MailingKind
from bot.core.errors import AlreadyDecided, UserError
from bot.core.posts import Disposition, PostState, Screened, Verdict
from bot.core.stores import Stores
from bot.core.text import Text
from tests.support.clock import ManualClock
from tests.support.outgoing import ACCOUNT, all_of, limited
from tests.support.patience import WAIT_S
from tests.support.stores import (
    ANNE,
    BORIS,
    a_list,
    accepted,
    decision,
    mailing,
    new_post,
    screened,
)

TWO = ["a@example.org", "b@example.org"]


async def test_screening_happens_once(stores: Stores, clock: ManualClock) -> None:
    """The second of two screenings finds it done, and changes nothing."""
    mlist = await a_list(stores, clock.now())
    post = await screened(stores, new_post(mlist.id, clock.now()))
    late = Screened(post.id, Verdict(Disposition.DISCARD, "late", Text("late")), clock.now())

    assert await stores.posts.screened(late) is None
    assert post == await stores.posts.get(post.id)
    assert await stores.posts.received(mlist.id) == []


async def test_a_verdict_keeps_its_rule_and_sentence(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())
    post_id = await stores.posts.take_in(new_post(mlist.id, clock.now()))
    assert post_id is not None
    reason = Text("held since {at}", at=clock.now())

    post = await stores.posts.screened(
        Screened(post_id, Verdict(Disposition.HOLD, "spam", reason, warning=True), clock.now())
    )

    assert post is not None
    assert ("spam", reason, True) == (post.rule, post.reason, post.warning)
    assert (post.state, post.decided_by, post.decisions) == (PostState.HELD, None, 0)


async def test_accepting_by_rule_stores_the_deliveries_with_it(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())
    copy = mailing(TWO, clock.now())

    post = await screened(stores, new_post(mlist.id, clock.now()), Disposition.ACCEPT, [copy])

    assert PostState.ACCEPTED is post.state
    assert Counts(due=2) == await stores.outbox.counts(post.id)
    assert post.decided_by is not None
    assert ("", "default", clock.now()) == (post.decided_by.id, post.decided_by.name, post.decided_at)


async def test_a_decision_stores_all_that_follows_from_it(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())
    post = await screened(stores, new_post(mlist.id, clock.now()))
    rejection = decision(
        post,
        clock.now(),
        disposition=Disposition.REJECT,
        mailings=[mailing(["anne@example.org"], clock.now(), MailingKind.NOTICE)],
    )

    rejected = await stores.posts.decide(rejection)

    assert (rejected.state, rejected.decisions, rejected.decided_by) == (PostState.REJECTED, 1, ANNE)
    assert rejected == await stores.posts.get(post.id)
    assert Counts() == await stores.outbox.counts(post.id)  # a notice is no copy
    batch = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
    assert batch is not None
    assert batch.content == b"Subject: [legumes] Carottes\r\n\r\nVotre message a ete refuse.\r\n"


async def test_the_first_decision_wins_and_the_second_is_told_whose(
    stores: Stores, clock: ManualClock
) -> None:
    mlist = await a_list(stores, clock.now())
    post = await accepted(stores, mlist, clock.now(), TWO)
    too_late = decision(post, clock.now(), by=BORIS, mailings=[mailing(TWO, clock.now())])

    with pytest.raises(AlreadyDecided, match="already distributed by Anne at 2026-03-10") as refusal:
        await stores.posts.decide(too_late)

    assert refusal.value.text.values == {"who": "Anne", "at": clock.now()}
    assert Counts(due=2) == await stores.outbox.counts(post.id)


@pytest.mark.parametrize(
    ("disposition", "sentence"),
    [
        (Disposition.REJECT, "already rejected by Anne"),
        (Disposition.DISCARD, "already rejected silently by Anne"),
        (Disposition.ACCEPT, "already distributed by Anne"),
    ],
)
async def test_refusals_say_what_was_decided(
    stores: Stores, clock: ManualClock, disposition: Disposition, sentence: str
) -> None:
    mlist = await a_list(stores, clock.now())
    post = await screened(stores, new_post(mlist.id, clock.now()))
    await stores.posts.decide(decision(post, clock.now(), disposition=disposition))

    with pytest.raises(AlreadyDecided, match=sentence):
        await stores.posts.decide(decision(post, clock.now(), by=BORIS))


@pytest.mark.parametrize("disposition", [Disposition.ACCEPT, Disposition.DISCARD])
async def test_refusals_name_the_rule_where_no_person_decided(
    stores: Stores, clock: ManualClock, disposition: Disposition
) -> None:
    mlist = await a_list(stores, clock.now())
    post = await screened(stores, new_post(mlist.id, clock.now()), disposition)

    with pytest.raises(AlreadyDecided, match=r"without moderation|by the rule default"):
        await stores.posts.decide(decision(post, clock.now()))


async def test_a_button_of_an_earlier_decision_is_refused(stores: Stores, clock: ManualClock) -> None:
    """Also when the post is held again, after an undo."""
    mlist = await a_list(stores, clock.now())
    post = await accepted(stores, mlist, clock.now(), TWO)
    held = await stores.posts.undo(post.id, ANNE, clock.now(), post.decisions)

    for press in (
        stores.posts.decide(decision(held, clock.now(), seen=0)),
        stores.posts.undo(post.id, ANNE, clock.now(), post.decisions),
        stores.posts.stop(post.id, ANNE, clock.now(), post.decisions),
    ):
        with pytest.raises(AlreadyDecided, match="earlier decision"):
            await press

    again = await stores.posts.decide(decision(held, clock.now(), seen=held.decisions))
    assert again.decisions == 3


async def test_deciding_many_times_at_once_decides_once(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())
    post = await screened(stores, new_post(mlist.id, clock.now()))
    copy = mailing(TWO, clock.now())

    outcomes = await asyncio.gather(
        *(stores.posts.decide(decision(post, clock.now(), mailings=[copy])) for _ in range(10)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, AlreadyDecided) for outcome in outcomes) == 9
    assert Counts(due=2) == await stores.outbox.counts(post.id)


async def test_a_copy_for_nobody_is_distributed_at_once(stores: Stores, clock: ManualClock) -> None:
    """There is nothing to wait for, and nothing to purge later but the post."""
    mlist = await a_list(stores, clock.now())

    post = await accepted(stores, mlist, clock.now(), [])

    assert PostState.DISTRIBUTED is post.state


async def test_undo_takes_back_everything(stores: Stores, clock: ManualClock) -> None:
    """The post is held as before, and nothing of the decision leaves."""
    mlist = await a_list(stores, clock.now())
    post = await accepted(stores, mlist, clock.now(), TWO)

    held = await stores.posts.undo(post.id, BORIS, clock.now(), None)

    assert (held.state, held.decisions, held.decided_by) == (PostState.HELD, 2, None)
    assert (held.undo_until, held.decision_reason, held.rule) == (None, "", "default")
    assert Counts() == await stores.outbox.counts(post.id)
    assert await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now()) is None


async def test_undo_is_too_late_once_a_first_attempt_is_stored(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())
    post = await accepted(stores, mlist, clock.now(), TWO)
    await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())

    with pytest.raises(UserError, match="Too late"):
        await stores.posts.undo(post.id, ANNE, clock.now(), None)

    assert PostState.ACCEPTED is (await stores.posts.get(post.id)).state


async def test_undo_of_a_rejection_is_too_late_once_the_author_was_told(
    stores: Stores, clock: ManualClock
) -> None:
    mlist = await a_list(stores, clock.now())
    post = await screened(stores, new_post(mlist.id, clock.now()))
    notice = mailing(["anne@example.org"], clock.now(), MailingKind.NOTICE)
    await stores.posts.decide(decision(post, clock.now(), disposition=Disposition.REJECT, mailings=[notice]))
    batch = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
    assert batch is not None
    await stores.outbox.record(batch, all_of(batch, DeliveryState.BOUNCED), clock.now())

    with pytest.raises(UserError, match="Too late"):
        await stores.posts.undo(post.id, ANNE, clock.now(), None)


async def test_mail_of_an_earlier_decision_does_not_forbid_undo(stores: Stores, clock: ManualClock) -> None:
    """The notice that a post is held leaves long before anybody decides."""
    mlist = await a_list(stores, clock.now())
    told = mailing(["anne@example.org"], clock.now(), MailingKind.NOTICE)
    post = await screened(stores, new_post(mlist.id, clock.now()), mailings=[told])
    await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
    await stores.posts.decide(decision(post, clock.now(), mailings=[mailing(TWO, clock.now())]))

    assert PostState.HELD is (await stores.posts.undo(post.id, ANNE, clock.now(), None)).state


async def test_a_rule_s_discard_comes_back_with_cards(stores: Stores, clock: ManualClock) -> None:
    """Nobody has seen it yet, so every open room gets a card."""
    mlist = await a_list(stores, clock.now())
    room = await stores.rooms.open("terminal", "tty", "fr", clock.now())
    post = await screened(stores, new_post(mlist.id, clock.now()), Disposition.DISCARD)
    assert await stores.rooms.cards_due(room, clock.now(), 10) == []

    held = await stores.posts.undo(post.id, ANNE, clock.now(), None)

    assert PostState.HELD is held.state
    assert [post.id] == [card.about for card in await stores.rooms.cards_due(room, clock.now(), 10)]


@pytest.mark.parametrize(
    ("disposition", "sentence"),
    [
        (Disposition.HOLD, "Nothing was decided"),
        (Disposition.ACCEPT, "needed no decision"),
    ],
)
async def test_undo_is_for_decisions_of_people(
    stores: Stores, clock: ManualClock, disposition: Disposition, sentence: str
) -> None:
    mlist = await a_list(stores, clock.now())
    copy = [mailing(TWO, clock.now())] if disposition is Disposition.ACCEPT else []
    post = await screened(stores, new_post(mlist.id, clock.now()), disposition, copy)

    with pytest.raises(UserError, match=sentence):
        await stores.posts.undo(post.id, ANNE, clock.now(), None)


async def test_stop_drops_what_has_not_left(stores: Stores, clock: ManualClock) -> None:
    """Copies only: the author's notice still leaves."""
    mlist = await a_list(stores, clock.now())
    post = await screened(stores, new_post(mlist.id, clock.now()))
    told = mailing(["anne@example.org"], clock.now() + timedelta(hours=1), MailingKind.NOTICE)
    await stores.posts.decide(
        decision(post, clock.now(), mailings=[mailing([*TWO, "c@example.org"], clock.now()), told])
    )
    batch = await stores.outbox.claim(limited(recipients=1), [mlist.id], clock.now())
    assert batch is not None
    await stores.outbox.record(batch, all_of(batch, DeliveryState.DELIVERED), clock.now())

    stopped, dropped = await stores.posts.stop(post.id, BORIS, clock.now(), 1)

    assert (stopped.state, stopped.stopped_by, dropped) == (PostState.DISTRIBUTED, "Boris", 2)
    counts = await stores.outbox.counts(post.id)
    assert (counts.delivered, counts.dropped, counts.open) == (1, 2, 0)
    notice = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.advance(timedelta(hours=2)))
    assert notice is not None
    assert MailingKind.NOTICE is notice.kind


async def test_what_left_before_the_stop_keeps_its_outcome(stores: Stores, clock: ManualClock) -> None:
    """The relay had it already: delivered stays delivered, but a deferral is not tried again."""
    mlist = await a_list(stores, clock.now())
    post = await accepted(stores, mlist, clock.now(), TWO)
    batch = await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now())
    assert batch is not None
    _, dropped = await stores.posts.stop(post.id, ANNE, clock.now(), None)
    meanwhile = await stores.outbox.counts(post.id)
    assert (dropped, meanwhile.dropped, meanwhile.leaving) == (0, 2, 2)
    soon = clock.now() + timedelta(minutes=1)
    gone, not_yet = batch.deliveries

    await stores.outbox.record(
        batch,
        [
            *all_of(batch, DeliveryState.DELIVERED)[:1],
            *all_of(batch, DeliveryState.DEFERRED, soon)[1:],
        ],
        clock.now(),
    )

    counts = await stores.outbox.counts(post.id)
    assert (counts.delivered, counts.dropped, counts.leaving, counts.open) == (1, 1, 0, 0)
    assert (gone.recipient, not_yet.recipient) == ("a@example.org", "b@example.org")


async def test_nothing_to_stop_is_told(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())
    post = await screened(stores, new_post(mlist.id, clock.now()))

    with pytest.raises(UserError, match="is not being distributed"):
        await stores.posts.stop(post.id, ANNE, clock.now(), None)


async def test_a_decision_for_ten_thousand_members_takes_no_time(stores: Stores, clock: ManualClock) -> None:
    """Bulk inserts: the button is answered while the finger is still on it."""
    mlist = await a_list(stores, clock.now())
    recipients = [f"member{n}@example.org" for n in range(10_000)]

    async with asyncio.timeout(WAIT_S):  # a fraction of a second, on an idle machine
        post = await accepted(stores, mlist, clock.now(), recipients)

    assert Counts(due=10_000) == await stores.outbox.counts(post.id)
