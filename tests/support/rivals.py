"""What a second process does in a test: the functions run in spawned processes."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from queue import Queue

from bot.core.errors import AlreadyDecided
from bot.core.people import Actor
from bot.core.posts import Disposition
from storage.database import migrate, open_stores
from storage.engines import Where
from storage.secrets import FernetBox
from tests.support.patience import WAIT_S
from tests.support.stores import decision

_TIME_LIMIT_S = 2 * WAIT_S
_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="  # no secret is stored in these databases

Rival = Callable[..., None]


def race(rival: Rival, count: int, *args: object) -> list[object]:
    """Run `rival(barrier, answers, name, *args)` in so many processes; what each put into `answers`."""
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(count), context.Queue()
    processes = [
        context.Process(target=rival, args=(barrier, answers, f"rival {number}", *args), daemon=True)
        for number in range(count)
    ]
    for process in processes:
        process.start()
    got = [answers.get(timeout=_TIME_LIMIT_S) for _ in processes]
    for process in processes:
        process.join(_TIME_LIMIT_S)
    return got


def migrate_at_once(barrier: Barrier, answers: Queue[object], name: str, database: Where) -> None:
    """Bring the same new database up to date."""
    barrier.wait(_TIME_LIMIT_S)
    try:
        asyncio.run(migrate(database))
    except Exception as error:  # noqa: BLE001 - the test shows whatever went wrong here
        answers.put(f"{name}: {error!r}")
    else:
        answers.put("done")


def decide_all(
    barrier: Barrier, answers: Queue[object], name: str, database: Where, post_ids: Sequence[int]
) -> None:
    """Accept every post; put those won, and who was first on the others."""
    answers.put(asyncio.run(_decide_all(barrier, name, database, post_ids)))


async def _decide_all(
    barrier: Barrier, name: str, database: Where, post_ids: Sequence[int]
) -> dict[int, str]:
    winners: dict[int, str] = {}
    async with open_stores(database, FernetBox(_KEY, "the test")) as stores:
        await asyncio.to_thread(barrier.wait, _TIME_LIMIT_S)
        for post_id in post_ids:
            post = await stores.posts.get(post_id)
            by = Actor(f"test:{name}", name)
            try:
                await stores.posts.decide(
                    decision(post, datetime.now(UTC), by=by, disposition=Disposition.DISCARD)
                )
                winners[post_id] = name
            except AlreadyDecided as error:
                winners[post_id] = str(error.text.values["who"])
    return winners
