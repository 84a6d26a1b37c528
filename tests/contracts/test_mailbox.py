"""What every mailbox must do, on Dovecot, for each protocol, each encryption and each end of a mail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from bot.core.lists import MailboxAccount
from bot.core.ports import Fetched, Mailbox
from bot.core.posts import Cursor
from bot.core.settings import MailProtocol, Security
from tests.support.certificates import certificates
from tests.support.dovecot import Account, Dovecot
from tests.support.patience import WAIT_S
from transports.imap.mailbox import ImapMailbox
from transports.pop3.mailbox import Pop3Mailbox

HOUR_S = 3_600.0
"""Where it is not what ends a wait."""

NASTY = {
    "plain": b"Subject: one\r\n\r\nbody\r\n",
    "empty-body": b"Subject: two\r\n\r\n",
    "no-blank-line": b"Subject: three\r\nFrom: a@example.org\r\n",
    "8-bit": b"Subject: \xe9t\xe9\r\n\r\n"
    + bytes(range(1, 256)).replace(b"\r", b"").replace(b"\n", b"")
    + b"\r\n",
    "like-an-answer": b"Subject: x\r\n\r\n)\r\n* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\nA1 OK\r\n* BYE\r\n",
    "long-line": b"Subject: long\r\n\r\n" + b"x" * 20_000 + b"\r\n",
    "dots": b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n",
    "no-last-line-end": b"Subject: end\r\n\r\nbody",
    "nine-megabytes": b"Subject: big\r\n\r\n" + b"0123456789abcdef\r\n" * 500_000,
}


@dataclass(frozen=True, slots=True)
class Box:
    """A mailbox on a server, its client, and how to put mail into it."""

    dovecot: Dovecot
    account: Account
    settings: MailboxAccount
    mailbox: Mailbox

    def deliver(self, raw: bytes) -> None:
        self.dovecot.deliver(self.account, raw)

    def holds(self, folder: str = "INBOX") -> list[bytes]:
        return self.dovecot.holds(self.account, folder)


@dataclass(frozen=True, slots=True)
class Way:
    """How a mailbox is read."""

    protocol: MailProtocol
    security: Security

    def client(self, account: MailboxAccount) -> Mailbox:
        make = Pop3Mailbox if self.protocol is MailProtocol.POP3 else ImapMailbox
        return make(account, tls=certificates().client_context(), timeout_s=WAIT_S)

    def on_the_wire(self, raw: bytes) -> bytes:
        """A mail as its server sends it: in POP3 its last line has an end (RFC 1939 section 3)."""
        return raw if self.protocol is MailProtocol.IMAP or raw.endswith(b"\r\n") else raw + b"\r\n"


def _each_way(*protocols: MailProtocol) -> list[Any]:
    ways = [Way(protocol, security) for protocol in protocols for security in Security]
    return [pytest.param(way, id=f"{way.protocol.value}-{way.security.value}") for way in ways]


@pytest.fixture(params=_each_way(*MailProtocol))
def way(request: pytest.FixtureRequest) -> Way:
    """Every protocol with every encryption."""
    found = request.param
    assert isinstance(found, Way)
    return found


@dataclass(frozen=True, slots=True)
class Ending:
    """How a mailbox is read, and what becomes of a mail that was taken in."""

    way: Way
    after_intake: str


def _each_ending() -> list[Any]:
    ways = [param.values[0] for param in _each_way(*MailProtocol)]
    return [
        pytest.param(Ending(way, end), id=f"{way.protocol.value}-{way.security.value}-{end}")
        for way in ways
        for end in ("delete", "keep", "move:Taken")
        if way.protocol is MailProtocol.IMAP or not end.startswith("move:")
    ]


@pytest.fixture(params=_each_ending())
def ending(request: pytest.FixtureRequest) -> Ending:
    """Every protocol and encryption with everything that it can do with a mail."""
    found = request.param
    assert isinstance(found, Ending)
    return found


@asynccontextmanager
async def opened(dovecot: Dovecot, way: Way, after_intake: str = "delete") -> AsyncIterator[Box]:
    account = dovecot.add_user()
    with dovecot.client(account) as client:
        client.create("Taken")
    settings = dovecot.mailbox_account(
        account, way.security, protocol=way.protocol, after_intake=after_intake
    )
    mailbox = way.client(settings)
    try:
        yield Box(dovecot, account, settings, mailbox)
    finally:
        await mailbox.close()


@pytest.fixture
async def box(dovecot: Dovecot, way: Way) -> AsyncIterator[Box]:
    """An empty mailbox; mails that were taken in are deleted."""
    async with opened(dovecot, way) as found:
        yield found


async def taken(mailbox: Mailbox, cursors: Sequence[Cursor]) -> list[Fetched]:
    return [mail async for mail in mailbox.fetch(cursors)]


async def test_an_empty_mailbox_lists_nothing(box: Box) -> None:
    assert list(await box.mailbox.listing()) == []


async def test_a_kept_connection_lists_what_arrived_since(box: Box) -> None:
    assert not await box.mailbox.listing()
    box.deliver(NASTY["plain"])
    assert len(await box.mailbox.listing()) == 1


async def test_mails_come_byte_for_byte(box: Box, way: Way) -> None:
    for raw in NASTY.values():
        box.deliver(raw)

    mails = await taken(box.mailbox, await box.mailbox.listing())

    assert [mail.error for mail in mails] == [None] * len(NASTY)
    for (name, raw), mail in zip(NASTY.items(), mails, strict=True):
        assert mail.raw == way.on_the_wire(raw), name


async def test_a_mail_without_any_octet_or_with_lone_line_feeds_does_no_harm(box: Box, way: Way) -> None:
    """What a delivery agent wrote: the server answers with CRLF, the content is the same."""
    box.dovecot.drop(box.account, b"Subject: lf\n\none\ntwo\n", "1")
    box.dovecot.drop(box.account, b"", "2")

    mails = await taken(box.mailbox, await box.mailbox.listing())

    assert {way.on_the_wire(b""), b"Subject: lf\r\n\r\none\r\ntwo\r\n"} == {mail.raw for mail in mails}


async def test_fetching_marks_nothing(box: Box) -> None:
    box.deliver(NASTY["plain"])
    await taken(box.mailbox, await box.mailbox.listing())
    with box.dovecot.client(box.account) as client:
        assert client.uid("SEARCH", "UNSEEN")[1] == [b"1"]


async def test_a_mail_that_somebody_has_read_already_is_listed_too(box: Box) -> None:
    """Whoever looks into the mailbox by webmail takes nothing away from the list."""
    box.deliver(NASTY["plain"])
    with box.dovecot.client(box.account) as client:
        client.uid("STORE", "1", "+FLAGS", r"(\Seen \Answered)")

    mails = await taken(box.mailbox, await box.mailbox.listing())

    assert [NASTY["plain"]] == [mail.raw for mail in mails]


async def test_more_mails_than_fit_into_one_group_all_come(box: Box) -> None:
    with box.dovecot.client(box.account) as client:
        client.append("INBOX", "", "", NASTY["plain"])
        for _ in range(7):
            client.select("INBOX")
            client.copy("1:*", "INBOX")

    mails = await taken(box.mailbox, await box.mailbox.listing())

    assert [NASTY["plain"]] * 128 == [mail.raw for mail in mails]


async def test_a_mail_that_is_gone_meanwhile_is_left_out(box: Box) -> None:
    for name in ("plain", "dots", "8-bit"):
        box.deliver(NASTY[name])
    listed = await box.mailbox.listing()
    with box.dovecot.client(box.account) as client:
        client.uid("STORE", "2", "+FLAGS", r"(\Deleted)")
        client.expunge()

    mails = await taken(box.mailbox, listed)

    assert [NASTY["plain"], NASTY["8-bit"]] == [mail.raw for mail in mails]
    await box.mailbox.settle(listed)
    assert box.holds() == []


async def test_settling_does_what_the_list_says_with_exactly_these_mails(
    dovecot: Dovecot, ending: Ending
) -> None:
    async with opened(dovecot, ending.way, ending.after_intake) as box:
        for name in ("plain", "dots", "8-bit"):
            box.deliver(NASTY[name])
        first, _, third = await box.mailbox.listing()

        await box.mailbox.settle([first, third])
        await box.mailbox.settle([first, third])  # gone is no error

        gone, moved = [NASTY["plain"], NASTY["8-bit"]], ending.after_intake.startswith("move")
        kept = (
            [NASTY["dots"]]
            if ending.after_intake != "keep"
            else [NASTY[n] for n in ("plain", "dots", "8-bit")]
        )
        assert box.holds() == kept
        assert box.holds("Taken") == (gone if moved else [])


async def test_what_another_client_marked_as_deleted_stays(dovecot: Dovecot, ending: Ending) -> None:
    async with opened(dovecot, ending.way, ending.after_intake) as box:
        box.deliver(NASTY["plain"])
        box.deliver(NASTY["dots"])
        with dovecot.client(box.account) as client:
            client.uid("STORE", "1", "+FLAGS", r"(\Deleted)")
            client.unselect()
        _, ours = await box.mailbox.listing()

        await box.mailbox.settle([ours])

        with dovecot.client(box.account) as client:
            assert client.uid("SEARCH", "DELETED")[1] == [b"1"]


async def test_a_mailbox_goes_on_after_waiting(dovecot: Dovecot, ending: Ending) -> None:
    async with opened(dovecot, ending.way, ending.after_intake) as box:
        await box.mailbox.listing()
        await box.mailbox.wait(0.1)
        box.deliver(NASTY["plain"])
        listed = await box.mailbox.listing()
        assert [NASTY["plain"]] == [mail.raw for mail in await taken(box.mailbox, listed)]
        await box.mailbox.wait(0.1)
        await box.mailbox.settle(listed)
        await box.mailbox.wait(0.1)


async def test_waiting_ends_at_its_time(box: Box) -> None:
    box.deliver(NASTY["plain"])
    await box.mailbox.listing()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await box.mailbox.wait(0.3)
    assert 0.29 < loop.time() - began < WAIT_S
    assert len(await box.mailbox.listing()) == 1


async def test_a_cancelled_wait_ends_at_once_and_the_mailbox_goes_on(box: Box) -> None:
    await box.mailbox.listing()
    waiting = asyncio.create_task(box.mailbox.wait(HOUR_S))
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    assert not done
    waiting.cancel()
    await asyncio.wait([waiting], timeout=WAIT_S)
    assert waiting.cancelled()
    box.deliver(NASTY["plain"])
    assert len(await box.mailbox.listing()) == 1


async def test_after_closing_the_next_call_starts_afresh(box: Box) -> None:
    box.deliver(NASTY["plain"])
    await box.mailbox.listing()
    await box.mailbox.close()
    await box.mailbox.close()
    assert len(await box.mailbox.listing()) == 1


async def test_mails_are_listed_oldest_first_under_names_that_last(box: Box, way: Way) -> None:
    for name in ("plain", "dots", "8-bit"):
        box.deliver(NASTY[name])
    listed = await box.mailbox.listing()
    assert [NASTY["plain"], NASTY["dots"], NASTY["8-bit"]] == [
        mail.raw for mail in await taken(box.mailbox, listed)
    ]

    await box.mailbox.settle([listed[0]])
    another = way.client(box.settings)
    assert listed[1:] == await another.listing() == await box.mailbox.listing()
    await another.close()


# What IMAP alone can do: folders that are made anew, and a server that tells of mail.


@pytest.fixture(params=_each_way(MailProtocol.IMAP))
async def imap_box(request: pytest.FixtureRequest, dovecot: Dovecot) -> AsyncIterator[Box]:
    """An empty mailbox over IMAP, with each encryption."""
    async with opened(dovecot, request.param) as found:
        yield found


async def test_mails_are_listed_oldest_first_with_the_uidvalidity_in_the_cursor(imap_box: Box) -> None:
    imap_box.deliver(NASTY["plain"])
    imap_box.deliver(NASTY["dots"])
    with imap_box.dovecot.client(imap_box.account) as client:
        _, (validity,) = client.response("UIDVALIDITY")
    assert validity is not None

    listed = await imap_box.mailbox.listing()

    assert [Cursor("INBOX", validity.decode(), "1"), Cursor("INBOX", validity.decode(), "2")] == listed


async def test_cursors_of_a_folder_that_was_made_anew_touch_nothing(imap_box: Box) -> None:
    """The same UIDs under another UIDVALIDITY are other mails (RFC 3501 section 2.3.1.1)."""
    imap_box.deliver(NASTY["plain"])
    (now,) = await imap_box.mailbox.listing()
    stale = Cursor(now.folder, "1", now.uid)

    assert await taken(imap_box.mailbox, [stale]) == []
    await imap_box.mailbox.settle([stale])
    assert imap_box.holds() == [NASTY["plain"]]


async def test_waiting_ends_soon_after_a_delivery(imap_box: Box) -> None:
    """Mail comes when it comes, and not when somebody visits a page, as it does with WP-Cron."""
    await imap_box.mailbox.listing()
    waiting = asyncio.create_task(imap_box.mailbox.wait(HOUR_S))
    await asyncio.to_thread(imap_box.deliver, NASTY["plain"])
    await asyncio.wait_for(waiting, WAIT_S)
    assert len(await imap_box.mailbox.listing()) == 1


async def test_mail_that_came_between_listing_and_waiting_ends_the_wait(imap_box: Box) -> None:
    await imap_box.mailbox.listing()
    imap_box.deliver(NASTY["plain"])
    await asyncio.wait_for(imap_box.mailbox.wait(HOUR_S), WAIT_S)
