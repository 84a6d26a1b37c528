"""What an outgoing account may send: never more than its provider allows, told beforehand to the minute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bot.core.addresses import Address, Mailbox
from bot.core.people import Role
from tests.support.stores import BOTH
from tests.support.world import World, mail

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
QUOTA = "451 4.7.1 Sending limit of 60 mails per hour reached"
FULL = "452 4.2.2 mailbox full"
ANNA, BEA, CLEO = "anna@example.org", "bea@example.org", "cleo@example.org"


async def people(world: World, number: int) -> None:
    """So many members, each of this list alone."""
    mlist = next(each for each in await world.app.stores.lists.all() if each.address == world.address)
    for n in range(number):
        member = Mailbox("", Address(f"{world.name}-{n:03}@example.org"))
        await world.app.stores.people.grant(mlist, Role.MEMBER, member)


async def next_due(world: World) -> datetime | None:
    """When the service would look at the outbox again, as its outbox says."""
    lists = await world.app.stores.lists.all()
    [outgoing] = world.app.desk.accounts.outgoing(lists)
    return await world.app.stores.outbox.next_due(outgoing.account, outgoing.mlist_ids, world.clock.now())


async def until_all_has_left(world: World, offers: list[tuple[datetime, int]] | None = None) -> None:
    """As the service does: asleep until something may leave. `offers`: recipients so far, by moment."""
    while due_at := await next_due(world):
        if offers is not None:
            offers.append((world.clock.now(), world.relay.commands["RCPT"]))
        world.clock.advance(max(due_at - world.clock.now(), timedelta()))
        await world.pass_()


def told(rows: Sequence[dict[str, str]]) -> dict[str, datetime]:
    """The forecast of ``/queue`` for each list."""
    return {row["list"]: datetime.fromisoformat(row["last_leaves_at"]) for row in rows}


@BOTH
async def test_sixty_an_hour_for_two_lists_with_a_quota_reply_in_the_middle(world: World) -> None:
    """150 recipients: never more than 60 in any 60 minutes, the forecast right, no attempt lost.

    Amapress exceeded limits under 60 an hour: at least one mail left at each of its ticks.
    """
    left: dict[str, datetime] = {}
    world.relay.on_taken = lambda _, taken: left.update({taken.mail_from: world.clock.now()})
    other = world.another()
    for each, number in ((world, 90), (other, 60)):
        await each.add_list(moderation="all", smtp_max_per_hour="60")
        await people(each, number)
        await each.deliver(mail(to=each.address))
    await world.distribute(1)
    offers = [(world.clock.now(), world.relay.commands["RCPT"])]
    world.clock.advance(7 * MINUTE)
    await world.distribute(2)
    assert len(told(await world.rows("/queue"))) == 2

    world.clock.advance(53 * MINUTE)
    world.relay.once["DATA"].extend(["", QUOTA])  # the second transaction of the second hour
    await world.pass_()

    rows = await world.rows("/queue")
    assert {(row["attempts"], row["state"]) for row in rows} == {(0, "due")}
    assert "waits until" in await world.said("/queue")
    await until_all_has_left(world, offers)

    assert len(world.sent_to()) == len(set(world.sent_to())) == 150
    for start, _ in offers:
        within = [so_far for at, so_far in offers if start <= at < start + HOUR]
        before = max((so_far for at, so_far in offers if at < start), default=0)
        assert max(within) - before <= 60
    for address, expected in told(rows).items():
        assert abs(left[address] - expected) <= MINUTE
    assert await world.counts(1) == {"delivered": 90}
    assert await world.counts(2) == {"delivered": 60}


async def test_the_forecast_counts_the_hour_and_the_day(world: World) -> None:
    """Told before anything is sent, and to the minute."""
    await world.add_list(moderation="all", smtp_max_per_hour="7", smtp_max_per_day="20")
    await people(world, 50)
    await world.deliver(mail(to=world.address))
    card = await world.said("/show 1")
    await world.distribute(1)
    world.clock.advance(19 * MINUTE)
    expected = told(await world.rows("/queue"))[world.address]
    assert f"{expected.astimezone(world.app.settings.zone):%H:%M}" in await world.said("/queue")

    await until_all_has_left(world)

    assert abs(world.clock.now() - expected) <= MINUTE
    assert f"{expected.astimezone(world.app.settings.zone):%H:%M}" in card
    assert expected - datetime(2026, 3, 10, 9, tzinfo=UTC) > timedelta(hours=48)


@BOTH
@pytest.mark.parametrize("place", ["MAIL", "DATA", "END", "RCPT"])
async def test_a_quota_reply_pauses_the_account_and_costs_no_attempt(world: World, place: str) -> None:
    """Refused for good even: nobody bounces, after an hour one shows that mail leaves again."""
    await world.add_list(moderation="open")
    await world.members(ANNA, BEA, CLEO)
    where = ANNA if place == "RCPT" else place
    world.relay.replies[where] = "550 5.4.5 Daily user sending limit exceeded"
    if place == "RCPT":
        world.relay.replies |= dict.fromkeys((BEA, CLEO), world.relay.replies[where])
    await world.deliver(mail(to=world.address))
    offers = world.relay.commands["MAIL"]

    assert "waits until 11:00" in await world.said("/lists")
    assert "Daily user sending limit exceeded" in await world.said("/queue")
    assert "The last one leaves at 11:00." in await world.said("/queue")
    assert await world.rows("/errors") == []
    await world.later(minutes=59)
    assert world.relay.commands["MAIL"] == offers

    await world.later(minutes=1)
    assert world.relay.commands["MAIL"] == offers + 1
    assert await world.counts(1) == {"due": 3}
    world.relay.replies.clear()
    await world.later(hours=1)

    assert [len(copy.recipients) for copy in world.copies()] == [1, 2]
    assert await world.counts(1) == {"delivered": 3}
    assert await world.trouble() == ""
    assert {row["attempts"] for row in await world.rows(f"/trace {ANNA}")} == {1}


async def test_no_quota_reply_ends_a_delivery(world: World) -> None:
    """Not after five days either; and what the relay says of a recipient does as ever."""
    world.relay.replies |= {ANNA: FULL, BEA: QUOTA, CLEO: QUOTA}
    await world.add_list(moderation="open")
    await world.members(ANNA, BEA, CLEO)
    await world.deliver(mail(to=world.address))
    assert await world.counts(1) == {"deferred": 1, "due": 2}

    for _ in range(6 * 8 + 1):
        await world.later(hours=3)
    assert (await world.counts(1)).get("due") == 2
    world.relay.replies.clear()
    for _ in range(3):
        await world.later(hours=2)

    assert set(world.sent_to()) == {ANNA, BEA, CLEO}


async def test_a_full_mailbox_pauses_nobody(world: World) -> None:
    world.relay.replies |= {ANNA: FULL, BEA: "552 5.2.2 user is over quota"}
    await world.add_list(moderation="open")
    await world.members(ANNA, BEA, CLEO)
    await world.deliver(mail(to=world.address))

    assert await world.counts(1) == {"delivered": 1, "deferred": 2}
    assert await world.trouble() == ""


async def test_the_rest_of_the_batch_is_not_offered(world: World) -> None:
    """Where the relay hears one recipient after the other; whom it took before gets the mail."""
    world.relay.pipelining = False
    world.relay.replies[BEA] = QUOTA
    await world.add_list(moderation="open", smtp_max_per_hour="10")
    await world.members(ANNA, BEA, CLEO)
    await world.deliver(mail(to=world.address))

    assert world.sent_to() == [ANNA]
    assert world.relay.commands[CLEO] == 0
    assert await world.counts(1) == {"delivered": 1, "due": 2}


async def test_retry_ends_the_pause_with_one_mail(world: World) -> None:
    world.relay.replies["MAIL"] = QUOTA
    await world.add_list(moderation="open")
    await world.members(ANNA, BEA, CLEO)
    await world.deliver(mail(to=world.address))
    world.relay.replies.clear()

    assert "does not wait any longer" in await world.said("/retry")
    await world.pass_()

    assert [len(copy.recipients) for copy in world.copies()] == [1, 2]
    assert await world.trouble() == ""


async def test_the_pause_ends_when_the_window_moves(world: World) -> None:
    """Half an hour after the first copies left, the provider's hour is half over."""
    await world.add_list(moderation="all", smtp_max_per_hour="60")
    await world.members(ANNA, BEA, CLEO)
    await world.deliver(mail(to=world.address), mail(to=world.address))
    await world.distribute(1)
    world.clock.advance(30 * MINUTE)
    world.relay.replies["MAIL"] = QUOTA
    await world.distribute(2)

    assert "waits until 11:00" in await world.said("/lists")
    world.relay.replies.clear()
    await until_all_has_left(world)
    assert world.clock.now() == datetime(2026, 3, 10, 10, tzinfo=UTC)


