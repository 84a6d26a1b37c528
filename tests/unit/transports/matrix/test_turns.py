"""One thing after the other for each person in a room."""

from __future__ import annotations

import asyncio
import gc
import weakref

from transports.matrix.sync_loop import Turns

ANNE, BRUNO = ("!a", "@anne:example.org"), ("!a", "@bruno:example.org")


async def test_one_does_not_begin_before_the_other_has_ended() -> None:
    """Whoever comes while somebody waits, waits behind; what others do does not concern them."""
    turns, ends, order = Turns(), asyncio.Event(), list[str]()

    async def work(name: str, who: tuple[str, str]) -> None:
        async with turns.of(who):
            order.append(f"{name} begins")
            if name == "first":
                await ends.wait()
            order.append(f"{name} ends")

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(work("first", ANNE))
        tasks.create_task(work("second", ANNE))
        await tasks.create_task(work("another's", BRUNO))
        gc.collect()
        tasks.create_task(work("third", ANNE))
        await tasks.create_task(work("one more of another's", BRUNO))
        assert not first.done()
        ends.set()

    begun = [each for each in order if "another" not in each]
    assert begun == [f"{name} {does}" for name in ("first", "second", "third") for does in ("begins", "ends")]
    assert order.index("one more of another's ends") < order.index("first ends")


async def test_nothing_is_kept_of_whoever_waits_for_nothing() -> None:
    turns = Turns()
    async with turns.of(ANNE):
        held = weakref.ref(turns.of(ANNE))
        assert held() is turns.of(ANNE)
    gc.collect()

    assert held() is None
