"""Every accepted post reaches every recipient or ends as a bounce that somebody can see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from typing_extensions import override

from bot.core.addresses import Address, Mailbox
from bot.core.deliveries import Envelope, Obstacle, RecipientResult
from bot.core.lists import SmtpAccount
from bot.core.people import Role
from bot.core.ports import MailSender, Servers
from tests.support.clock import ManualClock
from tests.support.dovecot import Dovecot
from tests.support.smtp_server import CUT, SmtpServer, Taken
from tests.support.world import World, every_way, mail, opened_world
from transports.servers import MailServers

ANNA, BEA, CLEO = "anna@example.org", "bea@example.org", "cleo@example.org"
BUSY = "450 4.2.1 mailbox busy, come back later"
GONE = "550 5.1.1 no such user"


async def accepted(world: World, *members: str, **settings: str) -> World:
    """A post that was just sent, as far as the relay lets it."""
    await world.add_list(moderation="open", **settings)
    await world.members(*(members or (ANNA, BEA, CLEO)))
    await world.deliver(mail(to=world.address))
    return world


async def five_hundred(world: World) -> None:
    [mlist] = await world.app.stores.lists.all()
    for number in range(500):
        member = Mailbox("", Address(f"m{number:03}@example.org"))
        await world.app.stores.people.grant(mlist, Role.MEMBER, member)


async def test_one_decision_sends_to_five_hundred_members(world: World) -> None:
    """In transactions of 50, each member once; the card counts them."""
    await world.add_list(moderation="all")
    await five_hundred(world)
    world.relay.replies |= {"m007@example.org": GONE, "m123@example.org": BUSY}
    await world.deliver(mail(to=world.address))
    assert "500 addresses will get it" in await world.said("/show 1")

    await world.distribute(1)

    assert len(set(world.sent_to())) == len(world.sent_to()) == 498
    assert [len(copy.recipients) for copy in world.copies()] == [49, 50, 49, *[50] * 7]
    assert await world.counts(1) == {"delivered": 498, "bounced": 1, "deferred": 1}
    card = await world.said("/show 1")
    assert "498/500 sent, 1 bounced, 1 to be tried again, last at 10:00" in card

    world.relay.replies.clear()
    await world.later(minutes=1)

    assert world.copies()[-1].recipients == ("m123@example.org",)
    assert await world.counts(1) == {"delivered": 499, "bounced": 1}
    assert (await world.state(1))[0] == "distributed"


@every_way
async def test_a_refused_recipient_bounces_alone(world: World) -> None:
    world.relay.replies[BEA] = GONE

    await accepted(world)

    assert world.sent_to() == [ANNA, CLEO]
    [error] = await world.rows("/errors")
    assert (error["recipient"], error["state"], error["last_reply"]) == (BEA, "bounced", GONE)
    assert f"{BEA}: refused for good, 10:00 ({GONE})" in await world.said("/errors")
    assert await world.state(1) == ("distributed", "open")
    assert await world.rows("/queue") == []


async def test_a_deferred_recipient_is_tried_again_alone_and_ever_more_rarely(world: World) -> None:
    """After 1, 5, 15, 30 and 60 minutes, then every 2 hours, for 5 days; then it is a bounce."""
    world.relay.replies[BEA] = BUSY
    await accepted(world)
    moments = [world.clock.now()]

    while queued := await world.rows("/queue"):
        [delivery] = queued
        due = datetime.fromisoformat(delivery["next_attempt_at"])
        if len(moments) < 7:  # the later ones are all alike
            await world.later(seconds=(due - world.clock.now()).total_seconds() - 1)
            assert world.relay.commands[BEA] == len(moments)
        await world.later(seconds=(due - world.clock.now()).total_seconds())
        moments.append(world.clock.now())
        assert world.relay.commands[BEA] == len(moments)

    waits = [int((after - before).total_seconds() / 60) for before, after in pairwise(moments)]
    assert waits[:7] == [1, 5, 15, 30, 60, 120, 120]
    assert set(waits[6:]) == {120}
    assert timedelta(days=4, hours=22) < moments[-1] - moments[0] <= timedelta(days=5)
    assert world.sent_to() == [ANNA, CLEO]
    assert await world.counts(1) == {"delivered": 2, "bounced": 1}
    assert BUSY in await world.said("/errors")


async def test_a_transaction_has_as_many_recipients_as_the_relay_may_get(
    tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, clock: ManualClock
) -> None:
    async with opened_world(tmp_path / "data", dovecot, smtp_server, clock, max_recipients=2) as world:
        await accepted(world)
        assert [copy.recipients for copy in world.copies()] == [(ANNA, BEA), (CLEO,)]


async def test_a_relay_that_hangs_up_is_asked_again(world: World) -> None:
    """In Amapress an exception while sending lost that mail."""
    world.relay.replies["MAIL"] = CUT
    await accepted(world)
    assert await world.counts(1) == {"deferred": 3}

    world.relay.replies.clear()
    await world.later(minutes=1)

    assert world.sent_to() == [ANNA, BEA, CLEO]
    assert await world.counts(1) == {"delivered": 3}


class Stumbling(MailServers, Servers):
    """A client of relays with a mistake in it, for as long as that is so."""

    def __init__(self) -> None:
        super().__init__(idle=False)
        self.stumbles = True

    @override
    def sender(self, account: SmtpAccount) -> MailSender:
        return _Stumbles() if self.stumbles else super().sender(account)


class _Stumbles(MailSender):
    max_octets = None

    @override
    async def send(self, envelope: Envelope, content: bytes) -> Sequence[RecipientResult]:
        raise LookupError(envelope.mail_from)

    @override
    async def check(self) -> None: ...

    @override
    async def close(self) -> None: ...


async def test_what_a_part_of_ours_stumbles_over_comes_to_its_end_too(
    tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, clock: ManualClock
) -> None:
    """It is a failed attempt like any other: shown, tried again, and given up one day."""
    servers = Stumbling()
    async with opened_world(tmp_path / "data", dovecot, smtp_server, clock, servers=servers) as world:
        await accepted(world)
        [first, *_] = await world.rows("/queue")
        assert (first["state"], first["last_reply"]) == ("deferred", Obstacle.STUMBLED)
        assert await world.counts(1) == {"deferred": 3}
        servers.stumbles = False
        await world.later(minutes=1)
        assert world.sent_to() == [ANNA, BEA, CLEO]
        assert await world.counts(1) == {"delivered": 3}


async def test_a_copy_that_may_have_arrived_says_so(world: World) -> None:
    """The relay hangs up with the whole mail in hand: who asks why must know (RFC 1047)."""
    world.relay.replies["END"] = CUT
    await accepted(world)

    assert await world.counts(1) == {"deferred": 3}
    assert "may have arrived" in (await world.rows("/errors"))[0]["last_reply"]


async def test_a_relay_that_refuses_connections_is_shown_until_it_is_back(world: World) -> None:
    """The reason stands in /lists; when the relay is there again, everything leaves."""
    relay = SmtpServer()
    async with relay.listening():
        pass
    await accepted(world, smtp_port=str(relay.port))
    assert f"refuses connections on port {relay.port}" in await world.trouble()
    assert await world.counts(1) == {"deferred": 3}

    async with relay.listening():
        await world.later(minutes=1)

        assert await world.trouble() == ""
        assert await world.counts(1) == {"delivered": 3}
        assert [copy.recipients for copy in relay.taken] == [(ANNA, BEA, CLEO)]


async def test_lists_on_one_account_share_its_quota(world: World) -> None:
    """In no 60 minutes are more recipients offered than the provider allows, retries included."""
    other = world.another()
    offered: list[tuple[float, int]] = []
    began = world.clock.now()

    def note(_: int, taken: Taken) -> None:
        offered.append(((world.clock.now() - began).total_seconds() / 60, len(taken.recipients)))

    world.relay.on_taken = note
    for each in (world, other):
        await each.add_list(moderation="all", smtp_max_per_hour="5")
        await each.members(*(f"{n}@example.org" for n in range(7)))
        await each.put(mail(to=each.address))
    await world.pass_()

    for post_id in (1, 2):
        await world.distribute(post_id)
        await world.later(minutes=20)
    for _ in range(20):
        await world.later(minutes=10)

    assert sum(recipients for _, recipients in offered) == 14
    for start, _ in offered:
        assert sum(number for at, number in offered if start <= at < start + 60) <= 5
    assert offered[-1][0] <= 120
    assert await world.counts(1) == await world.counts(2) == {"delivered": 7}


async def test_a_card_tells_when_the_last_copy_will_leave(world: World) -> None:
    await world.add_list(moderation="all", smtp_max_per_hour="2")
    await world.members(ANNA, BEA, CLEO)
    await world.deliver(mail(to=world.address))
    assert "3 addresses will get it, the last by 11:00" in await world.said("/show 1")


async def test_stopping_drops_what_has_not_left(world: World) -> None:
    await accepted(world, smtp_max_per_hour="2")
    assert await world.counts(1) == {"delivered": 2, "due": 1}

    said = await world.said("/stop 1")
    await world.later(hours=2)

    assert "1 copy does not leave" in said
    assert await world.counts(1) == {"delivered": 2, "dropped": 1}
    assert "⏹ Stopped by Anne: 1 copy did not leave" in await world.said("/show 1")
    assert len(world.sent_to()) == 2
    assert "not being distributed" in await world.refused("/stop 1")


async def test_what_a_paused_list_accepts_leaves_when_it_goes_on(world: World) -> None:
    await world.add_list(moderation="all")
    await world.members(ANNA)
    await world.deliver(mail(to=world.address))
    await world.do(f"/pause {world.name}")

    await world.distribute(1)
    await world.later(hours=3)
    assert world.copies() == []
    assert "paused" in await world.said("/show 1")
    assert "paused" in await world.trouble()

    await world.do(f"/resume {world.name}")
    await world.pass_()
    assert world.sent_to() == [ANNA]


async def test_a_failed_delivery_is_tried_again_when_somebody_says_so(world: World) -> None:
    world.relay.replies |= {ANNA: GONE, BEA: BUSY}
    await accepted(world)
    world.relay.replies.clear()

    assert "2 deliveries are tried again" in await world.said("/retry 1")
    await world.pass_()

    assert world.sent_to() == [ANNA, BEA, CLEO]
    assert await world.counts(1) == {"delivered": 3}
    assert await world.rows("/errors") == []


async def test_one_address_may_be_retried_or_given_up_alone(world: World) -> None:
    world.relay.replies |= {ANNA: BUSY, BEA: BUSY}
    await accepted(world)
    world.relay.replies.clear()

    await world.do(f"/retry 1 {ANNA}")
    await world.do(f"/drop 1 {BEA}")
    await world.pass_()

    assert world.sent_to() == [ANNA, CLEO]
    assert await world.counts(1) == {"delivered": 2, "dropped": 1}
    assert "2/3 sent, 1 dropped" in await world.said("/show 1")
    assert await world.state(1) == ("distributed", "open")


async def test_the_queue_and_the_trace_of_an_address_tell_what_happened(world: World) -> None:
    world.relay.replies[BEA] = BUSY
    await accepted(world)

    [queued] = await world.rows("/queue")
    assert (queued["post_id"], queued["recipient"], queued["state"], queued["attempts"]) == (
        1, BEA, "deferred", 1,
    )  # fmt: skip
    assert queued["next_attempt_at"] == "2026-03-10T09:01:00+00:00"
    assert f"#1 → {BEA}: to be tried again, 10:00 ({BUSY}), next at 10:01" in await world.said("/queue")
    assert f"→ {CLEO}: sent, 10:00" in await world.said(f"/trace {CLEO}")
    assert "None at all." in await world.said("/trace nobody@example.org")


@pytest.fixture
async def test_mode(
    tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, clock: ManualClock
) -> AsyncIterator[World]:
    """An installation whose mails all go to one person."""
    data = tmp_path / "data"
    async with opened_world(data, dovecot, smtp_server, clock, redirect_to="me@example.org") as world:
        yield world


async def test_in_test_mode_every_mail_goes_to_one_address(test_mode: World) -> None:
    world = test_mode
    await world.add_list(moderation="all")
    await world.members(ANNA, BEA)
    await world.deliver(mail(to=world.address))
    assert "every mail goes to me@example.org" in await world.said("/show 1")

    await world.distribute(1)

    assert world.sent_to() == ["me@example.org"]
    assert await world.counts(1) == {"delivered": 2}