async def test_somebody_whom_the_relay_refuses_with_a_quota_stops_nobody_else(world: World) -> None:
    """Was that reply about him after all, the others leave as soon as one of them shows it."""
    world.relay.replies[ANNA] = QUOTA
    await world.add_list(moderation="open")
    await world.members(ANNA, BEA, CLEO)
    await world.deliver(mail(to=world.address))
    await world.deliver(mail(to=world.address))
    moments = [world.clock.now()]
    for _ in range(3):
        await world.later(hours=1)
        moments.append(world.clock.now())

    assert world.sent_to().count(BEA) == world.sent_to().count(CLEO) == 2
    assert all(after > before for before, after in pairwise(moments))


@BOTH
async def test_what_the_relay_would_refuse_for_its_size_waits_for_a_moderator(world: World) -> None:
    """Known from the first look at the relay; whoever lets it pass all the same sees it come back."""
    world.relay.max_octets = 20_000
    await world.add_list(moderation="open")
    await world.members(ANNA)
    body = b"x" * 70 + b"\n"
    fits = mail(to=world.address, body=body * 250)
    await world.deliver(fits, mail(to=world.address, body=body * 275))

    assert len(world.copies()) == 1
    assert await world.state(2) == ("held", "too-big")
    assert "the outgoing server takes 20 kB at most" in await world.said("/show 2")
    await world.distribute(2)
    assert await world.counts(2) == {"bounced": 1}

    world.relay.max_octets = 30_000
    await world.do(f"/check {world.name}")
    await world.deliver(mail(to=world.address, body=body * 276))
    assert (await world.state(3))[0] == "distributed"
