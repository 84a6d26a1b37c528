"""A month of twenty lists: all that has its hour happens at it, whatever clocks do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.core.addresses import Address, Mailbox
from bot.core.chat import CardKind, Place, Room
from bot.core.deliveries import DeliveryState
from bot.core.errors import UserError
from bot.core.people import Role
from bot.core.posts import PostState
from bot.core.stores import Page, Stores
from bot.flow.notices import Notices, Organisation
from bot.flow.reminders import Hours, Reminders
from config.settings import Archive
from tests.support.clock import ManualClock
from tests.support.dovecot import Dovecot
from tests.support.smtp_server import SmtpServer
from tests.support.stores import SQLITE, a_list, new_post, screened
from tests.support.world import World, mail, opened_world

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MONTH, PARIS = 31 * DAY, ZoneInfo("Europe/Paris")
SPRING, AUTUMN = datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)
"""When the clocks of Europe/Paris change."""

EXPIRE_DAYS = (1, 7, 16, 18, 25)
RETRYING, IN_A_QUOTA, ARCHIVED = 3, 5, 6
PER_HOUR, EACH = 20, 30
KEEP = Archive(keep_days=20, log_keep_days=16)
ROOM = Place("test", "-1")
BUSY = "450 4.2.1 mailbox busy"

Check = Callable[[], Awaitable[bool]]


@dataclass
class Month:
    """The service's days: asleep until something may leave or is expected to happen."""

    world: World
    change: datetime
    expected: dict[datetime, list[Check]] = field(default_factory=dict)
    passes: int = 0

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    def expect(self, at: datetime, check: Check) -> None:
        """`check` holds right after `at`, and not a minute before."""
        self.expected.setdefault(at, []).append(check)

    async def until(self, end: datetime) -> None:
        """Live until then."""
        for at in sorted(at for at in self.expected if at <= end):
            checks = self.expected.pop(at)
            await self._outbox_until(at - MINUTE)
            assert [await check() for check in checks] == [False] * len(checks), f"before {at}"
            await self._outbox_until(at + timedelta(seconds=1))
            assert [await check() for check in checks] == [True] * len(checks), f"at {at}"
        await self._outbox_until(end)

    async def _outbox_until(self, end: datetime) -> None:
        while (due_at := await self._next_due()) and due_at < end:
            await self._pass_at(due_at)
        await self._pass_at(end)

    async def _pass_at(self, moment: datetime) -> None:
        self.world.clock.advance(max(moment - self.now, timedelta()))
        await self.world.pass_()
        self.passes += 1
        assert self.world.troubles == {}

    async def _next_due(self) -> datetime | None:
        stores = self.world.app.stores
        found = [
            await stores.outbox.next_due(outgoing.account, outgoing.mlist_ids, self.now)
            for outgoing in self.world.app.desk.accounts.outgoing(await stores.lists.all())
        ]
        return min((due_at for due_at in found if due_at), default=None)

    async def a_list(self, members: int = 0, **settings: str) -> World:
        """One more list, seen as a world of its own."""
        seen = self.world.another()
        await seen.add_list(moderation="all", **settings)
        mlist = next(m for m in await self.world.app.stores.lists.all() if m.address == seen.address)
        for n in range(members):
            member = Mailbox("", Address(f"{seen.name}-{n}@example.org"))
            await self.world.app.stores.people.grant(mlist, Role.MEMBER, member)
        return seen

    async def a_post(self, seen: World) -> int:
        """The number of a post that was just held there."""
        await seen.deliver(mail(to=seen.address))
        return max(int(row["id"]) for row in await seen.rows(f"/pending {seen.name}"))

    def is_in(self, post_id: int, state: PostState) -> Check:
        async def check() -> bool:
            return (await self.world.app.stores.posts.get(post_id)).state is state

        return check

    def is_gone(self, post_id: int) -> Check:
        async def check() -> bool:
            try:
                await self.world.app.stores.posts.get(post_id)
            except UserError:
                return True
            return False

        return check

    def is_reminded(self, at: datetime) -> Check:
        async def check() -> bool:
            rooms = self.world.app.stores.rooms
            room = await rooms.at(ROOM)
            assert room
            cards = await rooms.cards_due(room, self.now, 100)
            return any(card.kind is CardKind.REMINDER and card.due_at and card.due_at >= at for card in cards)

        return check

    def is_forgotten(self, seen: World) -> Check:
        async def check() -> bool:
            address = f"{seen.name}-0@example.org"
            found = await self.world.app.stores.outbox.find(None, set(DeliveryState), address, Page())
            return found.total == 0

        return check


