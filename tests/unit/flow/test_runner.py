"""The parts of the service: each goes on by itself, whatever becomes of the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from bot.core.errors import ServerTrouble, TransientError, Trouble
from bot.core.text import Text
from bot.flow.runner import NOT_ITS_FAULT, Runner, alone
from storage.changes import NoticedChanges
from tests.support.clock import ManualClock
from tests.support.patience import WAIT_S


class Part:
    """Counts its steps; does and answers what a test says."""

    def __init__(self, until: datetime | None = None) -> None:
        self.until = until
        self.error: Exception | None = None
        self.steps = 0
        self.woken = asyncio.Event()
        self.closed = False
        self._stepped = asyncio.Condition()

    async def step(self) -> datetime | None:
        async with self._stepped:
            self.steps += 1
            self._stepped.notify_all()
        if self.error:
            raise self.error
        return self.until

    async def wake(self) -> None:
        await self.woken.wait()
        self.woken.clear()

    async def close(self) -> None:
        self.closed = True

    async def stepped(self, number: int) -> None:
        async with asyncio.timeout(WAIT_S), self._stepped:
            await self._stepped.wait_for(lambda: self.steps >= number)


@pytest.fixture
def changes() -> NoticedChanges:
    return NoticedChanges()


@pytest.fixture
async def runner(clock: ManualClock, changes: NoticedChanges) -> AsyncIterator[Runner]:
    running = Runner(clock, changes)
    yield running
    await running.stop_all()


async def test_a_part_is_called_when_it_wants_to_be(runner: Runner, clock: ManualClock) -> None:
    part = Part(until=clock.now() + timedelta(minutes=5))
    runner.start("part", part.step)
    await part.stepped(1)

    part.until = None
    clock.advance(timedelta(minutes=5))

    await part.stepped(2)


async def test_a_commit_calls_it_earlier(runner: Runner, changes: NoticedChanges) -> None:
    part = Part()
    runner.start("part", part.step)
    await part.stepped(1)

    changes.notice()

    await part.stepped(2)


async def test_its_own_event_takes_the_place_of_commits(runner: Runner, changes: NoticedChanges) -> None:
    """A mailbox in IDLE is not polled because somebody typed a command."""
    part, other = Part(), Part()
    runner.start("part", part.step, wake=part.wake)
    runner.start("other", other.step)
    await part.stepped(1)

    changes.notice()
    await other.stepped(2)
    assert part.steps == 1
    part.woken.set()

    await part.stepped(2)


@pytest.mark.parametrize("error", [TransientError(Text("away")), ZeroDivisionError("a bug")])
async def test_a_failing_part_backs_off_alone(
    runner: Runner, clock: ManualClock, changes: NoticedChanges, error: Exception
) -> None:
    """One second, two, four: commits do not shorten it, and the other part goes on meanwhile."""
    failing, well = Part(), Part()
    failing.error = error
    runner.start("failing", failing.step)
    runner.start("well", well.step)
    await failing.stepped(1)
    await well.stepped(1)

    changes.notice()
    await well.stepped(2)
    assert failing.steps == 1
    clock.advance(timedelta(seconds=1))
    await failing.stepped(2)
    clock.advance(timedelta(seconds=1))
    changes.notice()
    await well.stepped(3)
    assert failing.steps == 2
    failing.error = None
    clock.advance(timedelta(seconds=1))
    await failing.stepped(3)
    changes.notice()
    await failing.stepped(4)


@pytest.mark.parametrize("error", [TransientError(Text("away")), ZeroDivisionError("a bug")])
async def test_what_is_done_alone_fails_alone(error: Exception) -> None:
    """One mail, one card, one pass by cron: the next is reached."""
    failing = Part()
    failing.error = error

    assert await alone("failing", failing.step) is None
    assert failing.steps == 1


async def test_a_database_that_is_away_is_not_the_mails_fault() -> None:
    failing = Part()
    failing.error = TransientError(Text("away"))

    with pytest.raises(TransientError):
        await alone("failing", failing.step, but=NOT_ITS_FAULT)


async def test_other_peoples_servers_are_not_knocked_at_often(runner: Runner, clock: ManualClock) -> None:
    """A wrong password tried every second gets a host locked."""
    part, well = Part(), Part()
    part.error = ServerTrouble(Trouble.LOGIN, Text("refused"))
    runner.start("part", part.step)
    runner.start("well", well.step)
    await part.stepped(1)

    clock.advance(timedelta(seconds=29))
    await well.stepped(1)
    assert part.steps == 1
    clock.advance(timedelta(seconds=1))

    await part.stepped(2)


async def test_stopping_lets_the_step_under_way_finish(runner: Runner) -> None:
    """And what takes its place need not wait for that."""
    begun, finish = asyncio.Event(), asyncio.Event()
    done = []

    async def step() -> None:
        begun.set()
        await finish.wait()
        done.append("whole")

    part, successor = Part(), Part()
    runner.start("part", step, closing=part)
    await asyncio.wait_for(begun.wait(), WAIT_S)
    runner.stop("part")
    runner.start("part", successor.step)
    await successor.stepped(1)
    assert not done
    finish.set()
    await asyncio.wait_for(runner.stop_all(), WAIT_S)

    assert (done, part.closed) == (["whole"], True)


async def test_at_the_end_a_step_that_hangs_is_cut_short(clock: ManualClock, changes: NoticedChanges) -> None:
    running, part = Runner(clock, changes, time_to_finish_s=0.01), Part()
    begun = asyncio.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    running.start("hanging", hang, closing=part)
    await asyncio.wait_for(begun.wait(), WAIT_S)
    await asyncio.wait_for(running.stop_all(), WAIT_S)

    assert part.closed


async def test_nothing_starts_once_all_has_stopped(runner: Runner) -> None:
    """A part that follows the lists may still be at work while the service ends."""
    await runner.stop_all()
    part = Part()

    runner.start("late", part.step)
    await asyncio.wait_for(runner.stop_all(), WAIT_S)

    assert part.steps == 0
