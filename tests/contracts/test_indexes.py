"""What happens all day long finds its rows by an index: these tables grow as long as the archive is kept.

SQLite says how it would find them (EXPLAIN QUERY PLAN), however few there are. PostgreSQL has the same
indexes; which it takes depends on what it knows of the rows.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.addresses import Address
from bot.core.chat import Place
from bot.core.deliveries import DeliveryState
from bot.core.lists import MailingList, SmtpAccount
from bot.core.posts import Cursor, PostState
from bot.core.settings import Security
from bot.core.stores import Page, Stores
from tests.support.clock import ManualClock
from tests.support.stores import SQLITE, a_list, accepted, new_post, screened

pytestmark = SQLITE

ACCOUNT = SmtpAccount("mail.example.org", 465, Security.SSL, "list", "secret", max_per_hour=100)
ROOM = Place("test", "-1")
GROWING = ("post", "raw", "mailing", "delivery", "card", "known_mail")
DAY = timedelta(days=1)
LATER = timedelta(days=100)

Work = Callable[[Stores, MailingList, datetime], Awaitable[Any]]

ALL_DAY: dict[str, Work] = {
    "a mail is known": lambda s, m, _: s.posts.taken_in(m.id, [Cursor("INBOX", "1", "7")]),
    "a mail is taken in": lambda s, m, now: s.posts.take_in(new_post(m.id, now)),
    "what waits for screening": lambda s, m, _: s.posts.received(m.id),
    "the author's history": lambda s, m, _: s.people.standing(m, Address("anne@example.org")),
    "the next delivery": lambda s, m, now: s.outbox.claim(ACCOUNT, [m.id], now),
    "the moment of the next delivery": lambda s, m, now: s.outbox.next_due(ACCOUNT, [m.id], now),
    "when all has left": lambda s, m, now: s.outbox.forecast(ACCOUNT, [m.id], now),
    "what a post's copies became": lambda s, _, __: s.outbox.counts(1),
    "the counts of a list": lambda s, m, _: s.lists.counts(m),
    "reminders": lambda s, _, now: s.reminders.refresh(now),
    "posts that expire": lambda s, m, now: s.posts.expire(m.id, now - DAY, now),
    "posts that are purged": lambda s, _, now: s.posts.purge(now + LATER),
    "deliveries that are forgotten": lambda s, _, now: s.outbox.forget(now + LATER),
    "who got it": lambda s, _, __: s.outbox.find(None, list(DeliveryState), "anne@example.org", Page(8)),
    "what is pending": lambda s, m, _: s.posts.find([m.id], [PostState.HELD], "", Page(8)),
    "numbers of the week": lambda s, m, now: s.statistics.weeks([m.id], [now - 7 * DAY], now),
    "how long decisions take": lambda s, m, now: s.statistics.median_decision([m.id], now - 7 * DAY),
}


async def _cards(stores: Stores, _: MailingList, now: datetime) -> None:
    room = await stores.rooms.at(ROOM)
    assert room
    await stores.rooms.gather(room, now, busy=False)
    for card in await stores.rooms.cards_due(room, now, 10):
        await stores.rooms.shown(card, "1", now, None)
    await stores.rooms.next_due(room, posted=True)


@pytest.mark.parametrize("work", [*ALL_DAY.values(), _cards], ids=[*ALL_DAY, "the cards of a room"])
async def test_no_table_that_grows_is_read_whole(
    stores: Stores, database: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture, work: Work
) -> None:
    now = clock.now()
    mlist = await a_list(stores, now)
    await screened(stores, new_post(mlist.id, now))
    await accepted(stores, mlist, now, ["anne@example.org"])
    await stores.rooms.open(ROOM.transport, ROOM.address, "", now)
    caplog.set_level(logging.DEBUG, "tortoise.db_client")

    await work(stores, mlist, now)

    statements: list[Any] = [each.args for each in caplog.records if each.name == "tortoise.db_client"]
    assert statements
    with closing(sqlite3.connect(database)) as connection:
        for query, values in statements:
            assert _read_whole(connection, query, values) == [], query


def _read_whole(connection: sqlite3.Connection, query: str, values: Any) -> list[str]:
    """The steps that would look at every row of a growing table, or at all those of a list."""
    if not query.startswith(("SELECT", "UPDATE", "DELETE")) or "WHERE 1=0" in query:
        return []
    steps = [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {query}", values or [])]
    whole = [step for step in steps if step.startswith("SCAN") or step.endswith("(mlist_id=?)")]
    return [step for step in whole if step.split()[1] in GROWING]
