"""The service while it runs: trouble in one place, or a change by somebody, leaves the rest alone."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from bot.core.posts import Cursor
from bot.core.text import Text
from bot.flow.reading import read
from tests.support.clock import ManualClock
from tests.support.dovecot import Dovecot
from tests.support.patience import WAIT_S, until
from tests.support.smtp_server import HANG, SmtpServer
from tests.support.world import World, mail, opened_world

ANNE = "anne@example.org"


async def commits(world: World, number: int) -> None:
    """Wait until the service has noticed as many changes by others."""
    for _ in range(number):
        seen = world.app.stores.changes.count
        await world.do(f"/set {world.name} description=x{seen}")
        await asyncio.wait_for(world.app.stores.changes.beyond(seen), WAIT_S)


async def test_a_list_that_is_added_cuts_no_transaction(world: World) -> None:
    """The relay thinks for minutes about a mail; whatever changes meanwhile, it is offered once."""
    await world.add_list()
    await world.members(ANNE)
    world.relay.once["END"].append(HANG)
    await world.put(mail(author=ANNE))
    world.app.start(["poll", "deliver"])
    await asyncio.wait_for(world.relay.hanging.wait(), WAIT_S)

    other = world.another()
    await other.add_list()
    await commits(world, 3)
    world.relay.released.set()
    await world.relay.wait_for(1)
    await world.app.service.stop()

    assert world.relay.commands["DATA"] == 1
    assert (await world.app.stores.outbox.counts(1)).delivered == 1


async def test_a_relay_that_is_away_is_left_alone_for_a_while(
    tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, clock: ManualClock
) -> None:
    """Thirty seconds at first, whatever is committed meanwhile."""
    async with opened_world(tmp_path, dovecot, smtp_server, clock, connections=1, max_recipients=1) as world:
        await world.add_list(smtp_host="localhost", smtp_port="1", smtp_security="none")
        await world.members(*(f"m{number}@example.org" for number in range(10)), ANNE)
        await world.put(mail(author=ANNE))
        world.app.start(["poll", "deliver"])

        began = clock.now()

        async def attempts() -> int:
            return sum(row["attempts"] for row in await world.rows("/queue"))

        await until(world.app.stores.changes, attempts)
        await commits(world, 3)
        assert await attempts() == 1

        async def more() -> bool:
            return await attempts() > 1

        await clock.run_until(until(world.app.stores.changes, more))
        assert clock.now() - began >= timedelta(seconds=30)


async def test_a_post_that_cannot_be_screened_is_held_and_stops_nothing(world: World) -> None:
    """A damaged row: somebody looks at it, and the mail behind it goes its way."""
    await world.add_list()
    await world.members(ANNE)
    [mlist] = await world.app.stores.lists.all()
    raw = mail(author=ANNE)
    await world.app.stores.posts.take_in(read(mlist.id, Cursor("INBOX", "1", "1"), raw, world.clock.now()))
    with closing(sqlite3.connect(world.app.data_dir / "facteur.db", timeout=10)) as database, database:
        database.execute("UPDATE raw SET packed = ?", (b"damaged",))

    await world.deliver(mail(author=ANNE))

    assert await world.state(1) == ("held", "unreadable")
    assert await world.state(2) == ("distributed", "member")


async def test_a_list_is_well_again_once_its_mail_leaves(world: World) -> None:
    """Whoever found the relay away: another connection, or somebody's /check."""
    await world.add_list()
    await world.members(ANNE)
    await world.deliver(mail(author=ANNE))
    [mlist] = await world.app.stores.lists.all()
    await world.app.stores.lists.connected([mlist.id], world.clock.now(), Text("away"))
    assert not (await world.rows("/lists"))[0]["healthy"]

    await world.deliver(mail(author=ANNE))

    assert (await world.rows("/lists"))[0]["healthy"]


async def test_a_relay_that_is_away_costs_no_quota(world: World) -> None:
    """Nothing was offered: once it is back, everybody gets the post within the hour."""
    await world.add_list(smtp_host="localhost", smtp_port="1", smtp_security="none", smtp_max_per_hour="3")
    await world.members("a@example.org", "b@example.org", ANNE)
    await world.deliver(mail(author=ANNE))
    await world.later(minutes=1)
    assert world.copies() == []

    port = world.relay.port
    await world.do(f"/set {world.name} smtp_host=127.0.0.1 smtp_port={port}")
    await world.later(minutes=5)

    assert (await world.app.stores.outbox.counts(1)).delivered == 3