@pytest.fixture(params=[SPRING, AUTUMN], ids=["spring", "autumn"])
async def month(
    request: pytest.FixtureRequest, tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer
) -> AsyncIterator[Month]:
    """From the morning 17 days before a change of clocks."""
    clock = ManualClock(request.param - 17 * DAY + 8 * HOUR)
    async with opened_world(tmp_path / "data", dovecot, smtp_server, clock, archive=KEEP) as world:
        yield Month(world, request.param)


@SQLITE
@pytest.mark.parametrize("change", [SPRING, AUTUMN], ids=["spring", "autumn"])
async def test_every_reminder_comes_at_its_hour(stores: Stores, change: datetime) -> None:
    """Twice a day for a month, in each of twenty rooms whose post has waited for as long as its list says."""
    clock = ManualClock(change - 17 * DAY + 8 * HOUR)
    start, hours = clock.now(), Hours((time(9), time(18)), PARIS)
    reminders = Reminders(stores, clock, Notices(Organisation("AMAP", "fr", PARIS)), hours)
    ripe_at = {await a_room(stores, number, start): start + number * DAY for number in range(1, 21)}
    today = start.astimezone(PARIS).date()
    days = [today + number * DAY for number in range(MONTH // DAY)]
    expected = [datetime.combine(day, at, PARIS).astimezone(UTC) for day in days for at in hours.at]

    assert await reminders.step() == expected[1]  # nothing was missed on the first morning
    for hour in expected[1:]:
        clock.advance(hour - MINUTE - clock.now())
        assert await reminders.step() == hour
        assert await reminded(stores, ripe_at, hour) == set()
        clock.advance(MINUTE)
        await reminders.step()
        ripe = {room for room, at in ripe_at.items() if at <= hour}
        assert await reminded(stores, ripe_at, hour) == ripe
    assert len(ripe_at) == len(await reminded(stores, ripe_at, expected[-1]))


async def a_room(stores: Stores, number: int, now: datetime) -> Room:
    """That of a list with a post held at `now`, of which it is reminded after as many days."""
    mlist = await a_list(stores, now, f"list-{number}@example.org")
    mlist = await stores.lists.change(mlist, {"remind_h": 24 * number})
    await stores.rooms.bind(Place("test", f"-{number}"), mlist.id, now)
    await screened(stores, new_post(mlist.id, now))
    room = await stores.rooms.at(Place("test", f"-{number}"))
    assert room
    return room


async def reminded(stores: Stores, rooms: Collection[Room], since: datetime) -> set[Room]:
    """The rooms in which a reminder is due since then."""
    return {
        room
        for room in rooms
        for card in await stores.rooms.cards_due(room, since + MINUTE, 100)
        if card.kind is CardKind.REMINDER and card.due_at and card.due_at >= since
    }


async def test_everything_happens_at_its_time(month: Month) -> None:
    """Expiry, reminders, retries, the quota, forgetting and purging."""
    start, end = month.now, month.now + MONTH
    for days in EXPIRE_DAYS:
        post_id = await month.a_post(await month.a_list(expire_days=str(days)))
        month.expect(start + days * DAY, month.is_in(post_id, PostState.EXPIRED))
        if start + (days + KEEP.keep_days) * DAY < end:  # it ended when it expired, a second later
            purged_at = start + (days + KEEP.keep_days) * DAY + timedelta(seconds=1)
            month.expect(purged_at, month.is_gone(post_id))
    waits_in = await month.a_list()
    never = await month.a_post(waits_in)
    await expect_reminders(month, waits_in)
    for _ in range(ARCHIVED):
        seen = await month.a_list(members=1)
        post_id = await month.a_post(seen)
        await seen.distribute(post_id)
        month.expect(start + KEEP.log_keep_days * DAY, month.is_forgotten(seen))
        month.expect(start + KEEP.keep_days * DAY, month.is_gone(post_id))
    retrying = [await month.a_list(members=1) for _ in range(RETRYING)]
    wave = [
        await month.a_list(
            members=EACH, smtp_username="quota", smtp_password="x", smtp_max_per_hour=str(PER_HOUR)
        )
        for _ in range(IN_A_QUOTA)
    ]
    assert len(await month.world.rows("/lists")) == 20

    await month.until(month.change - 2 * DAY)
    tries = await start_retries(month, retrying)
    await month.until(month.change - 150 * MINUTE)
    left = await start_wave(month, wave)
    await month.until(end)

    month.expected.clear()
    assert await month.is_in(never, PostState.HELD)()
    assert_retried(tries)
    assert_within_quota(left)
    assert month.passes < 300


async def expect_reminders(month: Month, seen: World) -> None:
    """In the list's room, at 9 and at 18 o'clock, before and after the change."""
    stores, zone = month.world.app.stores, month.world.app.settings.zone
    mlist = next(m for m in await stores.lists.all() if m.address == seen.address)
    await stores.rooms.bind(ROOM, mlist.id, month.now)
    day = month.change.astimezone(zone).date()
    for days in range(-3, 4):
        for hour in (time(9), time(18)):
            at = datetime.combine(day + days * DAY, hour, zone).astimezone(UTC)
            month.expect(at, month.is_reminded(at))


async def start_retries(month: Month, lists: list[World]) -> dict[str, list[datetime]]:
    """A copy for each that the relay refuses for now, for ever; when it was offered each."""
    tries: dict[str, list[datetime]] = {}
    relay = month.world.relay
    relay.on_asked = lambda place: tries.get(place, []).append(month.now)
    for seen in lists:
        address = f"{seen.name}-0@example.org"
        relay.replies[address], tries[address] = BUSY, []
        await seen.distribute(await month.a_post(seen))
    return tries


def assert_retried(tries: dict[str, list[datetime]]) -> None:
    """After 1, 5, 15, 30 and 60 minutes, then every 2 hours, for 5 days."""
    for moments in tries.values():
        expected = [moments[0]]
        for minutes in (1, 5, 15, 30, 60, *[120] * 100):
            if (next_ := expected[-1] + minutes * MINUTE) <= moments[0] + 5 * DAY:
                expected.append(next_)
        assert moments == expected


async def start_wave(month: Month, lists: list[World]) -> list[tuple[datetime, int]]:
    """A post on each, over the night of the change; when how many copies left. The forecast is right."""
    left: list[tuple[datetime, int]] = []
    relay = month.world.relay
    relay.on_taken = lambda _, taken: left.append((month.now, len(taken.recipients)))
    post_ids = [await month.a_post(seen) for seen in lists]
    for seen, post_id in zip(lists, post_ids, strict=True):
        await seen.distribute(post_id)
    began, hours = month.now, (IN_A_QUOTA * EACH - 1) // PER_HOUR
    ends = max(datetime.fromisoformat(row["last_leaves_at"]) for row in await lists[-1].rows("/queue"))
    assert abs(ends - (began + hours * HOUR)) <= MINUTE
    assert f"{ends.astimezone(month.world.app.settings.zone):%H:%M}" in await month.world.said("/queue")
    month.expect(began + hours * HOUR, month.is_in(post_ids[-1], PostState.DISTRIBUTED))
    return left


def assert_within_quota(left: list[tuple[datetime, int]]) -> None:
    """Each once, and in no 60 minutes more than allowed."""
    assert sum(number for _, number in left) == IN_A_QUOTA * EACH
    for start, _ in left:
        assert sum(number for at, number in left if start <= at < start + HOUR) <= PER_HOUR
