"""PostgreSQL goes and comes back: nothing is lost, nothing leaks, nobody has to lend a hand."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest
from typing_extensions import override

from bot.core.addresses import Address, Mailbox
from bot.core.clock import Clock
from bot.core.errors import TransientError, UserError
from bot.core.people import Role
from bot.core.stores import Stores
from storage.database import open_stores
from storage.secrets import FernetBox
from tests.support.clock import ManualClock
from tests.support.dovecot import Dovecot
from tests.support.patience import WAIT_S, until
from tests.support.postgres import Postgres
from tests.support.smtp_server import SmtpServer
from tests.support.stores import a_list
from tests.support.world import World, mail, opened_world


class HurriedClock(Clock):
    """A minute of facteur's takes six seconds."""

    _HURRY = 10

    def __init__(self) -> None:
        self._start = super().now()

    @override
    def now(self) -> datetime:
        return self._start + (super().now() - self._start) * self._HURRY

    @override
    async def wait(self, event: Awaitable[object], until: datetime | None) -> None:
        seconds = None if until is None else (until - self.now()).total_seconds() / self._HURRY
        waiting = asyncio.ensure_future(event)
        try:
            await asyncio.wait({waiting}, timeout=None if seconds is None else max(0.0, seconds))
            if waiting.done():
                waiting.result()
        finally:
            waiting.cancel()


async def away(stores: Stores) -> None:
    """More calls than the pool has connections, reading and writing: each is told to come later."""
    calls = [stores.lists.all() for _ in range(20)]
    writing = [a_list(stores, datetime.now().astimezone(), f"x{n}@example.org") for n in range(20)]
    answers = await asyncio.gather(*calls, *writing, return_exceptions=True)
    assert {type(answer) for answer in answers} == {TransientError}, answers
    assert "PostgreSQL" in str(answers[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
async def test_a_server_that_was_away_is_used_again(
    mortal_postgres: Postgres, box: FernetBox, clock: ManualClock, number: signal.Signals
) -> None:
    """Every call meanwhile is a TransientError; afterwards all work, and the wake-ups too."""
    url = mortal_postgres.url(mortal_postgres.new_database())
    async with open_stores(url, box) as stores, open_stores(url, box) as elsewhere:
        await asyncio.gather(*(a_list(stores, clock.now(), f"{n}@example.org") for n in range(20)))

        await asyncio.to_thread(mortal_postgres.stop, number)
        for _ in range(3):
            await away(stores)
        seen = stores.changes.count
        await asyncio.to_thread(mortal_postgres.start)
        async with asyncio.timeout(WAIT_S):
            await stores.changes.beyond(seen)  # whatever happened meanwhile is worth a look

        assert len(await stores.lists.all()) == 20
        seen = stores.changes.count
        await asyncio.gather(*(a_list(elsewhere, clock.now(), f"y{n}@example.org") for n in range(20)))
        async with asyncio.timeout(WAIT_S):
            await stores.changes.beyond(seen)
        assert len(await stores.lists.all()) == 40


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgres://facteur:très/secret@127.0.0.1:1/x", "written as %2F"),
        ("postgres://facteur:secret@127.0.0.1:1/x", "refused|Connect call failed"),
        ("postgres://facteur:secret@127.0.0.1:{port}/nothing", '"nothing" does not exist'),
        ("postgres://facteur:secret@127.0.0.1:{port}/{latin}", "encoding UTF8, not LATIN1"),
        ("postgres://facteur:secret@127.0.0.1:{port}/x?sslmode=secure", "sslmode"),
        ("postgres://facteur:secret@127.0.0.1:{port}/x?sslmode=require", "SSL"),
    ],
)
async def test_a_database_that_cannot_be_used_is_told(
    postgres: Postgres, box: FernetBox, url: str, why: str
) -> None:
    """What to look at, in a sentence without the password."""
    latin = "latin"
    if "{latin}" in url:
        postgres.execute(
            "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    with pytest.raises((TransientError, UserError), match=why) as caught:
        async with open_stores(url.format(port=postgres.port, latin=latin), box):
            pass
    assert "secret" not in str(caught.value)


async def distributing(world: World, recipients: int) -> None:
    """A post is accepted for so many members."""
    await world.add_list(moderation="all")
    [mlist] = await world.app.stores.lists.all()
    for number in range(recipients):
        member = Mailbox("", Address(f"m{number:03}@example.org"))
        await world.app.stores.people.grant(mlist, Role.MEMBER, member)
    await world.deliver(mail(to=world.address))
    await world.do("/distribute 1")


async def test_a_restart_in_the_middle_of_500_deliveries(
    mortal_postgres: Postgres, tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer
) -> None:
    """All 500 arrive, each once: what the relay took is remembered until it can be stored."""
    async with opened_world(
        tmp_path / "data",
        dovecot,
        smtp_server,
        cast("ManualClock", HurriedClock()),
        database_url=mortal_postgres.url(mortal_postgres.new_database()),
        max_recipients=5,
        connections=3,
    ) as world:
        await distributing(world, 500)
        async with world.app.running(("deliver",)) as held:
            ousted = asyncio.create_task(held.lost())
            world.app.start(("deliver",))
            for taken in (20, 50):
                await smtp_server.wait_for(taken)
                await asyncio.to_thread(mortal_postgres.restart)

            async def distributed() -> bool:
                return await world.state(1) == ("distributed", "default")

            await until(world.app.stores.changes, distributed)
            assert not ousted.done()
            ousted.cancel()

        assert await world.counts(1) == {"delivered": 500}
        assert set(Counter(world.sent_to()).values()) == {1}
        assert len(set(world.sent_to())) == 500
