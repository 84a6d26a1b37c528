"""A killed program loses nothing and repeats nothing but a transaction whose reply was not yet stored.

One test for each boundary of docs/flow.md. The program is the real one, killed with SIGKILL while it
stands at a known place, and started again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from bot.core.header import split
from bot.core.settings import Security
from tests.support.dovecot import Account, Dovecot
from tests.support.inside import inside
from tests.support.patience import WAIT_S
from tests.support.program import Program, installed
from tests.support.samples import signed
from tests.support.smtp_server import HANG, SmtpServer
from tests.support.stepping import Stepped
from tests.support.stores import BOTH
from tests.support.world import mail

MEMBERS = ("anne@example.org", "bruno@example.org", "chloe@example.org")
RAW = mail(author="Anne <anne@example.org>", subject="Carottes", body=b"Bonjour \xe0 tous\r\n")


class Collective:
    """An installation with one list, and a member's post in its mailbox."""

    def __init__(self, program: Program, dovecot: Dovecot, relay: SmtpServer, mailbox: Account) -> None:
        self.program = program
        self.dovecot = dovecot
        self.relay = relay
        self.mailbox = mailbox

    async def arrives(self, moderation: str, raw: bytes = RAW, *commands: str) -> None:
        """The list is made, without notices to authors, and what `commands` say; then the post comes."""
        account = self.dovecot.mailbox_account(self.mailbox, Security.NONE)
        await self.program.beside(
            f"/addlist {self.mailbox.address} host={account.host} port={account.port} security=none "
            f"password={account.password} moderation={moderation} undo_s=0 "
            "notify_held=no notify_distributed=no",
            *(f"/addmember {self.mailbox.address} {member}" for member in MEMBERS),
            *(command.format(list=self.mailbox.address) for command in commands),
        )
        await asyncio.to_thread(self.dovecot.deliver, self.mailbox, raw)

    async def make_due(self) -> None:
        """Turn back the stored dates of the next attempts, as if the time had passed."""
        async with inside(self.program.database) as database:
            await database.execute(
                "UPDATE delivery SET next_attempt_at = '2020-01-01' WHERE next_attempt_at IS NOT NULL"
            )

    async def ends_well(self, *, at_most: int = 1) -> None:
        """Started again, it distributes the post to everybody, `at_most` times, and leaves nothing open."""
        await self.make_due()
        async with self.program.serving():
            [post] = await self.program.until(
                "/archives", lambda rows: [row["state"] for row in rows] == ["distributed"]
            )
            await self.program.until("/lists", lambda rows: rows[0]["healthy"])
        assert post["subject"] == "Carottes"
        times = Counter(recipient for taken in self.relay.taken for recipient in taken.recipients)
        assert set(MEMBERS) == set(times)
        assert all(1 <= number <= at_most for number in times.values()), times
        assert {split(RAW)[1]} == {split(taken.raw)[1] for taken in self.relay.taken}
        assert self.dovecot.holds(self.mailbox) == []


@pytest.fixture
async def collective(
    tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, no_names: int, database_url: str
) -> Collective:
    program = installed(tmp_path, smtp_server.port, no_names, database_url)
    return Collective(program, dovecot, smtp_server, dovecot.add_user())


@pytest.mark.parametrize(
    ("behind", "at_most", "database_url"),
    [
        pytest.param("running", 1, "sqlite", id="fetched-but-not-stored"),
        pytest.param("fetched", 1, "sqlite", id="stored-but-not-screened"),
        pytest.param("received", 1, "sqlite", id="accepted-but-still-on-the-server"),
        pytest.param("screened", 1, "sqlite", id="deleted-on-the-server"),
        pytest.param("settled", 1, "sqlite", id="attempt-stored-but-network-not-used"),
        pytest.param("claimed", 2, "sqlite", id="taken-by-the-relay-but-outcome-not-stored"),
        pytest.param("sent", 1, "sqlite", id="outcome-stored"),
        pytest.param("fetched", 1, "postgres", id="stored-but-not-screened-postgres"),
        pytest.param("settled", 1, "postgres", id="attempt-stored-but-network-not-used-postgres"),
        pytest.param("sent", 1, "postgres", id="outcome-stored-postgres"),
    ],
    indirect=["database_url"],
)
async def test_killed_between_two_hops(collective: Collective, behind: str, at_most: int) -> None:
    """Only where the relay's reply was not stored may a recipient get the post twice (RFC 1047)."""
    await collective.arrives("non_members")

    stepped = await Stepped.start(collective.program)
    await stepped.kill_behind(behind)

    await collective.ends_well(at_most=at_most)


async def test_killed_while_the_relay_has_not_answered(collective: Collective) -> None:
    """The relay may have the mail or not: offering it again is right, losing it would be wrong."""
    collective.relay.once["END"].append(HANG)
    await collective.arrives("non_members")
    async with collective.program.serving() as service:
        await asyncio.wait_for(collective.relay.hanging.wait(), WAIT_S)
        await service.kill()
    collective.relay.released.set()

    await collective.ends_well(at_most=2)


@BOTH
async def test_killed_before_the_decision_is_stored(collective: Collective) -> None:
    """A decision that did not commit never happened: the post is still held."""
    await collective.arrives("all")
    async with collective.program.serving() as service:
        await service.logged("settled")
    async with inside(collective.program.database) as database, database.locked():
        deciding = await collective.program.start("do", "/distribute 1")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(deciding.wait(), 3)
        deciding.kill()
        await deciding.wait()

    [post] = await collective.program.beside("/pending")
    assert post["id"] == 1
    assert await collective.program.beside("/queue") == []
    await collective.program.beside("/distribute 1")
    await collective.ends_well()


@BOTH
async def test_killed_right_after_the_decision_is_stored(collective: Collective) -> None:
    """Who decided may never have been answered; the deliveries are there all the same."""
    await collective.arrives("all")
    async with collective.program.serving() as service:
        await service.logged("settled")
    async with inside(collective.program.database) as looking:
        deciding = await collective.program.start("do", "/distribute 1")
        async with asyncio.timeout(WAIT_S):
            while await looking.value("SELECT state FROM post") == "held":
                pass
        with suppress(ProcessLookupError):  # it was quicker
            deciding.kill()
        await deciding.wait()

    assert {row["recipient"] for row in await collective.program.beside("/queue")} == set(MEMBERS)
    await collective.ends_well()


async def test_killed_between_holding_and_its_card(collective: Collective) -> None:
    """The card is wanted, whoever was there to show it: the next room that opens has it."""
    await collective.arrives("all")
    stepped = await Stepped.start(collective.program)
    await stepped.kill_behind("received")

    console = await collective.program.start("console", stdin=asyncio.subprocess.PIPE)
    assert console.stdin
    assert console.stdout
    async with asyncio.timeout(WAIT_S):
        while b"Carottes" not in await console.stdout.readline():
            pass
        await console.communicate(b"/quit\n")
    assert console.returncode == 0
    await collective.program.beside("/distribute 1")
    await collective.ends_well()


# What an outcome owes to people: the owners' letter, an incident, a point for the address


@pytest.mark.parametrize("behind", ["claimed", "sent", "cannot leave", "recorded"])
async def test_killed_around_an_outcome_that_owners_are_told_of(collective: Collective, behind: str) -> None:
    """They get one letter, whether the outcome was stored or has to be found out again."""
    collective.relay.eight_bit = False
    await collective.arrives("open", signed(), "/addowner {list} olga@example.org")
    stepped = await Stepped.start(collective.program)
    await stepped.kill_behind(behind)

    await collective.make_due()
    async with collective.program.serving():
        await collective.relay.wait_for(1)
        await collective.program.until("/lists", lambda rows: rows[0]["healthy"])
    [letter] = collective.relay.taken
    assert letter.recipients == ("olga@example.org",)
    [post] = await collective.program.beside("/show 1")
    assert post["deliveries"]["bounced"] == len(MEMBERS)
    assert await collective.program.beside("/queue") == []


@pytest.mark.parametrize("behind", ["claimed", "sent"])
async def test_killed_around_a_delivery_that_is_given_up(collective: Collective, behind: str) -> None:
    """It ends as one bounce, which counts for its address once."""
    collective.relay.replies[MEMBERS[0]] = "550 5.1.1 no such user"
    collective.relay.replies[MEMBERS[1]] = "450 4.2.1 mailbox busy"
    await collective.arrives("non_members")
    async with collective.program.serving() as service:
        await service.logged("recorded")
    async with inside(collective.program.database) as database:
        await database.execute("UPDATE delivery SET first_attempt_at = '2020-01-01' WHERE state = 'deferred'")
    await collective.make_due()
    stepped = await Stepped.start(collective.program)
    await stepped.kill_behind(behind)

    await collective.make_due()
    async with collective.program.serving():
        await collective.program.until("/show 1", lambda rows: rows[0]["state"] == "distributed")
    [post] = await collective.program.beside("/show 1")
    assert post["deliveries"] | {"delivered": 1, "bounced": 2} == post["deliveries"]
    assert [each["recipient"] for each in await collective.program.beside("/errors")] == [*MEMBERS[1::-1]]
    [bouncing] = await collective.program.beside("/bounces")
    assert (bouncing["address"], bouncing["points"]) == (MEMBERS[0], 1)


@pytest.mark.parametrize("behind", ["claimed", "sent", "recorded"])
async def test_killed_around_an_attempt_that_finds_the_relay_away(
    collective: Collective, behind: str
) -> None:
    """One incident is open until the relay is back, however often it was noted."""
    away = SmtpServer()
    async with away.listening():
        pass
    await collective.arrives("non_members", RAW, f"/set {{list}} smtp_host=127.0.0.1 smtp_port={away.port}")
    stepped = await Stepped.start(collective.program)
    await stepped.kill_behind(behind)

    await collective.make_due()
    async with collective.program.serving() as service:
        await service.logged("failed")  # whatever the attempt owed is noted by then
        async with inside(collective.program.database) as database:
            assert await database.value("SELECT count(*) FROM incident WHERE closed_at IS NULL") == 1
    async with away.listening():
        await collective.make_due()
        async with collective.program.serving():
            await collective.program.until("/show 1", lambda rows: rows[0]["state"] == "distributed")
            await collective.program.until("/lists", lambda rows: rows[0]["healthy"])
    async with inside(collective.program.database) as database:
        assert await database.value("SELECT count(*) FROM incident") == 1
        assert await database.value("SELECT count(*) FROM incident WHERE closed_at IS NULL") == 0
